"""Arithmetic whose bits do not depend on where in a stack a replica lies.

Without it, the same replica would get other last bits in another place of the stack, and an unstable training would
make another result of them. TensorFlow's kernels on a CPU work in packets of up to 16 numbers, and leave two seams:

- They add up a middle axis packet by packet along the last one; a packet that reaches over the end of a replica's slice
  adds in another order. A matrix product with ones adds each slice alone, and costs no more. Such sums are those of a
  batch's statistics, and those that the gradient takes of what was broadcast over the batch: a bias, or a scale.
- The last few numbers of a tensor fill no packet, and there functions such as exp have another last bit. The end of a
  stack is therefore a spare replica, nobody's. Where a replica has so few numbers that the seam would reach beyond the
  spare one, the tensor is filled up to whole packets.
"""

import math

import tensorflow as tf
from tensorflow.python.eager import record
from tensorflow.python.ops.parallel_for.pfor import wrap


def sum_rows(x):
    """The sum over all axes but the first and the last: (replicas, …, n) → (replicas, n)."""
    flat = tf.reshape(x, tf.concat([tf.shape(x)[:1], [-1], tf.shape(x)[-1:]], axis=0))
    flat.set_shape([x.shape[0], None, x.shape[-1]])
    return tf.matmul(tf.ones([1, 1, tf.shape(flat)[1]], flat.dtype), flat)[:, 0]


def reduction(mean: bool):
    """A converter of Sum or Mean: over all axes but a replica's last one as above, else as it was."""

    def convert(pfor_input, original):
        x, stacked, _ = pfor_input.input(0)
        axes = tf.get_static_value(pfor_input.unstacked_input(1))
        rank = x.shape.rank
        if not stacked or axes is None or rank is None or rank < 3 or x.dtype != tf.float32:
            return original(pfor_input)
        axes = {int(axis) % (rank - 1) for axis in axes.reshape(-1)}
        if axes != set(range(rank - 2)):
            return original(pfor_input)
        with record.stop_recording():
            rows = tf.cast(tf.reduce_prod(tf.shape(x)[1:-1]), x.dtype)
            total = sum_rows(x) / rows if mean else sum_rows(x)
            result = _like_row(total, x) if pfor_input.get_attr("keep_dims") else total

        def backward(gradient):
            spread = tf.broadcast_to(_like_row(gradient, x), tf.shape(x))
            return [spread / rows if mean else spread]

        record.record_operation("SteadySum", [result], [x], backward)
        return wrap(result, True)

    return convert


def with_row(operation, gradient):
    """A converter of an operation between a batch and a row of its last axis, such as adding a bias.

    Args:
        operation: (batch, row) → result.
        gradient: (gradient, batch, row) → (gradient of the batch, what its row's gradient is the sum of).
    """

    def convert(pfor_input, original):
        (a, a_stacked, _), (b, b_stacked, _) = pfor_input.input(0), pfor_input.input(1)
        by_channel = pfor_input.op_type == "BiasAdd" and pfor_input.get_attr("data_format") != b"NHWC"
        if by_channel or not (a_stacked and b_stacked and a.dtype == tf.float32):
            return original(pfor_input)
        if _is_row_of(b, a):
            return wrap(_with_row(operation, gradient, a, b, row_first=False), True)
        if _is_row_of(a, b):
            return wrap(_with_row(operation, gradient, b, a, row_first=True), True)
        return original(pfor_input)

    return convert


def _with_row(operation, gradient, batch, row, *, row_first: bool):
    with record.stop_recording():
        spread = _like_row(row, batch)
        result = operation(spread, batch) if row_first else operation(batch, spread)

    def backward(upstream):
        of_batch, of_row = gradient(upstream, batch, spread, row_first)
        return [of_batch, tf.reshape(sum_rows(of_row), tf.shape(row))]

    record.record_operation("SteadyRow", [result], [batch, row], backward)
    return result


