"""Rates by hand against a search in the list, Keras's own and torch's."""

import bisect

import numpy as np
import pytest

from tests.schedules.torch_oracle import torch_values
from textbook.schedules import PiecewiseConstant

HAND = PiecewiseConstant([0.1, 0.3, 0.05, 0.01], boundaries=[3, 7.5, 8])


@pytest.mark.parametrize(
    ("t", "rate"),
    [(0, 0.1), (2.999999, 0.1), (3, 0.3), (7.499, 0.3), (7.5, 0.05), (7.999, 0.05), (8, 0.01), (99, 0.01)],
)
def test_corners(t, rate):
    assert HAND(t) == rate


def test_the_whole_curve():
    hundredths = range(1200)
    expected = [(0.1, 0.3, 0.05, 0.01)[bisect.bisect_right([300, 750, 800], k)] for k in hundredths]
    assert HAND(np.array(hundredths) / 100).tolist() == expected


def test_one_value_alone_is_refused_only_with_boundaries_that_do_not_fit():
    with pytest.raises(ValueError, match=r"expected one value more than boundaries, got 1 values and 1 boundaries"):
        PiecewiseConstant([0.1], boundaries=[3])


@pytest.mark.parametrize("steps", (3, 10, 33, 90))
def test_it_is_keras_own_with_boundaries_one_update_earlier(steps):
    import keras

    boundaries = [3 * steps, 8 * steps]
    theirs = keras.optimizers.schedules.PiecewiseConstantDecay([b - 1 for b in boundaries], [0.1, 0.3, 0.05])
    ours = PiecewiseConstant([0.1, 0.3, 0.05], boundaries=[3, 8])
    for update in {k for b in boundaries for k in range(b - 2, b + 3)} | {0, 1, 20 * steps}:
        assert float(ours.in_steps(steps)(update)) == pytest.approx(float(theirs(update)), rel=1e-7)
        assert ours(update / steps) == pytest.approx(float(theirs(update)), rel=1e-7)


def test_it_is_torchs_multi_step():
    rates, _ = torch_values("MultiStepLR", 40, initial=0.4, milestones=[10, 30], gamma=0.5)
    np.testing.assert_allclose(
        PiecewiseConstant([0.4, 0.2, 0.1], boundaries=[10, 30])(np.arange(40)), rates, rtol=1e-15
    )


@pytest.mark.parametrize("unit", (0.1, 0.3, 0.7, 1.1, 30.3))
def test_no_change_is_an_update_early_or_late(unit):
    import keras

    steps, places = 90, range(1, 12)
    ours = PiecewiseConstant(range(12), boundaries=[unit * i for i in places])
    updates = np.arange(13 * round(unit * steps))
    expected = np.minimum(updates // round(unit * steps), 11)
    assert np.array_equal(ours(updates / steps), expected)
    assert np.array_equal(keras.ops.convert_to_numpy(ours.in_steps(steps)(updates)), expected)


@pytest.mark.parametrize(
    ("values", "boundaries", "message"),
    [
        ([0.1, -0.1], [3], r"expected values\[1\] from 0 up, got -0\.1"),
        ([0.1, 0.2], [0], r"expected boundaries\[0\] above 0, got 0"),
        ([0.1, 0.2, 0.3], [5, 5], r"expected boundaries that grow, got \(5\.0, 5\.0\)"),
        (0.1, [3], r"expected values as a list, got 0\.1"),
        ("0.1", [3], r"expected values as a list, got '0\.1'"),
        ([], [], "expected at least one of values, got none"),
    ],
)
def test_wrong_arguments_are_refused(values, boundaries, message):
    with pytest.raises(ValueError, match=message + ".*; mend by"):
        PiecewiseConstant(values, boundaries=boundaries)
