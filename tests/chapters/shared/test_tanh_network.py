"""The tanh network's gradient and Hessian against differences, and its symmetries."""

import numpy as np
import pytest

from chapters.shared.tanh_network import TanhNetwork


@pytest.fixture
def network():
    random = np.random.default_rng(0)
    return TanhNetwork(random.normal(size=(15, 2)), random.integers(0, 2, 15), hidden=3, l2=0.02)


def points(network, *shape):
    return np.random.default_rng(1).normal(size=(*shape, network.weights))


def differences(function, w, h=1e-6):
    """Centred differences along each weight, stacked on a new last axis."""
    steps = h * np.eye(w.shape[-1])
    return np.stack([(function(w + step) - function(w - step)) / (2 * h) for step in steps], axis=-1)


def test_gradient_and_hessian_equal_differences(network):
    w = points(network, 4)
    assert network.weights == 3 * 4 + 1
    assert network.gradient(w) == pytest.approx(differences(network.value, w), abs=1e-8)
    hessian = network.hessian(w)
    assert hessian == pytest.approx(differences(network.gradient, w), abs=1e-8)
    assert hessian == pytest.approx(np.swapaxes(hessian, -1, -2), abs=1e-14)
    assert np.linalg.eigvalsh(hessian).min() < -0.01  # the part that Gauss and Newton leave out


def test_a_value_by_hand():
    network = TanhNetwork(np.array([[1.0, 2.0]]), np.array([1]), hidden=1, l2=0.1)
    w = np.array([0.3, -0.2, 0.5, 2.0, -1.0])
    logit = 2 * np.tanh(0.3 - 0.4 + 0.5) - 1
    assert network.value(w) == pytest.approx(np.log1p(np.exp(-logit)) + 0.05 * np.sum(w**2))


def test_many_points_are_one_call(network):
    w = points(network, 2, 3)
    for method in (network.value, network.gradient, network.hessian):
        together = method(w)
        assert together.shape[:2] == (2, 3)
        assert together[1, 2] == pytest.approx(method(w[1, 2]), abs=1e-14)


def test_units_in_another_order_and_turned_over_are_the_same_function(network):
    w, order, signs = points(network, 4), [2, 0, 1], np.array([1, -1, -1])
    other = network.permuted(w, order, signs)
    assert np.abs(other - w).max() > 0.1
    assert network.value(other) == pytest.approx(network.value(w), abs=1e-14)
    assert network.permuted(network.gradient(w), order, signs) == pytest.approx(network.gradient(other), abs=1e-14)
    assert not np.allclose(network.value(np.roll(w, 1, axis=-1)), network.value(w))
