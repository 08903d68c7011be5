import functools
import math

import keras
import keras_tuner
import numpy as np
import pandas as pd
import pytest

from tests.search.small import same
from textbook import plots, splits
from textbook.book_layout import CAPTION
from textbook.search import CoarseToFine, Stage, coarse_to_fine, grid_search, hyperband, sobol_search
from textbook.search.training import Trainer

PLAN = [Stage(trials=12, epochs=1), Stage(trials=8, epochs=2), Stage(trials=6, epochs=3)]


def build(hp):
    """One weight on inputs of about ±1: an update on all samples multiplies its error by 1 − 2·rate; best at 0.5."""
    # from zero, or after an epoch the luck of the start would count for more than the rate
    dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
    model = keras.Sequential([keras.Input((1,)), dense])
    model.compile(keras.optimizers.SGD(hp.Float("rate", 1e-4, 0.1, sampling="log")), "mse")
    return model


@pytest.fixture(scope="module")
def part():
    x = np.where(np.arange(48) % 2, 1.0, -1.0) * np.linspace(0.99, 1.01, 48)  # no two rows are equal
    x = x[:, None].astype("float32")
    return splits.split((x, 10 * x[:, 0]), seed=0, sizes=(32, 12, 4))


def search(part, **settings):
    return coarse_to_fine(build, part, **{"stages": PLAN, "batch_size": 32, **settings})


@pytest.fixture(scope="module")
def found(part):
    return search(part)


@pytest.fixture
def trained(monkeypatch):
    """Seeds of the trials that were trained."""
    seeds, train = [], Trainer.train

    def counted(self, jobs):
        seeds.extend(job.seed for job in jobs)
        return train(self, jobs)

    monkeypatch.setattr(Trainer, "train", counted)
    return seeds


@pytest.mark.parametrize("seed", [0, 1])
def test_ranges_move_to_an_optimum_beyond_the_first_one_and_close_in_on_it(part, seed):
    found = search(part, seed=seed, stages=[Stage(16, 1), Stage(16, 2), Stage(16, 3)])
    ranges = found.decisions
    assert ranges.why[0] == "best at the upper edge: shifted up"
    assert ranges.next_low[1] < 0.5 < ranges.next_high[1]
    assert ranges.next_low[2] < 0.5 < ranges.next_high[2]
    width = np.log(ranges.next_high / ranges.next_low)
    assert width[2] < width[1] < width[0] < math.log(0.1 / 1e-4)
    assert found.best().rate[0] == pytest.approx(0.5, rel=0.3)


def test_a_stage_searches_what_the_last_one_decided(found):
    ranges = found.decisions
    assert ranges.stage.tolist() == ["stage-1", "stage-2", "stage-3"]
    spaces = [result.space.space[0] for result in found.stages] + found.next_space.space
    assert [one.min_value for one in spaces] == [1e-4, *ranges.next_low]
    assert [one.max_value for one in spaces] == [0.1, *ranges.next_high]
    assert ranges.low.tolist() == [1e-4, *ranges.next_low[:2]]
    for result, one in zip(found.stages, spaces, strict=False):
        assert result.table.rate.between(one.min_value, one.max_value).all()
    assert found.stages[1].table.rate.max() > 0.1  # beyond the builder's own range
    assert ranges.best.tolist() == [result.best().rate[0] for result in found.stages]


def test_tables_tell_the_stages_apart(found):
    assert isinstance(found, CoarseToFine)
    assert found.table.groupby("stage").size().to_dict() == {"stage-1": 12, "stage-2": 8, "stage-3": 6}
    assert list(found.table.columns) == list(found.stages[0].table.columns)
    assert not found.table.duplicated(["stage", "trial"]).any()
    assert found.table.groupby("stage").epochs.unique().explode().tolist() == [1, 2, 3]
    assert list(found.curves.columns[:3]) == ["stage", "trial", "epoch"]
    assert len(found.curves) == 12 * 1 + 8 * 2 + 6 * 3
    of_two = found.curves[found.curves.stage == "stage-2"].drop(columns="stage").reset_index(drop=True)
    pd.testing.assert_frame_equal(of_two, found.stages[1].curves)


