"""Monte-Carlo dropout against the enumeration of masks; what it must leave alone."""

import keras
import numpy as np
import pytest

from textbook.dropout import dropout_layers, monte_carlo, over_every_mask

X = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")


def net(*behind, rate: float = 0.4, units: int = 4, noise_shape=None):
    """3-units-1 with tanh, a dropout, and whatever layers behind it."""
    layers = [keras.Input((3,)), keras.layers.Dense(units, "tanh", kernel_initializer="he_normal")]
    layers += [keras.layers.Dropout(rate, noise_shape=noise_shape), *behind, keras.layers.Dense(1)]
    return keras.Sequential(layers)


def test_many_masks_approach_the_exact_mean_and_spread():
    keras.utils.set_random_seed(3)
    model = net()
    found = monte_carlo(model, X, logits=False, passes=2000, batch_size=4000)
    hidden = np.asarray(keras.ops.convert_to_numpy(model.layers[0](X)), float)
    w, b = model.layers[-1].get_weights()
    for row, values in enumerate(hidden):
        exact = over_every_mask(lambda v: (v @ w + b)[:, 0], values, rate=0.4)
        assert abs(found.mean[row, 0] - exact.mean) < 4.5 * found.error[row, 0]
        assert found.spread[row, 0] == pytest.approx(exact.spread, rel=0.1)
        # every output is that of some mask
        nearest = np.abs(found.predictions[:, row, :] - exact.outputs).min(axis=1)
        assert nearest.max() < 1e-5


def test_samples_have_masks_of_their_own_and_passes_too():
    same = np.repeat(X[:1], 40, axis=0)
    found = monte_carlo(net(units=30), same, logits=False, passes=5, batch_size=80).predictions
    assert len(np.unique(found)) == 5 * 40


def test_one_mask_for_the_batch_stays_one():
    same = np.repeat(X[:1], 7, axis=0)
    found = monte_carlo(net(units=30, noise_shape=(1, None)), same, logits=False, passes=5).predictions
    assert (found.max(axis=1) - found.min(axis=1)).max() < 1e-6 and len(np.unique(found[:, 0])) == 5


def test_batch_norm_stays_as_at_inference_and_nothing_of_the_model_changes():
    norm = keras.layers.BatchNormalization()
    model = net(norm, rate=0.5)
    norm.set_weights([np.full(4, value) for value in (1.5, 0.2, 0.3, 2.0)])
    before = [np.array(keras.ops.convert_to_numpy(variable.value)) for variable in model.variables]
    predicted = model.predict(X, verbose=0)
    alone = monte_carlo(model, X[:1], logits=False, passes=60, batch_size=60)
    hidden = np.asarray(keras.ops.convert_to_numpy(model.layers[0](X[:1])), float)[0]
    w, b = model.layers[-1].get_weights()
    scale = 1.5 / np.sqrt(2.0 + norm.epsilon)
    exact = over_every_mask(lambda v: ((v - 0.3) * scale + 0.2) @ w + b, hidden, rate=0.5)
    assert np.abs(alone.predictions - exact.outputs[None, :, 0]).min(axis=2).max() < 1e-4
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(variable.value), value)
    np.testing.assert_array_equal(model.predict(X, verbose=0), predicted)
    again = monte_carlo(model, X[:1], logits=False, passes=60, batch_size=60)
    np.testing.assert_array_equal(again.predictions, alone.predictions)
    other = monte_carlo(model, X[:1], logits=False, passes=60, batch_size=60, seed=1)
    assert not np.array_equal(other.predictions, alone.predictions)


def test_dropout_is_switched_off_again_after_an_error():
    model = net()
    with pytest.raises(ValueError, match="incompatible"):
        monte_carlo(model, np.ones((2, 5), "float32"), logits=False, passes=2)
    np.testing.assert_array_equal(*(keras.ops.convert_to_numpy(model(X, training=False)) for _ in range(2)))


def test_doubt_is_split_into_chance_and_contradiction():
    found = monte_carlo(net(), X, logits=True, passes=50)
    assert ((found.predictions > 0) & (found.predictions < 1)).all()
    p = found.mean[:, 0]
    np.testing.assert_allclose(found.entropy, -(p * np.log(p) + (1 - p) * np.log(1 - p)))
    assert (found.mutual_information > 0).all() and (found.mutual_information < found.entropy).all()
    with pytest.raises(ValueError, match="expected probabilities, got values"):
        type(found)(np.full((2, 3, 2), 4.0)).entropy  # noqa: B018


def test_dropout_is_found_in_nested_models_and_in_attention():
    inputs = keras.Input((5, 4))
    attended = keras.layers.MultiHeadAttention(1, 2, dropout=0.1)(inputs, inputs)
    inner = keras.Sequential([keras.Input((5, 4)), keras.layers.SpatialDropout1D(0.2), keras.layers.Dropout(0.0)])
    model = keras.Model(inputs, keras.layers.GaussianDropout(0.3)(inner(attended)))
    assert sorted(layer.rate for layer in dropout_layers(model)) == [0.1, 0.2, 0.3]


def test_what_cannot_be_done_is_refused():
    recurrent = keras.Sequential([keras.Input((5, 4)), keras.layers.GRU(2, dropout=0.2)])
    with pytest.raises(ValueError, match="got dropout inside GRU"):
        dropout_layers(recurrent)
    with pytest.raises(ValueError, match="expected a model with dropout, got"):
        monte_carlo(net(rate=0.0), X, logits=False)
    inputs = keras.Input((3,))
    hidden = keras.layers.Dropout(0.5)(inputs)
    with pytest.raises(ValueError, match="expected a model with one output, got 2"):
        monte_carlo(keras.Model(inputs, [hidden, hidden]), X, logits=False)
    with pytest.raises(ValueError, match="expected passes as a whole number from 2 up"):
        monte_carlo(net(), X, logits=False, passes=1)
    with pytest.raises(ValueError, match="expected a sample or more, got none"):
        monte_carlo(net(), X[:0], logits=False)
    with pytest.raises(ValueError, match="expected inputs as arrays, got list"):
        monte_carlo(net(), X.tolist(), logits=False)
