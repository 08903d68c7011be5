"""Readings, gradients and names of the numbers that differ by replica."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, optimizers, regularizers

from textbook.replicas.mapping import map_replicas
from textbook.replicas.numbers import assign, matching, model_numbers, stacks, turned


def test_gradients_through_dropout_and_penalties_are_those_of_the_floats():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(5, activation="relu", kernel_regularizer="l2"),
            layers.Dropout(0.5),
            layers.Dense(1, kernel_regularizer=regularizers.L1L2(0.1, 0.1)),
        ]
    )
    names = list(model_numbers(model))
    assert names == [
        "1.dense.kernel_regularizer.l2",
        "2.dropout.rate",
        "3.dense.kernel_regularizer.l1",
        "3.dense.kernel_regularizer.l2",
    ]
    values = {name: np.roll([0.0, 0.1, 0.6], shift).tolist() for shift, name in enumerate(names)}
    x = np.random.default_rng(0).normal(size=(8, 6)).astype(np.float32)
    weights = [tf.constant(v.numpy()) for v in model.trainable_variables]
    state = [tf.constant(v.numpy()) for v in model.non_trainable_variables]

    def loss(weights):
        outputs, _, penalties = model.stateless_call(weights, state, x, training=True, return_losses=True)
        return tf.add_n([tf.reduce_mean(tf.square(outputs)), *penalties])

    def one(inputs):
        weights, readings = inputs
        with turned(model, readings):
            return loss(weights)

    @tf.function(autograph=False)
    def ours(weights, readings):
        with tf.GradientTape() as tape:
            tape.watch(weights)
            total = tf.reduce_sum(map_replicas(one, (weights, readings)))
        return tape.gradient(total, weights)

    found = ours([tf.stack([w] * 3) for w in weights], tf.nest.map_structure(tf.constant, stacks(values)))
    for replica in range(3):
        assign(model, {name: numbers[replica] for name, numbers in values.items()})
        with tf.GradientTape() as tape:
            tape.watch(weights)
            total = loss(weights)
        for stack, expected in zip(found, tape.gradient(total, weights), strict=True):
            np.testing.assert_allclose(stack[replica], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("value", [0.1, 0.3, 0.999, 1e-7])
def test_readings_are_rounded_once(value):
    ((given, complement, inverse),) = stacks({"optimizer.beta_1": [value]}).values()
    assert given[0] == np.float32(value)
    assert complement[0] == np.float32(1 - value)
    assert inverse[0] == np.float32(1 / (1 - value))


def test_names_match_by_attribute_and_by_layer():
    names = [
        "1.head.kernel_regularizer.l2",
        "2.dropout.rate",
        "2.tail.kernel_regularizer.l2",
        "2.tail.bias_regularizer.l2",
    ]
    assert matching(names, "l2") == [names[0], *names[2:]]
    assert matching(names, "tail.l2") == names[2:]
    assert matching(names, "kernel_regularizer.l2") == [names[0], names[2]]
    assert matching(names, "2.dropout.rate") == ["2.dropout.rate"]
    assert matching(["loss.label_smoothing"], "label_smoothing") == ["loss.label_smoothing"]
    for unknown in ("head.rate", "head", "l", "kernel_regularizer", "2.l1"):
        with pytest.raises(ValueError, match=r"expected one of the numbers 1\.head"):
            matching(names, unknown)


def test_a_name_that_means_a_layer_and_the_optimizer_is_refused():
    names = ["2.batch_normalization.momentum", "optimizer.momentum"]
    with pytest.raises(ValueError, match=r"may mean 2\.batch_normalization\.momentum or optimizer\.momentum"):
        matching(names, "momentum")
    assert matching(names, "optimizer.momentum") == names[1:]
    assert matching(names, "batch_normalization.momentum") == names[:1]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("1.dropout.rate", 1.0, "a number from 0 to below 1"),
        ("0.dense.kernel_regularizer.l2", -0.1, "a number from 0 up"),
        ("optimizer.beta_1", 1.1, "a number from 0 to 1"),
        ("optimizer.clipnorm", 0.0, "a number above 0"),
        ("optimizer.muon_b", float("inf"), "a finite number"),
    ],
)
def test_values_out_of_range_are_refused(name, value, expected):
    with pytest.raises(ValueError, match=f"expected {name} as {expected}, got {value:g}"):
        stacks({name: [0.5, value]})


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match=r"expected numbers among optimizer\.momentum, got optimizer\.beta_1"):
        assign(optimizers.SGD(), {"optimizer.beta_1": 0.9})


def test_a_refused_assignment_changes_nothing():
    optimizer = optimizers.Adam()
    with pytest.raises(ValueError, match=r"expected optimizer\.beta_2 as a number from 0 to 1, got 2"):
        assign(optimizer, {"optimizer.beta_1": 0.5, "optimizer.beta_2": 2.0})
    assert (optimizer.beta_1, optimizer.beta_2) == (0.9, 0.999)
