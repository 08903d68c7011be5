import keras_tuner
import numpy as np
import pytest

from tests.search.fake_search import a_search, loss_of
from textbook import plots
from textbook.book_layout import CAPTION
from textbook.search.pictures import incumbent, score_against, shown_scores, ticks
from textbook.search.scales import scales

NINE = (
    "rate", "1 - momentum", "dropout", "units", "layers", "batch_size", "activation", "optimizer", "beta_2"
)  # fmt: skip


def drawn(fig):
    """Laid out as for saving, so that warnings of the layout are errors here."""
    with plots.style():
        fig.draw_without_rendering()
    return fig


def caption(fig):
    return " ".join(text.get_text().replace("\n", " ") for text in fig.texts if text.get_gid() == CAPTION)


def lines(ax, marker):
    return [line for line in ax.get_lines() if line.get_marker() == marker]


def dots(ax, marker="o"):
    """All (x, y) of a marker; (dots, 2)."""
    parts = [np.column_stack(line.get_data()) for line in lines(ax, marker)]
    return np.concatenate(parts) if parts else np.empty((0, 2))


def panel(result, name):
    _, ax = plots.figure()
    return score_against(ax, result.table, result.scales[name], objective=result.objective)


@pytest.mark.parametrize(
    "settings, panels",
    [
        ({"n": 1, "failed": 0, "names": ("rate", "units")}, 4),
        ({"n": 30, "names": ("rate", "units"), "objective": "val_accuracy"}, 4),
        ({"n": 40, "names": NINE}, 11),
        ({"n": 12, "failed": 11}, 8),
        ({"n": 9, "names": ("epochs_seen",), "loss": lambda *_: 0.5}, 2),
    ],
)
def test_any_search_with_a_score_is_drawn(settings, panels):
    found = a_search(**settings)
    fig = drawn(found.plot())
    shown = [ax for ax in fig.axes if ax.axison]
    assert len(shown) == panels
    # a collapsed layout leaves panels a few pixels wide
    assert min(min(ax.bbox.width, ax.bbox.height) for ax in shown) > 200
    texts = [label for ax in shown for label in (ax.xaxis.label, ax.yaxis.label)]
    boxes = [text.get_window_extent() for text in texts if text.get_text()]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    drawn(found.plot_parallel().figure)


def test_the_incumbent_is_the_best_so_far_against_trials_and_added_seconds():
    found = a_search(30)
    table = found.table.sample(frac=1, random_state=0)
    for against, at in (("trials", np.arange(1, 31)), ("seconds", found.table.seconds.cumsum())):
        _, ax = plots.figure()
        incumbent(ax, table, objective=found.objective, against=against)
        (steps,) = [line for line in ax.get_lines() if line.get_drawstyle() == "steps-post"]
        assert steps.get_xdata() == pytest.approx(np.asarray(at))
        assert steps.get_ydata() == pytest.approx(found.table.score.cummin().ffill().to_numpy(), nan_ok=True)
    with pytest.raises(ValueError, match="'trials' or 'seconds', got 'epochs'"):
        incumbent(ax, table, objective=found.objective, against="epochs")


def test_the_incumbent_of_an_accuracy_rises():
    found = a_search(30, names=("rate", "units"), objective="val_accuracy")
    _, ax = plots.figure()
    incumbent(ax, found.table, objective=found.objective)
    (steps,) = [line for line in ax.get_lines() if line.get_drawstyle() == "steps-post"]
    assert steps.get_ydata()[-1] == found.table.score.max()


def test_long_searches_are_timed_in_minutes_and_hours():
    found = a_search(10)
    for seconds, label in ((1.0, "seconds"), (60.0, "minutes"), (3600.0, "hours")):
        _, ax = plots.figure()
        incumbent(ax, found.table.assign(seconds=seconds), objective=found.objective, against="seconds")
        assert ax.get_xlabel().startswith(label)
        assert max(dots(ax)[:, 0]) == 10


def test_each_trial_stands_at_its_value_and_the_star_at_the_best():
    found = a_search(40)
    done = found.table[found.table.status == "completed"]
    ax = panel(found, "rate")
    expected = done.sort_values("rate")[["rate", "score"]].to_numpy()
    assert dots(ax)[np.argsort(dots(ax)[:, 0])] == pytest.approx(expected)
    best = done.loc[done.score.idxmin()]
    assert dots(ax, "*").tolist() == [[best.rate, best.score]]
    assert ax.get_xscale() == "log"
    low, high = ax.get_xlim()
    assert low < 1e-4 and high > 1.0


