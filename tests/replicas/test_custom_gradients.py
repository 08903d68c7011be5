"""A layer's own gradient is kept in a stack, not replaced by that of its forward pass."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from textbook.replicas.mapping import map_replicas

X = tf.constant(np.random.default_rng(0).normal(size=(3, 4, 5)), tf.float32)
W = tf.constant(np.random.default_rng(1).normal(size=(3, 5)), tf.float32)


@tf.custom_gradient
def rounded(x):
    return tf.round(x), lambda upstream: upstream


@keras.ops.custom_gradient
def reversed_scale(x, w):
    def gradient(*arguments, upstream=None):
        upstream = arguments[0] if upstream is None else upstream
        return -3.0 * upstream * w, keras.ops.sum(upstream * x, axis=0) * 5.0

    return x * w, gradient


@tf.custom_gradient
def halves(x):
    left, right = tf.split(x[:, :4], 2, axis=1)

    def gradient(of_left, of_right):
        return tf.pad(tf.concat([of_right, 2 * of_left], axis=1), [[0, 0], [0, 1]])

    return (left, right), gradient


@pytest.mark.parametrize("replicas", [1, 3])
def test_a_straight_through_estimator(replicas):
    (for_x,) = slopes(lambda a: rounded(a[0]) * tf.range(5.0), [X[:replicas]])
    np.testing.assert_allclose(for_x, np.tile(range(5), (replicas, 4, 1)))


def test_a_gradient_that_uses_the_inputs_of_its_replica():
    for_x, for_w = slopes(lambda a: reversed_scale(*a), [X, W])
    np.testing.assert_allclose(for_x, -3 * np.broadcast_to(W[:, None], X.shape), rtol=1e-6)
    np.testing.assert_allclose(for_w, 5 * np.sum(X, axis=1), rtol=1e-5)


def test_several_results():
    def loss(inputs):
        left, right = halves(inputs[0])
        return left + 10 * right

    (for_x,) = slopes(loss, [X])
    np.testing.assert_allclose(for_x, np.broadcast_to([10.0, 10, 2, 2, 0], X.shape))


def test_one_after_another():
    (for_x,) = slopes(lambda a: rounded(3 * rounded(a[0] * 2)), [X])
    np.testing.assert_allclose(for_x, np.full(X.shape, 6.0))


def test_keras_silu_is_left_to_tensorflow():
    (for_x,) = slopes(lambda a: keras.activations.silu(a[0]), [X])
    sigmoid = 1 / (1 + np.exp(-X.numpy()))
    np.testing.assert_allclose(for_x, sigmoid * (1 + X * (1 - sigmoid)), rtol=1e-5)


def test_silu_in_a_loop_over_steps():
    layer = keras.layers.SimpleRNN(2, activation="silu")
    layer.build((None, 4, 5))
    frozen = [v.value for v in layer.non_trainable_variables]
    weights = [tf.stack([v.value] * 3) for v in layer.trainable_variables]
    sequences = tf.stack([X] * 2, axis=2)
    found = slopes(lambda a: layer.stateless_call(a[1:], frozen, a[0])[0], [sequences, *weights])
    for replica in range(3):
        x = sequences[replica]
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(layer(x))
        expected = tape.gradient(loss, [x, *layer.trainable_variables])
        for ours, slope in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours[replica], slope, atol=1e-5)


def test_a_gradient_in_a_loop_over_steps_is_refused():
    def looped(inputs):
        return tf.while_loop(lambda i, _: i < 3, lambda i, x: (i + 1, rounded(x * 2)), (0, inputs[0]))[1]

    with pytest.raises(NotImplementedError, match="expected a custom gradient outside of loops"):
        slopes(looped, [X])


def slopes(function, stacks):
    @tf.function(autograph=False)
    def traced(stacks):
        with tf.GradientTape() as tape:
            tape.watch(stacks)
            loss = tf.reduce_sum(map_replicas(function, stacks))
        return tape.gradient(loss, stacks)

    return [slope.numpy() for slope in traced(stacks)]
