"""The stacked networks against Keras: losses, gradients, one update of `fit`, noise, and replicas apart."""

import keras
import numpy as np
import pytest

from chapters.shared.normalised_network import NormalisedNetworks
from textbook.batch_statistics import estimate_batch_statistics
from textbook.gradients import gradients_of
from textbook.models import mlp

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(2, 12, 5)).astype("float32"), RANDOM.integers(3, size=(2, 12))
SHAPES = (5, 6, 4, 3)


def stack(activation="relu", *, batch_norm=True, dtype="float32"):
    """Two networks with weights unlike those of the start."""
    ones = [
        NormalisedNetworks.initial(
            np.random.default_rng(seed), shapes=SHAPES, batch_norm=batch_norm, activation=activation, dtype=dtype
        )
        for seed in (1, 2)
    ]
    networks = NormalisedNetworks.side_by_side(ones)
    for part in (networks.shifts, networks.scales):
        for layer in part:
            layer += RANDOM.normal(scale=0.3, size=layer.shape).astype(dtype)
    return networks


def in_keras(networks, which):
    """The same network in Keras, and where the stack's weights are among its own."""
    batch_norm = bool(networks.scales)
    model = mlp((5,), 3, hidden=(6, 4), activation=networks.activation, batch_norm=batch_norm)
    n = len(networks.kernels)
    kernels, shifts, scales = range(n), range(n, 2 * n), range(2 * n, len(networks.weights))
    order = [place for layer in range(n - 1) for place in (kernels[layer], *scales[layer : layer + 1], shifts[layer])]
    order += [kernels[-1], shifts[-1]]
    for variable, place in zip(model.trainable_variables, order, strict=True):
        variable.assign(networks.weights[place][which].reshape(variable.shape))
    model.compile(keras.optimizers.SGD(0.2), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model, order


@pytest.mark.parametrize(("activation", "batch_norm"), [("relu", True), ("sigmoid", False)])
def test_gradients_and_an_update_are_those_of_keras(activation, batch_norm):
    networks = stack(activation, batch_norm=batch_norm)
    model, order = in_keras(networks, 1)
    theirs = gradients_of(model, X[1], Y[1], training=True)
    ours = networks.gradients(X, Y)
    for place, slope in zip(order, theirs, strict=True):
        assert ours[place][1].reshape(slope.shape) == pytest.approx(slope, abs=2e-6)
    model.fit(X[1], Y[1], batch_size=12, verbose=0)
    after = networks.moved(ours, np.array([0.7, 0.2]))
    for place, variable in zip(order, model.trainable_variables, strict=True):
        assert after.weights[place][1].reshape(variable.shape) == pytest.approx(variable.numpy(), abs=2e-6)
    estimate_batch_statistics(model, X[1], batch_size=12)
    loss = model.evaluate(X[1], Y[1], verbose=0)
    assert after.losses(X, Y, statistics=after.statistics(X))[0][1] == pytest.approx(loss, abs=2e-5)


def test_gradients_behind_noise_are_the_slopes_of_the_loss():
    networks = stack("sigmoid", dtype="float64")
    x = X.astype("float64")
    noise = [(RANDOM.uniform(0.5, 2, (2, 1, units)), RANDOM.normal(size=(2, 1, units))) for units in SHAPES[1:-1]]
    gradients = networks.gradients(x, Y, noise=noise)
    for weight, slope in zip(networks.weights, gradients, strict=True):
        at = (1, *(0,) * (weight.ndim - 1))
        middle, both = weight[at], []
        for h in (1e-6, -1e-6):
            weight[at] = middle + h
            both.append(networks.losses(x, Y, noise=noise)[0][1])
        weight[at] = middle
        assert slope[at] == pytest.approx((both[0] - both[1]) / 2e-6, abs=1e-7)
    assert not np.allclose(gradients[0], networks.gradients(x, Y)[0])


def test_a_replica_trains_as_it_would_alone():
    networks = stack()
    together, alone = networks.gradients(X, Y), networks.some([1]).gradients(X[1:], Y[1:])
    assert all(np.allclose(a[1:], b, atol=1e-6) for a, b in zip(together, alone, strict=True))


def test_what_comes_behind_batch_norm_has_shift_and_scale_for_its_moments():
    networks = stack()
    networks.kernels[0] *= 100  # so that ε does not count
    behind = networks.sums(X, 1)
    assert behind.mean(axis=1) == pytest.approx(networks.shifts[0][:, 0], abs=1e-5)
    assert behind.std(axis=1) == pytest.approx(np.abs(networks.scales[0][:, 0]), rel=1e-3)
    assert np.allclose(networks.inputs(X)[0], np.maximum(behind, 0), atol=1e-6)


def test_statistics_of_other_rows_are_used_where_they_are_given():
    networks = stack()
    other = networks.statistics(2 * X)
    assert not np.allclose(networks.losses(X, Y)[0], networks.losses(X, Y, statistics=other)[0])
    plain = stack(batch_norm=False)
    assert plain.losses(X, Y, statistics=plain.statistics(X))[0] == pytest.approx(plain.losses(X, Y)[0])
