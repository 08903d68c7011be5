import numpy as np
import pandas as pd
import pytest
from sklearn.tree import DecisionTreeRegressor

from textbook.importance import importance, main_effects


def trials(function, *, n=400, columns="abc", noise=0.0, seed=0):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.random((n, len(columns))), columns=list(columns))
    return table.assign(y=function(table) + noise * rng.normal(size=n))


def shares(table, **settings):
    return importance(table, target="y", **{"resamples": 20, **settings}).set_index("hyperparameter")


def test_shares_of_a_sum_are_those_of_its_variances():
    found = shares(trials(lambda t: 3 * t.a + t.b, noise=0.1)).share
    assert found["a"] == pytest.approx(0.9, abs=0.03)
    assert found["b"] == pytest.approx(0.1, abs=0.03)
    assert found["c"] == pytest.approx(0.0, abs=0.01)
    assert list(found.index) == ["a", "b", "c"]


def test_a_pure_interaction_is_nobodys_own():
    found = shares(trials(lambda t: (t.a - 0.5) * (t.b - 0.5), n=800)).share
    assert found.sum() < 0.2


def test_main_effects_of_trees_equal_brute_force():
    rng = np.random.default_rng(0)
    x = rng.random((60, 3))
    forest = [DecisionTreeRegressor(max_leaf_nodes=9).fit(x, x[:, 0] * x[:, 1] + rng.normal(size=60)) for _ in range(3)]
    centres = (np.arange(300) + 0.5) / 300
    others = rng.random((4000, 3))

    def mean(points, forest=forest):
        return np.mean([tree.predict(points) for tree in forest], axis=0)

    for d, exact in enumerate(main_effects([tree.tree_ for tree in forest])):
        points, marginal = others.copy(), []
        for centre in centres:
            points[:, d] = centre
            marginal.append(mean(points).mean())
        assert exact == pytest.approx(np.var(marginal), rel=0.1, abs=1e-4)


def test_log_changes_the_measure():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"rate": 10 ** rng.uniform(-5, 0, 400), "b": rng.random(400)})
    table["y"] = np.log10(table.rate) ** 2 / 8 + table.b
    # on the linear scale nearly all of the range lies above 0.1, where the rate hardly matters
    assert shares(table, log=["rate"]).share["rate"] > 0.8
    assert shares(table).share["rate"] < 0.5


def test_within_a_part_of_the_ranges():
    # of a in 0…1 and b, y = 4·(a − ½)₊ + b: below ½ only b varies, above it a has 4 times b's variance
    table = trials(lambda t: 4 * np.maximum(t.a - 0.5, 0) + t.b, n=800, columns="ab")
    below, above = (shares(table, within={"a": part}, resamples=0).share for part in ((0, 0.5), (0.5, 1)))
    assert below["a"] < 0.1 and below["b"] > 0.8
    assert above["a"] == pytest.approx(0.8, abs=0.08)
    whole = shares(table, resamples=0).share
    pd.testing.assert_series_equal(whole, shares(table, within={"a": (-1, 2)}, resamples=0).share)


def test_within_takes_values_of_a_grid_and_of_a_log_scale():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"batch": rng.choice([8, 32, 512], 400), "rate": 10 ** rng.uniform(-4, 0, 400)})
    table["y"] = 1.0 * (table.batch == 8) + (table.rate > 0.01)
    found = shares(table, log=["rate"], within={"batch": (20, 600)}, resamples=0).share
    assert found["batch"] < 0.02 and found["rate"] > 0.95
    found = shares(table, log=["rate"], within={"rate": (0.02, 1)}, resamples=0).share
    assert found["batch"] > 0.95 and found["rate"] < 0.02


@pytest.mark.parametrize(
    "within, message",
    [
        ({"depth": (1, 2)}, "expected a part of a, b, c, got one of 'depth'"),
        ({"a": (2, 3)}, "expected two values of 'a' or more from 2 to 3, got 0"),
    ],
)
def test_a_part_without_trials_is_refused(within, message):
    with pytest.raises(ValueError, match=message):
        shares(trials(lambda t: t.a, n=40), within=within)


def test_grids_and_categories():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"batch": rng.choice([8, 32, 512], 200), "optimizer": rng.choice(["adam", "sgd"], 200)})
    table["y"] = (table.batch == 8) + 0.5 * (table.optimizer == "sgd")
    # variances 2/9 and 1/16
    assert shares(table).share["batch"] == pytest.approx(0.78, abs=0.03)
    assert shares(table).share["optimizer"] == pytest.approx(0.22, abs=0.03)


def test_intervals_hold_the_share_and_narrow_with_trials():
    few, many = (shares(trials(lambda t: 3 * t.a + t.b, n=n, noise=0.3), resamples=40) for n in (60, 600))
    assert ((few.low <= few.share) & (few.share <= few.high)).all()
    assert (many.high - many.low)["a"] < (few.high - few.low)["a"]
    assert many.low["a"] > many.high["b"]


def test_the_same_seed_gives_the_same_table():
    table = trials(lambda t: t.a, n=60)
    pd.testing.assert_frame_equal(shares(table), shares(table))
    assert not shares(table).equals(shares(table, seed=1))


def test_no_resamples_give_the_same_shares_without_intervals():
    table = trials(lambda t: t.a, n=60)
    bare = shares(table, resamples=0)
    assert bare.share.equals(shares(table).share)
    assert bare[["low", "high"]].isna().all(axis=None)


@pytest.mark.parametrize(
    "change, settings, message",
    [
        ({}, {"hyperparameters": ["a", "depth"]}, "expected columns depth, got a, b, c, y"),
        ({"y": np.nan}, {}, "got 40 that are not; mend by dropping these trials"),
        ({"y": 1.0}, {}, "got 1 throughout"),
        ({"a": np.linspace(-1, 1, 40)}, {"log": ["a"]}, "expected 'a' above 0 for a log scale, got -1"),
        ({"a": np.nan}, {}, "mend by filling or leaving it out"),
    ],
)
def test_unusable_trials_are_refused(change, settings, message):
    with pytest.raises(ValueError, match=message):
        shares(trials(lambda t: t.a, n=40).assign(**change), **settings)
    with pytest.raises(ValueError, match="at least 10 trials, got 5"):
        shares(trials(lambda t: t.a, n=5))


def test_a_part_may_reach_beyond_the_trials_also_on_a_log_scale():
    table = pd.DataFrame({"rate": np.geomspace(0.001, 1, 60), "y": np.linspace(0, 1, 60)})
    whole, beyond = (
        importance(table, target="y", log=["rate"], trees=4, resamples=0, within=within)
        for within in (None, {"rate": (0, 10)})
    )
    pd.testing.assert_frame_equal(whole, beyond)
