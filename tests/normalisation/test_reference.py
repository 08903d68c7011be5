"""Batch norm in NumPy against Keras's layer, forward, backward and over `fit`, and against centred differences."""

import keras
import numpy as np
import pytest

from textbook.checks import gradient_check_function
from textbook.gradients import gradients_of
from textbook.normalisation import batch_norm, batch_norm_backward, batch_norm_inference, moving_statistics

RNG = np.random.default_rng(0)
GAMMA, BETA = np.array([0.5, -2.0, 1.5]), np.array([1.0, 0.0, -3.0])
ROWS = 3 + np.array([0.1, 1.0, 20.0]) * RNG.normal(size=(8, 3))
IMAGES = RNG.exponential(size=(4, 3, 2, 5))


def layer_of(axis=-1, **settings):
    """Keras's layer with γ and β of three features."""
    layer = keras.layers.BatchNormalization(axis=axis, **settings)
    layer.build(ROWS.shape if axis == -1 else IMAGES.shape)
    layer.gamma.assign(GAMMA)
    layer.beta.assign(BETA)
    return layer


@pytest.mark.parametrize(("x", "axis"), [(ROWS, -1), (IMAGES, 1)], ids=["rows", "channels first"])
def test_forward_is_keras_s_in_training_and_in_inference(x, axis):
    layer = layer_of(axis, momentum=0.9)
    x = x.astype("float32")
    y, forward = batch_norm(x, GAMMA, BETA, axis=axis)
    np.testing.assert_allclose(y, keras.ops.convert_to_numpy(layer(x, training=True)), atol=2e-5)
    mean, variance = moving_statistics((0.0, 1.0), forward, momentum=0.9)
    np.testing.assert_allclose(mean, keras.ops.convert_to_numpy(layer.moving_mean), atol=1e-5)
    np.testing.assert_allclose(variance, keras.ops.convert_to_numpy(layer.moving_variance), rtol=1e-5)
    y = batch_norm_inference(x, GAMMA, BETA, mean=mean, variance=variance, axis=axis)
    np.testing.assert_allclose(y, keras.ops.convert_to_numpy(layer(x, training=False)), atol=5e-5)


def test_moving_averages_are_those_that_fit_leaves_behind():
    model = keras.Sequential([keras.Input((3,)), keras.layers.BatchNormalization(epsilon=1e-5)])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    model.fit(ROWS, ROWS, batch_size=3, epochs=2, shuffle=False, verbose=0)
    moving = (np.zeros(3), np.ones(3))
    for rows in 2 * (ROWS[:3], ROWS[3:6], ROWS[6:]):  # the last batch is smaller
        moving = moving_statistics(moving, batch_norm(rows, epsilon=1e-5)[1])
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model.layers[0].moving_mean), moving[0], rtol=1e-5)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model.layers[0].moving_variance), moving[1], rtol=1e-5)


def test_backward_is_keras_s():
    # rows that pass through a kernel from the identity: the kernel's gradient is that by the rows
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3, use_bias=False), layer_of()])
    model.layers[0].kernel.assign(ROWS)
    model.compile(loss="mse")
    target = RNG.normal(size=ROWS.shape)
    y, forward = batch_norm(ROWS, GAMMA, BETA)
    mine = batch_norm_backward(2 * (y - target) / y.size, forward)
    keras_s = gradients_of(model, np.eye(8), target, training=True)
    for own, other in zip(mine, keras_s, strict=True):
        np.testing.assert_allclose(own, other, atol=2e-5 * np.abs(other).max())


@pytest.mark.parametrize(("x", "axis"), [(ROWS, -1), (IMAGES, 1)], ids=["rows", "channels first"])
def test_backward_passes_the_gradient_check(x, axis):
    upstream = RNG.normal(size=x.shape)

    def loss(at):
        return float((upstream * batch_norm(at["x"], at["gamma"], at["beta"], axis=axis)[0]).sum())

    def gradient(at):
        _, forward = batch_norm(at["x"], at["gamma"], at["beta"], axis=axis)
        return dict(zip(("x", "gamma", "beta"), batch_norm_backward(upstream, forward), strict=True))

    def as_if_the_batch_stood_still(at):
        _, forward = batch_norm(at["x"], at["gamma"], at["beta"], axis=axis)
        shape = [-1 if k == axis % x.ndim else 1 for k in range(x.ndim)]
        slope = (at["gamma"] / np.sqrt(forward.variance + forward.epsilon)).reshape(shape)
        return gradient(at) | {"x": upstream * slope}

    at = {"x": x, "gamma": GAMMA, "beta": BETA}
    check = gradient_check_function(loss, at, gradient=gradient)
    assert check.passed and check.tensors.worst.max() < 1e-6
    wrong = gradient_check_function(loss, at, gradient=as_if_the_batch_stood_still)
    assert wrong.tensors.set_index("tensor").verdict["x"] == "wrong"


def test_a_batch_of_one_gives_beta_and_no_gradient():
    y, forward = batch_norm(ROWS[:1], GAMMA, BETA)
    np.testing.assert_array_equal(y, BETA[None])
    assert not batch_norm_backward(np.ones((1, 3)), forward)[0].any()


def test_integers_are_taken_as_numbers():
    assert batch_norm(np.array([[1], [4]]), epsilon=0.0)[0].ravel().tolist() == [-1.0, 1.0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: batch_norm(np.ones(4)), r"two axes or more, got \(4,\); mend by x"),
        (lambda: batch_norm(np.ones((0, 4))), "at least one row"),
        (lambda: batch_norm(ROWS, axis=2), "an axis of the 2 of x, got 2"),
        (lambda: batch_norm(ROWS, axis=[0]), r"an axis of the 2 of x, got \[0\]"),
        (lambda: moving_statistics(0.0, batch_norm(ROWS)[1]), r"as \(mean, variance\), got 1 of them"),
        (lambda: batch_norm(ROWS, np.ones(2)), r"gamma as a number or of shape \(3,\), got \(2,\)"),
        (lambda: batch_norm(ROWS, beta=np.ones((3, 1))), r"beta as a number or of shape \(3,\)"),
        (lambda: batch_norm(ROWS, epsilon=-1.0), "epsilon from 0 up"),
        (lambda: batch_norm_inference(ROWS, mean=0.0, variance=-1.0), "a variance from 0 up, got -1"),
        (lambda: batch_norm_backward(np.ones((8, 2)), batch_norm(ROWS)[1]), r"shape \(8, 3\), got \(8, 2\)"),
        (lambda: moving_statistics((0.0, 1.0), batch_norm(ROWS)[1], momentum=1.0), "momentum from 0 and below 1"),
        (lambda: moving_statistics((np.zeros(2), 1.0), batch_norm(ROWS)[1]), "expected mean as a number"),
    ],
)
def test_what_cannot_be_normalised_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
