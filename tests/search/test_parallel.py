import numpy as np
import pytest

from tests.search.fake_search import a_search
from textbook import plots
from textbook.book_layout import CAPTION


def trials(ax):
    """Lines that run through all axes: heights at each; (trials, axes)."""
    widest = max(len(line.get_xdata()) for line in ax.get_lines())
    return [line for line in ax.get_lines() if len(line.get_xdata()) == widest]


def test_a_line_runs_through_the_places_of_its_values_to_its_score():
    found = a_search(20, names=("rate", "units", "activation"), failed=0)
    ax = found.plot_parallel()
    best = found.best().iloc[0]
    (line,) = [line for line in trials(ax) if line.get_linewidth() > 2]
    heights = line.get_ydata()
    assert heights[0] == pytest.approx(np.log10(best.rate / 1e-4) / 4)
    assert heights[1] == pytest.approx((best.units - 16) / 112)
    place = ["relu", "tanh", "hard_sigmoid"].index(best.activation) / 2
    assert heights[2] == pytest.approx(place, abs=0.03)
    assert 0 < heights[3] == min(line.get_ydata()[3] for line in trials(ax))
    assert [text.get_text() for text in ax.get_xticklabels()] == ["rate", "units", "activation", "val_loss"]


def test_the_better_the_darker_and_the_best_on_top():
    for objective, end in (("val_loss", 1), ("val_accuracy", -1)):
        found = a_search(20, names=("rate", "units"), failed=0, objective=objective)
        scored = [line for line in trials(found.plot_parallel()) if line.get_linestyle() == "-"]
        heights = np.array([line.get_ydata()[-1] for line in scored]) * end
        light = np.array([np.dot(line.get_color()[:3], [0.3, 0.6, 0.1]) for line in scored])
        assert (np.diff(heights) <= 0).all()
        assert (np.diff(light) <= 1e-3).all()


def test_trials_without_a_score_are_dotted_and_counted_above():
    found = a_search(40)
    ax = found.plot_parallel()
    dotted = [line for line in trials(ax) if line.get_linestyle() == ":"]
    assert len(dotted) == (found.table.status != "completed").sum()
    assert all(line.get_ydata()[-1] > 1 for line in dotted)
    texts = [text.get_text() for text in ax.texts]
    assert f"{(found.table.status == 'infeasible').sum()} infeasible" in texts
    assert "2 failed" in texts


def test_a_line_dips_below_the_axis_of_what_was_inactive():
    found = a_search(40)
    ax = found.plot_parallel()
    below = sum(line.get_ydata()[5] < -0.05 for line in trials(ax))
    assert below == found.table.beta_2.isna().sum()
    assert "inactive" in [text.get_text() for text in ax.texts]
    without = a_search(20, names=("rate", "units")).plot_parallel()
    assert "inactive" not in [text.get_text() for text in without.texts]


def test_given_axes_are_drawn_on_and_their_figure_is_left_alone():
    fig, ax = plots.figure()
    assert a_search(10).plot_parallel(ax) is ax
    assert [text for text in fig.texts if text.get_gid() == CAPTION] == []
