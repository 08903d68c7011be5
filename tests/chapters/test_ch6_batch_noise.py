"""Batch norm by groups of rows, against the formula and against Keras's own layer."""

import keras
import numpy as np

from chapters.ch6.batch_noise import grouped_mlp
from textbook.normalisation import batch_norm

X = np.random.default_rng(0).normal(1.0, 2.0, size=(12, 5)).astype("float32")


def test_groups_are_normalised_each_by_its_own_statistics():
    keras.utils.set_random_seed(0)
    layer = grouped_mlp((5,), 3, hidden=(5,)).layers[2]
    gamma, beta = np.linspace(0.5, 2, 5), np.linspace(-1, 1, 5)
    layer.gamma.assign(gamma)
    layer.beta.assign(beta)
    layer.rows.assign(4.0)
    out = np.asarray(layer(X, training=True))
    parts = [batch_norm(X[start : start + 4], gamma, beta) for start in (0, 4, 8)]
    np.testing.assert_allclose(out, np.concatenate([y for y, _ in parts]), rtol=1e-4, atol=1e-5)
    means, variances = (np.mean([getattr(m, name) for _, m in parts], axis=0) for name in ("mean", "variance"))
    np.testing.assert_allclose(layer.moving_mean, 0.1 * means, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(layer.moving_variance, 0.9 + 0.1 * variances, rtol=1e-4)
    # one group of all rows is Keras's layer, in training and in inference
    plain = keras.layers.BatchNormalization(momentum=0.9)
    plain.build(X.shape)
    plain.set_weights([weights for weights in layer.get_weights() if weights.ndim])
    layer.rows.assign(12.0)
    for training in (True, False):
        ours, theirs = (np.asarray(one(X, training=training)) for one in (layer, plain))
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
