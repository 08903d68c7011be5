"""The drift of moments against normal distributions, its callback, noisy batch norm, and the gradient's smoothness."""

import keras
import numpy as np
import pytest

from textbook.normalisation.drift import moment_drift
from textbook.normalisation.layer_input_drift import LayerInputDrift
from textbook.normalisation.noisy import NoisyBatchNormalization
from textbook.normalisation.smoothness import gradient_smoothness

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(1.0, 2.0, size=(64, 3)).astype("float32")


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_drift_is_the_distance_of_normal_distributions_over_their_spread():
    before, after = RANDOM.normal(size=(5, 40, 3)), RANDOM.normal(1.0, 2.0, size=(5, 40, 3))
    for found, a, b in zip(moment_drift(before, after), before, after, strict=True):
        squares = (a.mean(0) - b.mean(0)) ** 2 + (a.std(0) - b.std(0)) ** 2
        assert found == pytest.approx(np.sqrt(squares.sum() / a.var(0).sum()))
    assert moment_drift(3 * before + 7, 3 * after + 7) == pytest.approx(moment_drift(before, after))
    assert (
        moment_drift(np.ones((4, 2)), np.ones((4, 2))) == 0
        and moment_drift(np.ones((4, 2)), before[0, :4, :2]) == np.inf
    )
    with pytest.raises(ValueError, match="of one shape"):
        moment_drift(before, after[:, :-1])


def test_noise_moves_a_whole_unit_in_training_and_nothing_in_inference():
    layer = NoisyBatchNormalization(shift=1.0, scale=1.5, seed=1)
    plain = numpy(layer(X, training=False))
    first, second = numpy(layer(X, training=True)), numpy(layer(X, training=True))
    normal = (X - X.mean(0)) / np.sqrt(X.var(0) + 1e-3)
    for noisy in (first, second):
        factor = noisy.std(axis=0) / normal.std(axis=0)
        assert noisy == pytest.approx(factor * normal + noisy.mean(axis=0), abs=1e-5)
        assert (factor < 1.5).all() and (factor > 1 / 1.5).all() and (np.abs(noisy.mean(axis=0)) < 1).all()
    assert not np.allclose(first.mean(0), second.mean(0), atol=0.01)
    assert plain == pytest.approx(X / np.sqrt(1.001), rel=1e-5)
    layer.trainable = False
    assert np.array_equal(numpy(layer(X, training=True)), numpy(layer(X, training=False)))


def test_without_strength_it_is_plain_batch_norm_and_its_numbers_are_kept():
    quiet, plain = NoisyBatchNormalization(shift=0.0, scale=1.0), keras.layers.BatchNormalization()
    assert np.array_equal(numpy(quiet(X, training=True)), numpy(plain(X, training=True)))
    copy = NoisyBatchNormalization.from_config(NoisyBatchNormalization(shift=0.3, scale=2.0, seed=4).get_config())
    assert (copy.shift, copy.scale, copy.seed) == (0.3, 2.0, 4)
    for wrong in ({"shift": -1.0}, {"scale": 0.9}):
        with pytest.raises(ValueError, match="mend by"):
            NoisyBatchNormalization(**wrong)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    layers = [
        keras.layers.Dense(4, "relu", name="first"),
        NoisyBatchNormalization(seed=2),
        keras.layers.Dropout(0.2, seed=3),
    ]
    model = keras.Sequential([keras.Input((3,)), *layers, keras.layers.Dense(2, name="second")])
    model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def test_the_callback_measures_single_updates_and_leaves_training_alone(model):
    y = (X[:, 0] > 1).astype(int)
    start = [np.array(numpy(v.value)) for v in model.variables]

    def trained(callbacks):
        for variable, value in zip(model.variables, start, strict=True):
            variable.assign(value)
        model.fit(X, y, batch_size=16, shuffle=False, verbose=0, callbacks=callbacks)
        return [np.array(numpy(v.value)) for v in model.variables]

    calm, noisy = LayerInputDrift(X, every=2, training=False), LayerInputDrift(X, every=2)
    alone, watched = trained([]), trained([calm, noisy])
    assert all(np.array_equal(a, b) for a, b in zip(alone, watched, strict=True))
    assert calm.table[["update", "layer"]].to_numpy().tolist() == [[0, "second"], [2, "second"]]
    # what the second layer gets jumps by the noise in training; without it one update moves it little
    assert (calm.table.drift > 0).all() and (noisy.table.drift > 3 * calm.table.drift).all()
    with pytest.raises(ValueError, match="'third'"):
        trained([LayerInputDrift(X, ["third"])])


def test_layers_that_get_the_data_are_left_out_and_unknown_inputs_refused():
    behind = [keras.layers.Flatten(), keras.layers.Dense(2, name="a"), keras.layers.ReLU()]
    for first in ([keras.Input((3, 1))], []):
        model = keras.Sequential([*first, *behind, keras.layers.Dense(1, name="b")])
        model.compile(keras.optimizers.SGD(0.1), "mse")
        drift = LayerInputDrift(X[:8, :, None])
        if first:
            model.fit(X[:8, :, None], X[:8, :1], verbose=0, callbacks=[drift])
            assert drift.table.layer.tolist() == ["b"]
        else:
            with pytest.raises(ValueError, match="with known inputs"):
                model.fit(X[:8, :, None], X[:8, :1], verbose=0, callbacks=[drift])


def test_smoothness_is_the_curvature_along_the_gradient_and_changes_nothing(model):
    flat = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, use_bias=False)])
    flat.compile(loss="mse")
    flat.layers[0].kernel.assign([[1.0], [-2.0], [0.5]])
    hessian = 2 * X.T @ X / len(X)
    slope = hessian @ flat.layers[0].kernel.numpy() - 2 * X.T @ np.ones((len(X), 1)) / len(X)
    table = gradient_smoothness(flat, X, np.ones((len(X), 1)), distances=(0.01, 0.1))
    assert table.smoothness.to_numpy() == pytest.approx(
        np.linalg.norm(hessian @ slope) / np.linalg.norm(slope), rel=1e-4
    )
    assert table.gradient_norm[0] == pytest.approx(np.linalg.norm(slope), rel=1e-5)
    before = [np.array(numpy(v.value)) for v in model.variables]
    assert (gradient_smoothness(model, X, (X[:, 0] > 1).astype(int)).smoothness > 0).all()
    assert all(np.array_equal(a, numpy(v.value)) for a, v in zip(before, model.variables, strict=True))
    with pytest.raises(ValueError, match="above 0"):
        gradient_smoothness(model, X, distances=(0.0,))
