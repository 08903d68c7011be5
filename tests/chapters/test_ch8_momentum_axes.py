"""Velocities under gradients of each kind, and the way across a valley."""

import numpy as np

from chapters.ch8 import momentum_axes as section
from textbook.surfaces import Quadratic


def test_the_velocity_is_the_weighted_sum_of_the_gradients():
    gradients = np.array([[1.0], [-2.0], [0.5]])
    found = section._velocities(gradients, 0.5, rate=0.1)
    np.testing.assert_allclose(found[:, 0], [1, -1.5, -0.25])


def test_what_alternates_shrinks_and_what_stays_grows():
    gains = section._gains().set_index(["kind", "momentum"]).gain
    assert gains[section._STEADY, 0.9] > 9.99 and gains[section._ALTERNATING, 0.9] < 0.53
    assert gains[section._STEADY, 0.0] == gains[section._ALTERNATING, 0.0] == 1


def test_noise_grows_as_the_root_of_a_sum_of_squares():
    noise = section._noise((3,), updates=8000).set_index(["kind", "momentum"]).gain
    np.testing.assert_allclose(noise[section._NOISE, 0.9], 1 / np.sqrt(1 - 0.81), rtol=0.07)
    np.testing.assert_allclose(noise[section._STEADY, 0.9], 10, rtol=0.07)


def test_the_way_of_plain_descent_is_a_geometric_series():
    ways = section._ways(Quadratic((1.0, 25.0)), 0.07).set_index("momentum")
    np.testing.assert_allclose(ways.way[0.0], 1.75 / 0.25)
    assert not ways.shorter[0.0] and ways.shorter[0.3] and not ways.shorter[0.95]
