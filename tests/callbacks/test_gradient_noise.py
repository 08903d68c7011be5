"""The noise scale of a linear regression with known noise, and what the callback makes of given data."""

import keras
import numpy as np
import pytest
from scipy.stats import t as student

from textbook.callbacks.gradient_noise import GradientNoise


def regression(features):
    model = keras.Sequential([keras.Input((features,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    return model


def test_linear_regression_with_known_noise():
    """y = a·x + σε, x ~ N(0, I_d), at w: with e = w − a, g = 2x(x·e − σε), so that G = 2e and
    tr Σ = E|g|² − |G|² = 4((d + 2)|e|² + σ²d) − 4|e|² = 4((d + 1)|e|² + σ²d).
    """
    features, sigma, seeds = 5, 1.5, 24
    random = np.random.default_rng(0)
    error = random.normal(size=features)
    squared = 4 * (error @ error)
    noise = (features + 1) * squared + 4 * sigma**2 * features
    model, found = regression(features), []
    model.layers[0].kernel.assign(error[:, None])  # a = 0
    x = random.normal(size=(seeds, 240, features)).astype("float32")
    y = sigma * random.normal(size=(seeds, 240)).astype("float32")
    callback = None
    for rows, targets in zip(x, y, strict=True):
        callback = GradientNoise(rows, targets, small=12)
        callback.set_model(model)
        callback.on_train_begin()
        callback.on_epoch_end(0)
        found.append(callback.table.iloc[0])
    for name, truth in (("gradient_squared", squared), ("noise", noise)):
        values = np.array([row[name] for row in found])
        half = student.ppf(0.9995, seeds - 1) * values.std(ddof=1) / np.sqrt(seeds)
        assert values.mean() - half < truth < values.mean() + half
        assert half < 0.4 * truth
    covered = sum(row.low <= noise / squared <= row.high for row in found)
    assert covered >= 19  # of 24 at 95 %: fewer happens once in a thousand times


def test_measures_the_epochs_asked_for_at_the_weights_of_then():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(0.2), "mse")
    x = np.random.default_rng(1).normal(size=(32, 2)).astype("float32")
    y = x @ np.array([3.0, -3.0], dtype="float32")
    noise = GradientNoise(x, y, small=4, big=24, every=2)
    model.fit(x, y, epochs=5, verbose=0, callbacks=[noise])
    assert noise.table.epoch.tolist() == [2, 4]
    assert noise.table.small.tolist() == [4, 4]
    assert noise.table.big.tolist() == [24, 24]
    assert noise.table.gradient_squared[1] < noise.table.gradient_squared[0]
    first = noise.table
    model.fit(x, y, epochs=2, verbose=0, callbacks=[noise])
    assert noise.table.epoch.tolist() == [2]
    assert noise.table.gradient_squared[0] < first.gradient_squared[1]


def test_refuses():
    x = np.ones((10, 2), "float32")
    with pytest.raises(ValueError, match="expected at least 16 rows"):
        regression(2).fit(x, x[:, 0], verbose=0, callbacks=[GradientNoise(x, x[:, 0], small=8)])
    for name, value in (("small", 0), ("every", 0), ("seed", -1)):
        with pytest.raises(ValueError, match=f"expected {name} as a whole number"):
            GradientNoise(x, x[:, 0], **{name: value})