def test_the_best_is_that_of_the_last_stage_and_of_those_with_as_many_epochs(found, part):
    assert set(found.best(100).stage) == {"stage-3"}
    assert found.best_stage is found.stages[2]
    assert found.best().score[0] == found.stages[2].table.score.min()
    equal = search(part, stages=[Stage(8, 1), Stage(6, 2), Stage(4, 2)], space=around_half())
    assert set(equal.best(100).stage) == {"stage-2", "stage-3"}
    scores = equal.best(100).score
    assert scores.is_monotonic_increasing and len(scores) == 10
    assert equal.best_stage.best().score[0] == scores[0]


def around_half():
    hp = keras_tuner.HyperParameters()
    hp.Float("rate", 0.4, 0.6)
    return hp


def test_an_accuracy_is_best_where_it_is_high(part):
    def closeness(y, outputs):
        return -keras.ops.abs(keras.ops.reshape(y, (-1,)) - outputs[:, 0])

    def scored(hp):
        model = build(hp)
        model.compile(model.optimizer, "mse", metrics=[closeness])
        return model

    goal = keras_tuner.Objective("val_closeness", "max")
    plan = [Stage(6, 1), Stage(5, 1)]
    result = coarse_to_fine(scored, part, stages=plan, objective=goal, batch_size=32)
    assert result.best(11).score.is_monotonic_decreasing
    assert result.best().rate[0] == result.table.rate[result.table.score.idxmax()]


def test_the_same_seed_gives_the_same_and_another_one_does_not(found, part):
    again = search(part)
    pd.testing.assert_frame_equal(same(again.table), same(found.table))
    pd.testing.assert_frame_equal(again.decisions, found.decisions)
    pd.testing.assert_frame_equal(again.curves, found.curves)
    other = search(part, seed=1, stages=PLAN[:1])
    assert not set(other.table.rate) & set(found.table.rate)
    # stages draw independently: the same places of a range come up in no two of them
    spaces = [result.space.space[0] for result in found.stages]
    units = [one.value_to_prob(rate) for one, r in zip(spaces, found.stages, strict=True) for rate in r.table.rate]
    assert len(np.unique(np.round(units, 6))) == 26
    assert len({result.seed for result in found.stages}) == 3
    assert found.table.seed.nunique() == 26


def test_a_finished_search_is_read_and_goes_on_with_more_stages(found, part, tmp_path, trained):
    first = search(part, directory=tmp_path, stages=PLAN[:2])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["stage-1", "stage-2"]
    assert len(trained) == 20
    again = search(part, directory=tmp_path, stages=PLAN[:2])
    assert len(trained) == 20
    pd.testing.assert_frame_equal(again.table, first.table)  # also what the clock said
    pd.testing.assert_frame_equal(again.decisions, first.decisions)
    longer = search(part, directory=tmp_path)
    assert len(trained) == 26
    pd.testing.assert_frame_equal(same(longer.table), same(found.table))


def test_a_search_that_was_killed_goes_on_where_it_was(found, part, tmp_path, trained, monkeypatch):
    train = Trainer.train

    def killed(self, jobs):
        if len(trained) == 16:  # in the second wave of the second stage
            raise KeyboardInterrupt
        return train(self, jobs)

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "train", killed)
        with pytest.raises(KeyboardInterrupt):
            search(part, directory=tmp_path, wave=4)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["stage-1", "stage-2"]
    resumed = search(part, directory=tmp_path, wave=4)
    assert len(trained) == 26 == len(set(trained))
    pd.testing.assert_frame_equal(resumed.table[["stage", "trial", "rate"]], found.table[["stage", "trial", "rate"]])
    np.testing.assert_allclose(resumed.table.score, found.table.score, rtol=1e-5)


def test_another_search_in_the_folder_is_refused_and_nothing_is_lost(part, tmp_path):
    search(part, directory=tmp_path, stages=PLAN[:2])
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match="rate: min_value") as error:
        search(part, directory=tmp_path, stages=PLAN[:2], shrink=0.1)
    assert error.value.__notes__ == ["in stage-2 of 2"]
    with pytest.raises(ValueError, match="epochs: 2 → 7"):
        search(part, directory=tmp_path, stages=[PLAN[0], Stage(8, 7)])
    with pytest.raises(ValueError, match="seed"):
        search(part, directory=tmp_path, stages=PLAN[:2], seed=3)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    other = search(part, directory=tmp_path, stages=PLAN[:1], seed=3, overwrite=True)
    assert len(other.table) == 12
    assert [path.name for path in tmp_path.iterdir()] == ["stage-1"]


