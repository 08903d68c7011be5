"""A knob answers Keras's Python questions, and computes to the bit as Keras does with the Python float."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from textbook.knob import Knob


def knob(value=0.3, **bounds):
    return Knob(*(tf.constant(np.float32(v)) for v in (value, 1 - value, 1 / (1 - value))), **bounds)


def test_it_passes_for_a_positive_float():
    rate = knob()
    assert rate
    assert rate > 0
    assert rate >= 0
    assert rate > -1
    assert rate > 0.0
    assert not rate < 0
    assert not rate <= 0
    assert rate != 0
    assert rate != 1.0
    assert rate != 0.3  # it takes no short cut


def test_a_share_lies_below_one():
    share = knob(high=1.0)
    assert 0.0 < share < 1.0
    assert not share >= 1
    assert not share > 1
    assert 0 < 1 - share < 1


def test_any_number_has_no_sign():
    with pytest.raises(TypeError, match="compared with -inf or inf only, got 0"):
        bool(knob(low=-np.inf) > 0)


@pytest.mark.parametrize(
    "ask", [lambda k: k > 0.5, lambda k: k >= 1, lambda k: k < 0.1, lambda k: k <= np.float32(0.5)]
)
def test_other_comparisons_are_refused_in_words(ask):
    with pytest.raises(
        TypeError, match=r"compared with 0 or inf only, got .*; mend by a number in place of the schedule"
    ):
        ask(knob())


@pytest.mark.parametrize("ask", [float, int, range, np.sqrt, lambda k: [1, 2][k]])
def test_it_has_no_python_value(ask):
    with pytest.raises(TypeError):
        ask(knob())


VALUES = (0.0, 0.1, 0.3, 0.9, 0.999, 1e-7)
AS_KERAS_DOES = {
    "complement": lambda b: ops.multiply(1 - b, X),
    "complement of a float": lambda b: (1.0 - b) * X,
    "negative complement": lambda b: X * (b - 1),
    "inverse": lambda b: tf.multiply(X, tf.convert_to_tensor(1 / (1 - b), tf.float32)),
    "product": lambda b: ops.multiply(b, X),
    "product on the right": lambda b: X * b,
    "product with a variable": lambda b: b * keras.Variable(X),
    "sum": lambda b: ops.add(X, b) + (b + X) + (X + b),
    "difference": lambda b: (X - b) - (b - X),
    "quotient": lambda b: b / (X * X + 1),
    "cast": lambda b: ops.cast(b, "float32") * X,
    "power": lambda b: ops.power(ops.cast(b, "float32"), X * X),
    "maximum": lambda b: ops.maximum(X, b),
    "clip": lambda b: ops.clip(X, -b, b),
    "half": lambda b: 0.5 * b + X,
    "comparison of a tensor": lambda b: ops.cast(b <= X, "float32") - ops.cast(tf.abs(X) > b, "float32"),
    "number of NumPy": lambda b: np.float32(0.5) * b - X,
    "half precision": lambda b: tf.convert_to_tensor(b, "float16"),
}
X = tf.constant(np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32))


@pytest.mark.parametrize("compute", AS_KERAS_DOES.values(), ids=AS_KERAS_DOES.keys())
@pytest.mark.parametrize("value", VALUES)
def test_bits_are_those_of_the_float(compute, value):
    np.testing.assert_array_equal(np.asarray(compute(knob(value))), np.asarray(compute(value)))


def test_without_its_readings_it_computes_in_single_precision():
    bare = Knob(tf.constant(0.999))
    assert np.asarray(1 - bare) == np.float32(1) - np.float32(0.999)
    assert np.asarray(1 - bare) != np.asarray(1 - knob(0.999))


def test_it_is_a_tensor_to_keras():
    rate = knob()
    assert keras.backend.standardize_dtype(rate.dtype) == "float32"
    assert keras.backend.result_type(rate.dtype, int) == "float32"
    assert tuple(rate.shape) == ()
    assert ops.convert_to_tensor(rate).dtype == "float32"
    assert ops.convert_to_tensor(rate, "float16").dtype == "float16"
    assert "0.3" in repr(rate)
