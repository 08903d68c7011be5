"""Batch norm's statistics from new inputs, against NumPy."""

import keras
import numpy as np
import pytest

from textbook.models import mlp
from textbook.normalisation.recalibration import recalibrate, recalibrated

X = np.random.default_rng(0).normal(2.0, 3.0, size=(40, 4)).astype("float32")


def network(*, dropout=0.0):
    keras.utils.set_random_seed(1)
    return mlp((4,), 3, hidden=(5, 6), batch_norm=True, dropout=dropout)


def norms(model):
    return [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]


def statistics(model):
    return [np.array(keras.ops.convert_to_numpy(v)) for n in norms(model) for v in (n.moving_mean, n.moving_variance)]


def expected(model, x):
    """Means and variances of both layers' inputs without dropout, each layer by the batch's own."""
    found = []
    for dense in [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)][:2]:
        z = x @ keras.ops.convert_to_numpy(dense.kernel)
        found += [z.mean(axis=0), z.var(axis=0)]
        x = np.maximum((z - found[-2]) / np.sqrt(found[-1] + 1e-3), 0)
    return found


def test_statistics_are_those_of_the_new_inputs_with_dropout_off_and_frozen_layers_too():
    model = network(dropout=0.5)
    norms(model)[1].trainable = False
    others = [v for v in model.variables if "moving" not in v.path]
    before = [np.array(keras.ops.convert_to_numpy(v.value)) for v in others]
    assert recalibrate(model, X) == 40
    for ours, theirs in zip(statistics(model), expected(model, X), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    assert [layer.trainable for layer in norms(model)] == [True, False]
    for variable, value in zip(others, before, strict=True):
        assert np.array_equal(keras.ops.convert_to_numpy(variable.value), value), variable.path
    # dropout is on again in training
    assert not np.allclose(model(X, training=True), model(X, training=True))


def test_a_prior_counts_as_so_many_rows():
    model = network()
    recalibrate(model, X, prior=10)
    old = [np.zeros(5), np.ones(5), np.zeros(6), np.ones(6)]
    for ours, before, new in zip(statistics(model), old, expected(model, X), strict=True):
        np.testing.assert_allclose(ours, (10 * before + 40 * new) / 50, rtol=1e-4, atol=1e-5)


def test_a_shift_and_a_scale_of_the_inputs_are_undone_and_the_statistics_come_back():
    model = network()
    recalibrate(model, X)
    kept, own = statistics(model), keras.ops.convert_to_numpy(model(X))
    moved = 20 + 7 * X
    assert not np.allclose(model(moved), own, atol=0.5)
    with recalibrated(model, moved) as same:
        assert same is model
        np.testing.assert_allclose(model(moved), own, atol=2e-3)
    for ours, theirs in zip(statistics(model), kept, strict=True):
        assert np.array_equal(ours, theirs)


def test_the_statistics_come_back_after_an_error():
    model = network()
    kept = statistics(model)
    with pytest.raises(OSError, match="gone"), recalibrated(model, X):
        raise OSError("the disk is gone")
    for ours, theirs in zip(statistics(model), kept, strict=True):
        assert np.array_equal(ours, theirs)


def test_refuses():
    with pytest.raises(ValueError, match="expected a model with batch norm, got none"):
        recalibrate(mlp((4,), 3), X)
    with pytest.raises(ValueError, match="expected a built model"):
        recalibrate(keras.Sequential([keras.layers.BatchNormalization()]), X)
    with pytest.raises(ValueError, match="prior"):
        recalibrate(network(), X, prior=-1)
    with pytest.raises(ValueError, match="expected at least one row of data"):
        recalibrate(network(), X[:0])
