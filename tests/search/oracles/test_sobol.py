"""Quasi-random search: trial k is point k of scipy's scrambled sequence."""

import keras_tuner
import numpy as np
import pytest

from tests.search.oracles.playing import mixed_space, play
from textbook.search.oracles import SobolOracle


def cube(dimensions: int):
    hp = keras_tuner.HyperParameters()
    for i in range(dimensions):
        hp.Float(f"x{i}", 0.0, 1.0)
    return hp


def points(oracle) -> np.ndarray:
    return np.array([list(values.values()) for values, _, _ in play(oracle, len, at_once=7).values()])


@pytest.mark.parametrize("seed", [0, 1])
def test_every_slice_of_every_axis_is_hit_once(seed):
    drawn = points(SobolOracle(cube(5), trials=64, seed=seed))
    assert drawn.shape == (64, 5)
    for column in drawn.T:
        assert sorted((64 * column).astype(int)) == list(range(64))


def test_seeds_scramble_differently():
    assert not np.isin(points(SobolOracle(cube(3), seed=0)), points(SobolOracle(cube(3), seed=1))).any()


def test_fewer_trials_are_the_beginning_of_more():
    np.testing.assert_array_equal(points(SobolOracle(cube(3), trials=5)), points(SobolOracle(cube(3), trials=16))[:5])


def test_inactive_and_fixed_hyperparameters():
    rows = [values for values, _, _ in play(SobolOracle(mixed_space(), trials=32)).values()]
    assert sum("momentum" in values for values in rows) == sum(values["optimizer"] == "sgd" for values in rows) == 16
    assert all(values["width"] == 32 for values in rows)
    # a fixed one is no dimension: the others stay where they are
    bare, fixed = cube(2), keras_tuner.HyperParameters()
    fixed.Fixed("width", 32)
    fixed.merge(bare)
    np.testing.assert_array_equal(points(SobolOracle(bare)), points(SobolOracle(fixed))[:, 1:])


def test_a_discrete_space_is_covered_without_repeats():
    hp = keras_tuner.HyperParameters()
    hp.Choice("a", [1, 2, 3, 4])
    hp.Boolean("b")
    rows = [tuple(values.values()) for values, _, _ in play(SobolOracle(hp, trials=50), len).values()]
    assert len(rows) == len(set(rows)) == 8


def test_more_points_may_be_passed_over_than_in_a_row():
    hp = keras_tuner.HyperParameters()
    hp.Int("units", 1, 40)
    oracle = SobolOracle(hp, trials=50)
    assert sorted(values["units"] for values, _, _ in play(oracle, len).values()) == list(range(1, 41))
    assert oracle.get_state()["passed_over"] > 20


def test_a_space_with_nothing_to_vary_has_one_trial():
    hp = keras_tuner.HyperParameters()
    hp.Fixed("width", 32)
    assert len(play(SobolOracle(hp), len)) == 1
