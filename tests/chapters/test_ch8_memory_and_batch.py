"""What is alive at the worst moment, on graphs small enough to add up by hand."""

import pytest
import tensorflow as tf

from chapters.ch8.memory_and_batch import _peak_of_live_bytes

ROW = 100 * 4  # bytes of a tensor of 100 numbers


def graph_of(function):
    return tf.function(function).get_concrete_function(tf.TensorSpec((100,), tf.float32)).graph


@pytest.mark.parametrize(
    ("function", "tensors"),
    [
        (lambda x: tf.sin(tf.sin(tf.sin(x))), 2),  # one is read while the next is written
        (lambda x: tf.sin(tf.reshape(tf.sin(x), (10, 10))), 2),  # a view takes nothing, and keeps what it views
    ],
)
def test_a_chain_keeps_two(function, tensors):
    assert _peak_of_live_bytes(graph_of(function)) == tensors * ROW


def test_what_is_read_again_at_the_end_is_kept_till_then():
    def function(x):
        first = tf.sin(x)
        return tf.sin(tf.sin(tf.sin(first))) + first

    assert _peak_of_live_bytes(graph_of(function)) == 3 * ROW
