import numpy as np

from textbook.schedules import Constant


def test_the_curve_is_flat():
    assert np.array_equal(Constant(0.1)(np.linspace(0, 30, 61)), np.full(61, 0.1))
    assert Constant(0.1)(float("inf")) == 0.1
