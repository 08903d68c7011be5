"""Cosine decay against its closed form and Keras's own."""

import math

import numpy as np
import pytest

from textbook.schedules import CosineDecay

SCHEDULE = CosineDecay(0.2, total=12, final=0.02)


def test_corners():
    assert SCHEDULE(0) == 0.2
    assert SCHEDULE(6) == pytest.approx(0.11, rel=1e-14)
    assert SCHEDULE(12) == SCHEDULE(12.5) == SCHEDULE(1000) == 0.02
    assert CosineDecay(0.2, total=12)(12) == 0


def test_the_whole_curve():
    t = np.linspace(0, 12, 121)
    expected = [0.02 + 0.18 * math.cos(math.pi * at / 24) ** 2 for at in t]
    np.testing.assert_allclose(SCHEDULE(t), expected, rtol=1e-12)


def test_it_is_keras_own():
    import keras

    steps = 33
    theirs = keras.optimizers.schedules.CosineDecay(0.2, 12 * steps, alpha=0.1)
    for update in (0, 1, 100, 6 * steps, 12 * steps - 1, 12 * steps, 15 * steps):
        assert SCHEDULE(update / steps) == pytest.approx(float(theirs(update)), rel=2e-6)
        assert float(SCHEDULE.in_steps(steps)(update)) == pytest.approx(float(theirs(update)), rel=2e-6)
