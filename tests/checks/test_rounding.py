"""Rounding noise is measured: that of a known size, of float32, and none from kinks that are known."""

import numpy as np
import pytest

from textbook.checks.rounding import measured_noise, noise


def pairs_of(function, crossed=lambda plus, minus: np.zeros(len(plus), bool)):
    def pairs(indices, plus, minus):
        return function(indices, plus)[:, None], function(indices, minus)[:, None], crossed(plus, minus)

    return pairs


def test_noise_of_a_known_size_is_found_beside_a_steep_function():
    random = np.random.default_rng(0)
    grid = 1e-6 * np.arange(8)
    values = 1e3 * np.exp(grid) + 1e-11 * random.normal(size=(500, 8))
    assert np.sqrt((noise(values) ** 2).mean()) == pytest.approx(1e-11, rel=0.1)
    assert noise(1e3 * np.arange(8.0)) == 0


def test_float32_inside_is_seen_in_that_tensor_and_float64_in_the_other():
    def function(indices, w):
        return np.where(indices < 2, np.sin(w), np.sin(w.astype(np.float32)).astype(np.float64))

    weights = np.array([0.3, 0.7, 0.3, 0.7, 0.9])
    groups = [np.array([0, 1]), np.array([2, 3, 4])]
    near, rough = measured_noise(pairs_of(function), weights, groups, spacing=1e-6)[:, 0]
    assert rough > 1e-9
    assert near <= rough  # at least the groups' median, so as to be on the safe side


def test_a_known_kink_is_no_noise():
    weights = np.array([0.0, 1.0, 1.0])

    def crossed(plus, minus):
        return plus * minus < 0

    sigma = measured_noise(
        pairs_of(lambda indices, w: np.abs(w), crossed), weights, [np.array([0, 1]), np.array([2])], spacing=1e-6
    )
    assert (sigma < 1e-15).all()
