"""The network with one batch norm in NumPy, against Keras."""

import keras
import numpy as np
import pytest

from chapters.shared.one_batch_norm import Trained, cross_entropy, network, probabilities

X = np.random.default_rng(0).normal(1, 2, size=(24, 6)).astype("float32")


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    built = network((6,), 3, hidden=5)
    norm = built.layers[1]
    norm.moving_mean.assign(np.arange(5) / 5)
    norm.moving_variance.assign(1 + np.arange(5))
    norm.beta.assign(np.arange(5) / 9)
    norm.gamma.assign(2 - np.arange(5) / 4)
    return built


def of_keras(model, x, training):
    with keras.StatelessScope():
        return keras.ops.convert_to_numpy(model(x, training=training))


def test_logits_are_those_of_keras_in_both_modes(model):
    one = Trained.of(model)
    assert one.logits(X) == pytest.approx(of_keras(model, X, False), abs=1e-5)
    by_batch = np.concatenate([of_keras(model, X[at : at + 7], True) for at in range(0, 24, 7)])
    assert one.logits_by_batch(X, 7) == pytest.approx(by_batch, abs=1e-5)
    # other statistics are used where they are given
    mean, variance = (X @ one.kernel).mean(axis=0), (X @ one.kernel).var(axis=0)
    assert one.logits(X, (mean, variance)) == pytest.approx(one.logits_by_batch(X, 24))


def test_a_stream_of_one_batch_mixes_it_with_the_start(model):
    one = Trained.of(model)
    sums = X @ one.kernel
    mixed = 0.1 * sums.mean(axis=0), 0.9 + 0.1 * sums.var(axis=0)
    assert one.logits_streaming(X, 24, momentum=0.9) == pytest.approx(one.logits(X, mixed))
    # a second batch remembers the first
    twice = one.logits_streaming(np.concatenate([X, X]), 24, momentum=0.9)
    assert not np.allclose(twice[:24], twice[24:], atol=0.01)


def test_losses_and_probabilities(model):
    logits = np.array([[800.0, 0.0], [0.0, np.log(3)]])  # would overflow without care
    assert probabilities(logits) == pytest.approx(np.array([[1, 0], [0.25, 0.75]]))
    assert cross_entropy(logits, np.array([0, 1])) == pytest.approx(-np.log(0.75) / 2)