def test_other_searches_and_limits(part):
    wave = functools.partial(sobol_search, wave=3)
    found = search(part, stages=[Stage(8, 1), Stage(4, 2)], search=wave, limits={"rate": (1e-5, 0.2)})
    assert found.decisions.next_high[0] == 0.2
    found = search(part, stages=[Stage(5, 1)], search=functools.partial(grid_search, points=5))
    np.testing.assert_allclose(np.sort(found.table.rate), 10 ** (-4 + 3 * (np.arange(5) + 0.5) / 5))


def test_a_stage_whose_trials_all_fail_ends_the_search_and_says_which(part, tmp_path):
    def raises(hp):
        model = build(hp)
        if 0.02 < hp["rate"] < 1e9:
            raise RuntimeError("out of reach")
        return model

    space = keras_tuner.HyperParameters()
    space.Float("rate", 0.03, 0.1, default=0.01)
    with pytest.raises(RuntimeError, match="that all failed") as error:
        coarse_to_fine(raises, part, space, stages=PLAN, batch_size=32, directory=tmp_path)
    assert error.value.__notes__ == ["in stage-1 of 3"]
    assert not (tmp_path / "stage-2").exists()


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"stages": 0}, "stages as a number from 1 up, got 0"),
        ({"stages": []}, "a list of Stage, got 'none'"),
        ({"stages": [(8, 1)]}, r"a list of Stage, got \(8, 1\)"),
        ({"search": hyperband}, "a search that takes trials, got 'hyperband'"),
        ({"epochs": 3}, "expected epochs in each Stage, got epochs=3"),
        ({"shrink": 0}, "expected shrink"),
        ({"limits": {"momentum": (0, 1)}}, "limits of rate, got momentum"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_trained(part, trained, tmp_path, settings, message):
    with pytest.raises(ValueError, match=message):
        search(part, directory=tmp_path, **settings)
    assert not trained and not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    "bad", [{"trials": 0, "epochs": 1}, {"trials": 4, "epochs": None}, {"trials": 2.5, "epochs": 1}]
)
def test_a_stage_is_two_counts(bad):
    with pytest.raises(ValueError, match="of a stage as a whole number from 1 up"):
        Stage(**bad)


def test_a_folder_with_something_else_is_refused(part, tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(ValueError, match=r"with thesis.tex in it; mend by another directory"):
        search(part, directory=tmp_path)


def test_the_best_model_and_fresh_seeds_come_from_the_best_stage(found, part):
    model = found.best_stage.best_model()
    assert model.evaluate(part.validation.x, part.validation.y, verbose=0) == pytest.approx(
        found.best().score[0], rel=1e-3
    )
    assert found.best_stage.retrained(3).n == 3


def test_the_figure_shows_each_stages_range_and_trials(found):
    fig = found.plot()
    with plots.style():
        fig.draw_without_rendering()
    (ax,) = fig.axes
    assert len(ax.patches) == 3
    # places of the ranges along the panel's log axis, which spans them all
    ends = np.log([[one.scales["rate"].low, one.scales["rate"].high] for one in found.stages])
    ends = (ends - ends.min()) / np.ptp(ends)
    drawn = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in ax.patches]
    np.testing.assert_allclose(drawn, ends, atol=1e-9)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["1: 12 × 1", "2: 8 × 2", "3: 6 × 3"]
    dots = [line for line in ax.get_lines() if line.get_marker() in ("o", "x", "+")]
    assert sum(len(line.get_xdata()) for line in dots) == 26
    stars = [line.get_xdata()[0] for line in ax.get_lines() if line.get_marker() == "*"]
    best = [np.log(result.best().rate[0]) for result in found.stages]
    low, high = np.log(found.decisions.low.min()), np.log(found.decisions.high.max())
    np.testing.assert_allclose(stars, (np.array(best) - low) / (high - low))
    caption = " ".join(text.get_text() for text in fig.texts if text.get_gid() == CAPTION)
    assert "n = 26 trials" in caption
