"""The NumPy network: its gradient against differences, its value by hand, its precision."""

import numpy as np
import pytest

from chapters.shared.loss_differences import along
from chapters.shared.small_network import SmallNetwork
from textbook.checks import numerical_gradient, relative_error
from textbook.seeding import stream


def network(**settings):
    random = stream(0, "test")
    return SmallNetwork(random.random((6, 5)), random.integers(3, size=6), 3, **{"hidden": (4, 7)} | settings)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("hidden", [(), (4,), (4, 7, 3)])
def test_the_gradient_is_that_of_the_value(activation, hidden):
    one = network(hidden=hidden, activation=activation)
    w = one.initial(stream(1, "test"))
    assert w.shape == (one.weights,)
    errors = relative_error(one.gradient(w), numerical_gradient(one.value, w, h=1e-5))
    assert errors.max() < 1e-5


def test_many_weight_vectors_are_one_call():
    one = network()
    many = np.stack([one.initial(stream(seed, "test")) for seed in range(6)]).reshape(2, 3, -1)
    values = one.value(many)
    assert values.shape == (2, 3)
    assert values[1, 2] == pytest.approx(one.value(many[1, 2]), rel=1e-12)


def test_a_network_without_hidden_layer_by_hand():
    # two rows, logits 0 and x: the loss is the mean of ln(1 + e^x) and of ln(1 + e^x) − x
    one = SmallNetwork(np.array([[1.0], [2.0]]), np.array([0, 1]), 2, hidden=())
    by_hand = np.mean([np.log(1 + np.e), np.log(1 + np.exp(2)) - 2])
    assert one.value(np.array([0.0, 1.0, 0.0, 0.0])) == pytest.approx(by_hand)


def test_single_precision_computes_in_single_precision():
    rough, exact = network(dtype="float32"), network()
    w = exact.initial(stream(1, "test"))
    assert rough.value(w).dtype == np.float32
    assert 0 < abs(float(rough.value(w)) - float(exact.value(w))) < 1e-5


def test_along_some_weights_the_others_stay():
    one = network()
    w = one.initial(stream(1, "test"))
    chosen = np.array([3, 11])
    moved = w.copy()
    moved[chosen] += 0.1
    line = along(one, w, chosen)
    assert line(w[chosen]) == pytest.approx(one.value(w), rel=1e-12)
    assert line(np.stack([w[chosen] + 0.1] * 2)) == pytest.approx(one.value(moved), rel=1e-12)


def test_another_activation_is_refused():
    with pytest.raises(ValueError, match="expected activation as 'tanh' or 'relu', got 'selu'"):
        network(activation="selu")