def test_trials_without_a_score_are_marked_above_and_counted():
    found = a_search(40)
    ax = panel(found, "rate")
    for status, marker in (("infeasible", "x"), ("failed", "+")):
        marks = dots(ax, marker)
        assert sorted(marks[:, 0]) == pytest.approx(sorted(found.table.rate[found.table.status == status]))
        assert (marks[:, 1] > 1).all()
    infeasible = (found.table.status == "infeasible").sum()
    assert f"{infeasible} infeasible (× above the panels), 2 failed (+ above the panels)" in caption(found.plot())
    assert "infeasible" not in caption(a_search(10, failed=0, loss=lambda *_: 0.5).plot())


def test_categories_are_columns_of_dots_that_stay_apart():
    found = a_search(40, failed=0)
    ax = panel(found, "activation")
    names = [label.get_text() for label in ax.get_xticklabels()]
    assert names == ["relu", "tanh", "hard_sigmo…"]
    done = found.table[found.table.status == "completed"]
    at = dots(ax)[:, 0]
    counts = done.activation.value_counts()
    assert [int((np.round(at) == i).sum()) for i in range(3)] == [
        counts[name] for name in ("relu", "tanh", "hard_sigmoid")
    ]
    assert len(np.unique(at)) == len(at)


def test_a_conditional_hyperparameter_shows_its_active_trials_only():
    found = a_search(40)
    ax = panel(found, "beta_2")
    active = found.table.beta_2.notna()
    assert ax.get_xlabel() == f"beta_2 (active in {active.sum()} of 40)"
    assert len(dots(ax)) == (active & (found.table.status == "completed")).sum()
    # on its own scale equal steps are equal shares of what is left to the mirror at 1
    places = ax.transData.transform([(0.9, 0), (0.99, 0), (0.0, 0)])[:, 0]
    assert places[1] - places[0] == pytest.approx(places[0] - places[2])


def test_trials_of_fewer_epochs_are_hollow():
    found = a_search(20, failed=0)
    found.table.loc[::2, "epochs"] = 2
    hollow = [line for line in lines(panel(found, "rate"), "o") if line.get_markerfacecolor() == "white"]
    done = found.table[found.table.status == "completed"]
    assert sum(len(line.get_xdata()) for line in hollow) == (done.epochs == 2).sum()
    assert "Hollow: fewer than 4 epochs." in caption(found.plot())


def test_a_far_score_does_not_flatten_the_rest_and_is_shown_at_the_end():
    found = a_search(60, loss=lambda values, noise: loss_of(values, noise) + 30 * (values["rate"] > 0.6))
    assert found.table.score.max() > 20
    ax = panel(found, "rate")
    assert ax.get_ylim()[1] < 10
    far = (found.table.score > ax.get_ylim()[1]).sum()
    assert len(dots(ax, "^")) == far
    assert f"Triangle: a score beyond the axis ({far})." in caption(found.plot())


@pytest.mark.parametrize(
    "scores, lower, inside, outside",
    [
        ([0.2, 0.3, 0.4, 0.5, 0.6], True, [0.2, 0.6], []),
        ([0.2, 0.21, 0.22, 0.23, 50.0], True, [0.2, 0.23], [50.0]),
        ([0.9, 0.89, 0.88, 0.87, -40.0], False, [0.9, 0.87], [-40.0]),
        ([0.5], True, [0.5], []),
        ([0.0, 0.0], False, [0.0], []),
    ],
)
def test_limits_of_scores(scores, lower, inside, outside):
    found = a_search(3).table.score
    low, high = shown_scores(found.iloc[:0].reindex(range(len(scores))).fillna(0) + scores, lower=lower)
    assert all(low < value < high for value in inside)
    assert not any(low < value < high for value in outside)


def test_ticks_are_round_numbers_within_the_range():
    hp = keras_tuner.HyperParameters()
    hp.Float("rate", 1e-4, 1.0, sampling="log")
    hp.Float("momentum", 0.01, 0.99, sampling="reverse_log")
    hp.Int("units", 16, 128)
    hp.Boolean("norm")
    found = scales(hp)
    assert [text for _, text in ticks(found["rate"])] == ["0.0001", "0.001", "0.01", "0.1", "1"]
    assert [value for value, _ in ticks(found["momentum"])] == pytest.approx([0.7, 0.9, 0.97, 0.99])
    assert [text for _, text in ticks(found["units"])] == ["30", "60", "90", "120"]
    assert ticks(found["norm"]) == [(True, "True"), (False, "False")]
