"""Step decay against its closed form and Keras's own, with the corners named."""

import math

import numpy as np
import pytest

from textbook.schedules import StepDecay

BOOK = StepDecay(0.2, factor=0.5, every=5)


@pytest.mark.parametrize(
    ("epoch", "rate"),
    [(0, 0.2), (4, 0.2), (4.999999, 0.2), (5, 0.1), (9, 0.1), (9.999999, 0.1), (10, 0.05), (15, 0.025)],
)
def test_corners(epoch, rate):
    assert BOOK(epoch) == rate


def test_the_whole_curve():
    t = np.arange(0, 4000) / 100  # hundredths of an epoch, counted in whole numbers below
    expected = [0.2 * 0.5 ** (hundredth // 500) for hundredth in range(4000)]
    assert np.array_equal(BOOK(t), expected)


def test_fractional_periods_drop_on_time():
    # 0.3 / 0.1 is 2.9999999999999996 in floating point, and three periods nevertheless
    schedule = StepDecay(1.0, factor=0.5, every=0.1)
    assert [schedule(k / 10) for k in range(30)] == [0.5**k for k in range(30)]
    assert schedule(0.2999999) == 0.25


@pytest.mark.parametrize(("rows", "batch"), [(1024, 32), (1000, 32), (300, 7), (5, 8)])
def test_the_drop_falls_on_step_five_times_ceil(rows, batch):
    import keras

    steps = math.ceil(rows / batch)
    rate = BOOK.in_steps(steps)
    # Keras's own switches strictly after its boundary
    theirs = keras.optimizers.schedules.PiecewiseConstantDecay(
        [5 * steps - 1, 10 * steps - 1, 15 * steps - 1], [0.2, 0.1, 0.05, 0.025]
    )
    updates = {k for drop in (5, 10, 15) for k in range(drop * steps - 2, drop * steps + 3) if k >= 0}
    for update in sorted(updates | {0, 1, 4 * steps, 9 * steps, 19 * steps}):
        expected = 0.2 * 0.5 ** (update // (5 * steps))
        assert float(rate(update)) == pytest.approx(expected, rel=1e-7)
        assert float(theirs(update)) == pytest.approx(expected, rel=1e-7)
    late = keras.optimizers.schedules.PiecewiseConstantDecay([5 * steps], [0.2, 0.1])
    assert float(late(5 * steps)) == pytest.approx(0.2)  # the off-by-one that the boundary 5n has


@pytest.mark.parametrize("every", (0.1, 0.3, 0.7, 1, 5))
def test_no_update_of_a_long_run_is_early_or_late_in_the_graph(every):
    import keras

    steps = 90
    rate = StepDecay(1.0, factor=0.5, every=every).in_steps(steps)
    updates = np.arange(0, 100 * round(every * steps))
    exponents = -np.log2(keras.ops.convert_to_numpy(rate(updates)).astype(np.float64))
    assert np.array_equal(exponents, updates // round(every * steps))


def test_far_into_a_run_the_drop_is_still_exact():
    rate = StepDecay(1.0, factor=0.5, every=1000).in_steps(1000)
    assert [float(rate(k)) for k in (999_999, 1_000_000, 1_999_999, 2_000_000)] == [1, 0.5, 0.5, 0.25]
