"""Every convolution equals Keras's own, for each replica of a stack, with all its gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras.src import backend
from tensorflow.python.ops.parallel_for import pfor as vectorizer

from textbook.replicas import convolution, patches
from textbook.replicas.convolution import stackable
from textbook.replicas.mapping import map_replicas

REPLICAS = 3

LAYERS = {
    "same": ((6, 7, 2), lambda: layers.Conv2D(5, 3, padding="same", activation="relu")),
    "valid": ((6, 7, 2), lambda: layers.Conv2D(5, 3)),
    "even kernel": ((6, 7, 2), lambda: layers.Conv2D(5, (2, 4), padding="same")),
    "strides": ((7, 8, 2), lambda: layers.Conv2D(5, 3, strides=(2, 3), padding="same")),
    "strides along rows": ((7, 8, 2), lambda: layers.Conv2D(5, 3, strides=(1, 3))),
    "strides that leave a rest": ((8, 8, 2), lambda: layers.Conv2D(5, 3, strides=2)),
    "dilation": ((7, 8, 2), lambda: layers.Conv2D(5, 3, dilation_rate=(1, 2), padding="same")),
    "single pixels": ((4, 4, 3), lambda: layers.Conv2D(5, 1)),
    "single pixels, strides": ((5, 5, 3), lambda: layers.Conv2D(5, 1, strides=2)),
    "many filters": ((4, 4, 2), lambda: layers.Conv2D(33, 2)),
    "wide rows": ((1, 140, 1), lambda: layers.Conv2D(16, (1, 3), padding="same")),
    "kernel as large as the image": ((4, 4, 2), lambda: layers.Conv2D(5, 4)),
    "groups": ((5, 5, 4), lambda: layers.Conv2D(6, 3, groups=2)),
    "groups, strides": ((5, 5, 4), lambda: layers.Conv2D(6, 3, groups=2, strides=2, padding="same")),
    "channels first": ((2, 6, 7), lambda: layers.Conv2D(5, 3, data_format="channels_first", padding="same")),
    "one dimension": ((9, 2), lambda: layers.Conv1D(5, 3, strides=2)),
    "causal": ((9, 2), lambda: layers.Conv1D(5, 3, padding="causal", dilation_rate=2)),
    "one dimension, groups": ((9, 4), lambda: layers.Conv1D(4, 3, groups=4)),
    "three dimensions": ((4, 4, 5, 2), lambda: layers.Conv3D(3, 2, padding="same")),
    "depthwise": ((6, 6, 2), lambda: layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same")),
    "depthwise, one dimension": ((9, 2), lambda: layers.DepthwiseConv1D(3, strides=2)),
    "separable": ((6, 6, 2), lambda: layers.SeparableConv2D(5, 3, strides=2, padding="same")),
    "separable, dilation": ((9, 2), lambda: layers.SeparableConv1D(5, 3, dilation_rate=2)),
    "transposed": ((4, 4, 2), lambda: layers.Conv2DTranspose(3, 3, strides=2, padding="same")),
    "transposed, one dimension": ((6, 2), lambda: layers.Conv1DTranspose(3, 2, strides=3)),
}


@pytest.fixture(autouse=True)
def no_loop_of_tensorflow(monkeypatch):
    """TensorFlow's own fallback, slow under a gradient, must not be taken."""

    def refused(pfor_input, **_):
        raise AssertionError(f"{pfor_input.op_type} fell back")

    monkeypatch.setattr(vectorizer, "_fallback_converter", refused)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("small", [0, 10**9], ids=["replica by replica", "as a product"])
def test_a_stack_of_convolutions_equals_the_single_ones(name, small, monkeypatch):
    monkeypatch.setattr(convolution, "LARGEST_PRODUCT", small)
    shape, make = LAYERS[name]
    assert_equal_to_single(make(), shape, [None, *shape])


def test_lengths_left_open():
    layer = layers.Conv2D(3, 3, padding="same")
    assert_equal_to_single(layer, (6, 7, 2), [None, None, None, 2])


