"""Keras models with their logits divided: the same answers as in NumPy, also from a file."""

import keras
import numpy as np
import pytest

from tests.ensembles.small import data, net
from textbook.calibration import calibrate, fit_temperature
from textbook.ensembles import probabilities
from textbook.ensembles.probability import labels


def wrong_in_some(model=None, *, classes: int = 3):
    """Rows, and the classes that a model names, or that x tells, but for every fifth."""
    x, y = data(60, classes=classes)
    if model is not None:
        logits = model.predict(x, verbose=0)
        y = labels(probabilities(logits, logits=True))
    y = y.copy()
    y[::5] = (y[::5] + 1) % classes
    return x, y


def test_logits_are_divided_and_the_model_is_left_alone(tmp_path):
    model = net(0)
    x, y = wrong_in_some(model)
    before = model.predict(x, verbose=0)
    found, calibrated = calibrate(model, x, y, logits=True)
    assert found == fit_temperature(before, y, logits=True)
    np.testing.assert_allclose(calibrated.predict(x, verbose=0), before / found.temperature, rtol=1e-5)
    np.testing.assert_array_equal(model.predict(x, verbose=0), before)
    calibrated.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(x, verbose=0), before / found.temperature, rtol=1e-5)


@pytest.mark.parametrize("columns", [3, 1])
def test_probabilities_stay_probabilities(columns, tmp_path):
    logits = net(0, classes=columns)
    x, y = wrong_in_some(logits, classes=max(columns, 2))
    end = "softmax" if columns > 1 else "sigmoid"
    model = keras.Sequential([keras.Input((4,)), *logits.layers, keras.layers.Activation(end)])
    found, calibrated = calibrate(model, x, y, logits=False)
    assert not found.at_limit
    wanted = probabilities(logits.predict(x, verbose=0), logits=True, temperature=found.temperature)
    np.testing.assert_allclose(calibrated.predict(x, verbose=0), wanted, atol=2e-6)
    calibrated.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(x, verbose=0), wanted, atol=2e-6)


def test_a_probability_of_one_has_a_finite_answer():
    x, y = wrong_in_some(classes=2)
    dense = keras.layers.Dense(1, "sigmoid", kernel_initializer=keras.initializers.Constant([[900], [-900], [0], [0]]))
    model = keras.Sequential([keras.Input((4,)), dense])
    assert set(np.unique(model.predict(x, verbose=0))) >= {0.0, 1.0}
    _, calibrated = calibrate(model, x, y, logits=False)
    assert np.isfinite(calibrated.predict(x, verbose=0)).all()


def test_several_inputs_by_name():
    x, y = wrong_in_some()
    first, second = keras.Input((2,), name="first"), keras.Input((2,), name="second")
    z = keras.layers.Dense(3)(keras.layers.Concatenate()([first, second]))
    model = keras.Model({"first": first, "second": second}, z)
    parts = {"first": x[:, :2], "second": x[:, 2:]}
    found, calibrated = calibrate(model, parts, y, logits=True)
    np.testing.assert_allclose(
        calibrated.predict(parts, verbose=0), model.predict(parts, verbose=0) / found.temperature, rtol=1e-5
    )


def test_what_cannot_be_wrapped_is_refused():
    x, y = wrong_in_some()

    class Own(keras.Model):
        def call(self, inputs):
            return inputs

    own = Own()
    own(x)
    with pytest.raises(ValueError, match="expected a sequential or functional model with one output, got Own"):
        calibrate(own, x, y, logits=True)
    with pytest.raises(ValueError, match="expected a built Keras model"):
        calibrate(keras.Sequential([keras.layers.Dense(3)]), x, y, logits=True)
    with pytest.raises(ValueError, match="expected validation rows, got no classes"):
        calibrate(net(0), x[:0], y[:0], logits=True)
