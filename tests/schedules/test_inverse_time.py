"""1/t decay against its closed form and Keras's own."""

import numpy as np
import pytest

from textbook.schedules import InverseTimeDecay


def test_the_whole_curve_and_where_it_has_halved():
    t = np.linspace(0, 40, 401)
    schedule = InverseTimeDecay(0.3, rate=0.25)
    np.testing.assert_allclose(1 / schedule(t), (1 + t / 4) / 0.3, rtol=1e-12)
    assert schedule(4) == 0.15


def test_it_is_keras_own():
    import keras

    steps = 33
    ours = InverseTimeDecay(0.3, rate=0.25)
    theirs = keras.optimizers.schedules.InverseTimeDecay(0.3, steps, 0.25)
    for update in (0, 1, 32, 33, 34, 500, 4000):
        assert ours(update / steps) == pytest.approx(float(theirs(update)), rel=1e-6)
        assert float(ours.in_steps(steps)(update)) == pytest.approx(float(theirs(update)), rel=1e-6)
