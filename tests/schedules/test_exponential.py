"""Exponential decay against its closed forms and Keras's own."""

import math

import numpy as np
import pytest

from textbook.schedules import ExponentialDecay, StepDecay

BOOK = ExponentialDecay(0.1, factor=0.1, every=8)
T = np.linspace(0, 40, 401)


def test_corners():
    assert [BOOK(t) for t in (0, 8, 16)] == pytest.approx([0.1, 0.01, 0.001], rel=1e-14)


def test_the_whole_curve_is_a_straight_line_on_a_log_axis():
    np.testing.assert_allclose(np.log(BOOK(T)), math.log(0.1) + math.log(0.1) / 8 * T, rtol=1e-12)
    np.testing.assert_allclose(BOOK(T), 0.1 * np.exp(-0.28782313662425574 * T), rtol=1e-12)


def test_the_staircase_is_step_decay_and_touches_the_curve_from_above():
    stairs = ExponentialDecay(0.1, factor=0.1, every=8, staircase=True)
    assert np.array_equal(stairs(T), StepDecay(0.1, factor=0.1, every=8)(T))
    assert np.all(stairs(T) >= BOOK(T) * (1 - 1e-14))
    np.testing.assert_allclose(stairs([0, 8, 16]), BOOK([0, 8, 16]), rtol=1e-14)


@pytest.mark.parametrize("staircase", (False, True))
def test_it_is_keras_own(staircase):
    import keras

    steps = 33
    ours = ExponentialDecay(0.1, factor=0.1, every=8, staircase=staircase)
    theirs = keras.optimizers.schedules.ExponentialDecay(0.1, 8 * steps, 0.1, staircase=staircase)
    for update in (0, 1, 100, 8 * steps - 1, 8 * steps, 8 * steps + 1, 16 * steps, 20 * steps + 7):
        assert ours(update / steps) == pytest.approx(float(theirs(update)), rel=2e-6)
        assert float(ours.in_steps(steps)(update)) == pytest.approx(float(theirs(update)), rel=2e-6)


def test_per_epoch_it_falls_faster_than_the_step_example():
    assert BOOK(1) / BOOK(0) == pytest.approx(0.750, abs=5e-4)
    assert ExponentialDecay(1, factor=0.5, every=5)(1) == pytest.approx(0.871, abs=5e-4)