def test_half_precision():
    layer = layers.Conv2D(3, 3, dtype="mixed_float16")
    assert_equal_to_single(layer, (6, 6, 2), [None, 6, 6, 2], atol=2e-2)


def test_a_stack_of_one():
    layer = layers.Conv2D(3, 3)
    assert_equal_to_single(layer, (6, 6, 2), [None, 6, 6, 2], replicas=1)


def test_equal_to_keras_without_a_stack():
    layer = layers.Conv2D(5, 3, padding="same")
    x = np.random.default_rng(0).normal(size=(4, 6, 7, 2)).astype("float32")
    expected = layer(x)
    with stackable():
        np.testing.assert_allclose(layer(x), expected, atol=1e-5)


def test_small_convolutions_are_products_and_large_ones_are_not():
    def of(size, channels, filters):
        axes = patches.axes_of((size, size), (3, 3), 1, 1, "same")
        return convolution._as_product(axes, np.empty((3, 3, channels, filters)), channels)

    assert of(8, 1, 8)
    assert not of(28, 8, 16)


def test_keras_is_as_before_after_the_block():
    own = backend.nn.conv, backend.nn.separable_conv
    with stackable():
        assert backend.nn.conv is not own[0]
        with stackable():
            pass
        assert backend.nn.conv is not own[0]
    assert (backend.nn.conv, backend.nn.separable_conv) == own


def test_keras_is_as_before_after_an_error():
    own = backend.nn.conv
    with pytest.raises(KeyError), stackable():
        raise KeyError
    assert backend.nn.conv is own


def test_other_backends_are_refused(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(ValueError, match="expected the backend tensorflow or jax, got torch"), stackable():
        pass


def assert_equal_to_single(layer, shape, signature, *, replicas=REPLICAS, atol=1e-5):
    """Outputs, and the gradients of inputs and weights, of a stack against those of the layer alone."""
    draw = np.random.default_rng(0)
    layer.build((None, *shape))
    weights = [draw.normal(size=(replicas, *v.shape)).astype("float32") for v in layer.trainable_variables]
    x = draw.normal(size=(replicas, 4, *shape)).astype("float32")
    specs = [tf.TensorSpec([None, *w.shape[1:]]) for w in weights], tf.TensorSpec([None, *signature])

    @tf.function(autograph=False, input_signature=specs)
    def stacked(weights, x):
        def one(inputs):
            with stackable():
                return tf.cast(layer.stateless_call(inputs[0], [], inputs[1])[0], tf.float32)

        with tf.GradientTape() as tape:
            tape.watch([*weights, x])
            outputs = map_replicas(one, (weights, x))
            loss = tf.reduce_sum(waves(outputs, axes_of_one=1))
        return outputs, tape.gradient(loss, [*weights, x])

    outputs, gradients = stacked(weights, x)
    for replica in range(replicas):
        values = [tf.constant(w[replica]) for w in weights]
        inputs = tf.constant(x[replica])
        expected, slopes = alone(layer, values, inputs)
        np.testing.assert_allclose(outputs[replica], expected, atol=atol, rtol=1e-5)
        for ours, slope in zip(gradients, slopes, strict=True):
            np.testing.assert_allclose(ours[replica], slope, atol=atol * max(1, np.abs(slope).max()))


@tf.function(autograph=False)
def alone(layer, values, inputs):
    with tf.GradientTape() as tape:
        tape.watch([*values, inputs])
        outputs = tf.cast(layer.stateless_call(values, [], inputs)[0], tf.float32)
        loss = tf.reduce_sum(waves(outputs, axes_of_one=0))
    return outputs, tape.gradient(loss, [*values, inputs])


def waves(outputs, *, axes_of_one):
    """Every output of a replica times a weight of its own."""
    shape = tf.shape(outputs)[axes_of_one:]
    return outputs * tf.cos(tf.reshape(tf.range(tf.cast(tf.reduce_prod(shape), tf.float32)), shape))
