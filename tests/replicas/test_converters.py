"""Operations that TensorFlow vectorises in our way: equal to one replica after another."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.ops.parallel_for import pfor as vectorizer

from textbook.replicas import converters
from textbook.replicas.mapping import map_replicas

DRAW = np.random.default_rng(0)
IMAGES = tf.constant(DRAW.normal(size=(3, 4, 5, 6, 2)), tf.float32)
KERNELS = tf.constant(DRAW.normal(size=(3, 3, 3, 2, 4)), tf.float32)
TURNS = tf.constant(DRAW.normal(size=(3, 4, 8)), tf.float32) * 0.1 + [1, 0, 0, 0, 1, 0, 0, 0]


@pytest.fixture
def loops(monkeypatch):
    """Operations for which TensorFlow's fallback was taken."""
    seen, original = [], vectorizer._fallback_converter

    def watched(pfor_input, **arguments):
        seen.append(pfor_input.op_type)
        return original(pfor_input, **arguments)

    monkeypatch.setattr(vectorizer, "_fallback_converter", watched)
    return seen


def test_a_kernel_of_each_replica(loops):
    assert_equal_to_single(lambda a: tf.nn.conv2d(a[0], a[1], 1, "SAME"), [IMAGES, KERNELS])
    assert not loops


def test_one_kernel_for_all_replicas_takes_their_images_as_one_batch(monkeypatch):
    monkeypatch.setattr(converters, "_loop", None)
    assert_equal_to_single(lambda images: tf.nn.conv2d(images[0], KERNELS[0], 1, "SAME"), [IMAGES])


def test_the_same_images_for_kernels_of_each_replica():
    assert_equal_to_single(lambda a: tf.nn.conv2d(IMAGES[0], a[0], 2, "VALID"), [KERNELS])


def test_a_replica_has_the_same_bits_wherever_it_lies():
    @tf.function(autograph=False)
    def slopes(images, kernels):
        with tf.GradientTape() as tape:
            tape.watch([images, kernels])
            outputs = map_replicas(lambda a: tf.nn.conv2d(a[0], a[1], 1, "SAME"), [images, kernels])
            loss = tf.reduce_sum(outputs**2)
        return outputs, *tape.gradient(loss, [images, kernels])

    forward = slopes(IMAGES, KERNELS)
    backward = slopes(IMAGES[::-1], KERNELS[::-1])
    for ours, turned in zip(forward, backward, strict=True):
        np.testing.assert_array_equal(ours, turned[::-1])


@pytest.mark.parametrize("method", ["bilinear", "bicubic", "nearest"])
def test_resizing(method, loops):
    assert_equal_to_single(lambda a: tf.image.resize(a[0], (7, 3), method=method), [IMAGES])
    assert not loops


def warped(images, turns):
    size, fill = tf.constant([5, 6]), tf.constant(0.5)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images, transforms=turns, output_shape=size, fill_value=fill, interpolation="BILINEAR"
    )


def test_warping_each_image_in_its_own_way(loops):
    assert_equal_to_single(lambda a: warped(*a), [IMAGES, TURNS], differentiable=1)
    assert not loops


def test_warping_a_batch_in_one_way():
    assert_equal_to_single(lambda a: warped(*a), [IMAGES, TURNS[:, :1]], differentiable=1)


@pytest.mark.parametrize("replicas", [1, 3])
def test_squeeze_leaves_the_replica_axis(replicas):
    assert_equal_to_single(lambda a: tf.squeeze(a[0][:, :1]), [IMAGES[:replicas]])
    assert_equal_to_single(lambda a: tf.squeeze(a[0][:, :1], [1]), [IMAGES[:replicas]])
    assert_equal_to_single(lambda a: tf.squeeze(a[0]), [IMAGES[:replicas]])


def assert_equal_to_single(function, stacks, *, differentiable=None):
    """Values and gradients of a stack against one replica after another; the replicas are an open number."""
    wanted = stacks[:differentiable]

    def slopes(call, inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = call(inputs)
            loss = tf.reduce_sum(tf.sin(outputs))
        return [outputs, *tape.gradient(loss, inputs[: len(wanted)])]

    @tf.function(autograph=False, input_signature=[[tf.TensorSpec([None, *s.shape[1:]]) for s in stacks]])
    def stacked(inputs):
        return slopes(lambda given: map_replicas(function, given), inputs)

    ours = stacked(stacks)
    for replica in range(len(stacks[0])):
        expected = slopes(function, [stack[replica] for stack in stacks])
        for stack, value in zip(ours, expected, strict=True):
            np.testing.assert_allclose(stack[replica], value, atol=1e-5)
