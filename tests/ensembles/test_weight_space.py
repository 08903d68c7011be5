"""Means of weights, and the loss on the line between two models."""

import keras
import numpy as np
import pytest

from tests.ensembles.small import data, net
from textbook.ensembles import average_weights, interpolated, linear_path


def test_the_mean_of_the_weights_and_nothing_else_changes():
    models = [net(seed) for seed in range(3)]
    before = [model.get_weights() for model in models]
    mean = average_weights(models).get_weights()
    for parts, own in zip(zip(*before, strict=True), mean, strict=True):
        np.testing.assert_allclose(own, np.mean(parts, axis=0), rtol=1e-6)
    for model, weights in zip(models, before, strict=True):
        np.testing.assert_array_equal(model.get_weights()[0], weights[0])


def test_batch_norm_gets_the_statistics_of_the_mean_weights():
    x, _ = data(60)
    models = [net(seed, batch_norm=True) for seed in range(2)]
    mean = average_weights(models, data=x, batch_size=60)
    hidden = x @ np.asarray(mean.layers[0].kernel) + np.asarray(mean.layers[0].bias)
    np.testing.assert_allclose(mean.layers[1].moving_mean, hidden.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(mean.layers[1].moving_variance, hidden.var(axis=0), rtol=1e-3)
    with pytest.raises(ValueError, match=r"is a batch norm.*mend by data=x"):
        average_weights(models)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"same shapes.*Ensemble"):
        average_weights([net(0), net(1, units=6)])
    with pytest.raises(ValueError, match="at least one model"):
        average_weights([])
    with pytest.raises(ValueError, match="a share for each of 2"):
        interpolated([net(0), net(1)], [1.0])


def test_the_path_begins_and_ends_with_the_models_and_is_mixed_in_between():
    x, y = data()
    first, second = net(0), net(1)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    found = linear_path(first, second, x, y, points=5)
    assert found.alpha.tolist() == [0, 0.25, 0.5, 0.75, 1]
    for row, model in ((0, first), (2, average_weights([first, second])), (4, second)):
        outputs = model.predict(x, verbose=0)
        assert found.loss[row] == pytest.approx(float(loss(y, outputs)), rel=1e-5)
        assert found.accuracy[row] == pytest.approx(np.mean(outputs.argmax(axis=1) == y))


def test_a_regression_takes_squared_errors_and_a_line_of_linear_models_is_a_parabola():
    def line(slope):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
        model.set_weights([np.array([[slope]])])
        return model

    x = np.ones((3, 1), "float32")
    found = linear_path(line(-1.0), line(1.0), x, np.zeros(3), points=5)
    np.testing.assert_allclose(found.loss, [1, 0.25, 0, 0.25, 1], atol=1e-6)
    assert list(found.columns) == ["alpha", "loss"]
    absolute = linear_path(line(-1.0), line(1.0), x, np.zeros(3), points=3, loss="mae")
    np.testing.assert_allclose(absolute.loss, [1, 0, 1], atol=1e-6)
    with pytest.raises(ValueError, match="points as a whole number from 3"):
        linear_path(line(0.0), line(1.0), x, np.zeros(3), points=2)


def test_bfloat16_is_a_float_as_well():
    models = []
    for value in (1.0, 4.0):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, dtype="bfloat16")])
        model.layers[0].kernel.assign([[value]])
        models.append(model)
    assert float(average_weights(models).layers[0].kernel[0, 0]) == 2.5
