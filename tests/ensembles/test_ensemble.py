"""The mean of predictions: against means written out, for any mixture of models, saved and loaded."""

import keras
import numpy as np
import pytest

from tests.ensembles.small import data, net, softmax
from textbook.ensembles import Ensemble


def test_the_mean_is_that_of_probabilities_not_of_logits():
    x, _ = data()
    models = [net(seed) for seed in range(3)]
    logits = np.stack([model.predict(x, verbose=0) for model in models])
    found = Ensemble(models, logits=True)
    np.testing.assert_allclose(found.predict(x), softmax(logits).mean(axis=0), atol=1e-6)
    assert np.abs(found.predict(x) - softmax(logits.mean(axis=0))).max() > 0.01
    np.testing.assert_allclose(found.member_predictions(x), softmax(logits), atol=1e-6)


def test_members_may_have_any_architecture_and_stay_as_they_are():
    x, _ = data()
    models = [net(0), net(1, units=9), net(2, batch_norm=True)]
    before = [model.get_weights() for model in models]
    found = Ensemble(models, logits=True).predict(x, batch_size=7)
    alone = [softmax(model.predict(x, verbose=0)) for model in models]
    np.testing.assert_allclose(found, np.mean(alone, axis=0), atol=1e-6)
    for model, weights in zip(models, before, strict=True):
        for own, was in zip(model.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(own, was)


def test_dropout_is_off():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dropout(0.9), keras.layers.Dense(2)])
    x, _ = data()
    found = Ensemble([model], logits=True)
    np.testing.assert_array_equal(found.predict(x), found.predict(x))


def test_outputs_that_are_no_logits_are_averaged_as_they_are():
    x, _ = data()
    models = [net(seed, softmax=True) for seed in range(2)]
    mean = np.mean([model.predict(x, verbose=0) for model in models], axis=0)
    np.testing.assert_allclose(Ensemble(models, logits=False).predict(x), mean, atol=1e-6)


def test_one_column_of_logits_goes_through_a_sigmoid():
    x, y = data(classes=2)
    models = [net(seed, classes=1) for seed in range(2)]
    logits = np.stack([model.predict(x, verbose=0) for model in models]).astype(float)
    mean = (1 / (1 + np.exp(-logits))).mean(axis=0)
    ensemble = Ensemble(models, logits=True)
    np.testing.assert_allclose(ensemble.predict(x), mean, atol=1e-6)
    np.testing.assert_allclose(ensemble.as_model().predict(x, verbose=0), mean, atol=1e-6)
    found = ensemble.evaluate(x, y)
    right = np.where(y == 1, mean[:, 0], 1 - mean[:, 0])
    assert found["loss"] == pytest.approx(-np.log(right).mean(), abs=1e-6)
    assert found["accuracy"] == np.mean((mean[:, 0] > 0.5) == y)


def test_evaluate_is_what_keras_says_of_the_averaged_model():
    x, y = data()
    ensemble = Ensemble([net(seed) for seed in range(3)], logits=True)
    model = ensemble.as_model()
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    loss, accuracy = model.evaluate(x, y, verbose=0)
    found = ensemble.evaluate(x, y)
    assert found["loss"] == pytest.approx(loss, rel=1e-5)
    assert found["accuracy"] == pytest.approx(accuracy, abs=1e-6)


def test_a_regression_has_its_squared_error():
    x, _ = data()
    target = x.sum(axis=1).astype(float)
    models = [net(seed, classes=1) for seed in range(2)]
    mean = np.mean([model.predict(x, verbose=0)[:, 0] for model in models], axis=0)
    found = Ensemble(models, logits=False).evaluate(x, target)
    assert found == {"loss": pytest.approx(np.mean((mean - target) ** 2), rel=1e-5)}


def test_the_averaged_model_is_saved_and_loaded_by_keras_alone(tmp_path):
    x, _ = data()
    ensemble = Ensemble([net(0), net(1), net(2, units=9)], logits=True)
    model = ensemble.as_model()
    np.testing.assert_allclose(model.predict(x, verbose=0), ensemble.predict(x), atol=1e-6)
    model.save(tmp_path / "mean.keras")
    loaded = keras.models.load_model(tmp_path / "mean.keras")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))


def test_the_averaged_model_is_of_copies():
    x, _ = data()
    first = net(0)
    model = Ensemble([first, net(1)], logits=True).as_model()
    before = model.predict(x, verbose=0)
    first.set_weights([0 * weight for weight in first.get_weights()])
    np.testing.assert_array_equal(model.predict(x, verbose=0), before)


def test_several_inputs():
    def two(seed):
        keras.utils.set_random_seed(seed)
        inputs = {"a": keras.Input((2,), name="a"), "b": keras.Input((3,), name="b")}
        return keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Concatenate()([inputs["a"], inputs["b"]])))

    x = {"a": np.ones((6, 2), "float32"), "b": np.ones((6, 3), "float32")}
    models = [two(0), two(1)]
    ensemble = Ensemble(models, logits=True)
    mean = np.mean([softmax(model.predict(x, verbose=0)) for model in models], axis=0)
    np.testing.assert_allclose(ensemble.predict(x), mean, atol=1e-6)
    np.testing.assert_allclose(ensemble.as_model().predict(x, verbose=0), mean, atol=1e-6)


def test_what_cannot_be_averaged_is_refused():
    with pytest.raises(ValueError, match="at least one model, got none"):
        Ensemble([], logits=True)
    with pytest.raises(ValueError, match=r"same inputs and outputs.*number 2"):
        Ensemble([net(0), net(1, classes=4)], logits=True)
    with pytest.raises(ValueError, match="built Keras models"):
        Ensemble([keras.Sequential([keras.layers.Dense(2)])], logits=True)


def test_subclassed_models_predict_together_but_make_no_single_model():
    class Own(keras.Model):
        def __init__(self, factor):
            super().__init__()
            self.factor = factor
            self.head = keras.layers.Dense(3)

        def call(self, inputs):
            return self.factor * self.head(inputs)

    x, _ = data()
    models = [Own(1.0), Own(2.0)]
    logits = np.stack([np.asarray(model(x)) for model in models])
    ensemble = Ensemble(models, logits=True)
    np.testing.assert_allclose(ensemble.predict(x), softmax(logits).mean(axis=0), atol=1e-6)
    with pytest.raises(ValueError, match="a first model that knows its inputs, got Own"):
        ensemble.as_model()


def test_classes_stored_as_floats_are_refused():
    x, y = data()
    with pytest.raises(ValueError, match=r"expected values of shape \(40, 3\), got floats \(40,\); mend by y.astype"):
        Ensemble([net(0), net(1)], logits=True).evaluate(x, y.astype(float))