def _is_row_of(row, batch) -> bool:
    """Whether the first is one row of the second's last axis, for each replica."""
    if row.shape.rank is None or batch.shape.rank is None or not 2 <= row.shape.rank <= batch.shape.rank:
        return False
    ones, batched = row.shape[1:-1].as_list(), batch.shape[1:-1].as_list()
    last = row.shape[-1]
    return last is not None and last == batch.shape[-1] and all(n == 1 for n in ones) and any(n != 1 for n in batched)


def _like_row(x, batch):
    """(replicas, …, n) → (replicas, 1, …, 1, n), of the rank of the batch."""
    shape = tf.concat([tf.shape(x)[:1], [1] * (batch.shape.rank - 2), tf.shape(x)[-1:]], axis=0)
    shaped = tf.reshape(x, shape)
    shaped.set_shape([x.shape[0], *[1] * (batch.shape.rank - 2), x.shape[-1]])
    return shaped


def _added(upstream, batch, row, row_first):
    return upstream, upstream


def _subtracted(upstream, batch, row, row_first):
    return (-upstream, upstream) if row_first else (upstream, -upstream)


def _multiplied(upstream, batch, row, row_first):
    return upstream * row, upstream * batch


def in_packets(function):
    """A converter of a function of single numbers: where a replica has few of them, computed in whole packets."""

    def convert(pfor_input, original):
        stacked = [pfor_input.input(i) for i in range(pfor_input.num_inputs)]
        tensors = [value.t for value in stacked if value.is_stacked]
        if len(tensors) != 1 or any(v.t.shape.rank != 0 for v in stacked if not v.is_stacked) or _many(tensors[0]):
            return original(pfor_input)
        (x,) = tensors

        def filled(flat):
            return function(*(flat if value.is_stacked else value.t for value in stacked))

        return wrap(tf.reshape(_padded(tf.reshape(x, [-1]), filled), tf.shape(x)), True)

    return convert


def _cross_entropy(pfor_input, original):
    """A converter of the sparse cross-entropy: a replica's rows of few classes are filled up to whole packets."""
    (logits, a, _), (labels, b, _) = pfor_input.input(0), pfor_input.input(1)
    if not (a and b) or logits.shape[-1] is None or logits.shape[-1] >= _PACKET:
        return original(pfor_input)
    rows, classes = tf.shape(logits)[:2], logits.shape[-1]
    spare = tf.math.floormod(-rows[0] * rows[1], _PACKET)
    flat = tf.pad(tf.reshape(logits, [-1, classes]), [[0, spare], [0, 0]])
    labels = tf.pad(tf.reshape(labels, [-1]), [[0, spare]])
    loss, slope = tf.raw_ops.SparseSoftmaxCrossEntropyWithLogits(features=flat, labels=labels)
    count = rows[0] * rows[1]
    return [wrap(tf.reshape(loss[:count], rows), True), wrap(tf.reshape(slope[:count], tf.shape(logits)), True)]


def _padded(flat, function):
    count = tf.size(flat)
    # with ones, for which every function here has a value
    return function(tf.pad(flat, [[0, tf.math.floormod(-count, _PACKET)]], constant_values=1))[:count]


def _many(x) -> bool:
    """Whether each replica surely has at least a packet of numbers; an open axis may have one alone."""
    return math.prod(n or 1 for n in x.shape[1:]) >= _PACKET


_PACKET = 16

_FUNCTIONS = {
    "Erf": tf.math.erf,
    "Erfc": tf.math.erfc,
    "Exp": tf.exp,
    "Expm1": tf.math.expm1,
    "Log": tf.math.log,
    "Log1p": tf.math.log1p,
    "Pow": tf.pow,
    "Rsqrt": tf.math.rsqrt,
    "Sigmoid": tf.sigmoid,
    "Softplus": tf.math.softplus,
    "Tanh": tf.tanh,
}

CONVERTERS = {
    **{name: in_packets(function) for name, function in _FUNCTIONS.items()},
    "SparseSoftmaxCrossEntropyWithLogits": _cross_entropy,
    "Sum": reduction(mean=False),
    "Mean": reduction(mean=True),
    "AddV2": with_row(tf.add, _added),
    "BiasAdd": with_row(tf.add, _added),
    "Sub": with_row(tf.subtract, _subtracted),
    "Mul": with_row(tf.multiply, _multiplied),
}
