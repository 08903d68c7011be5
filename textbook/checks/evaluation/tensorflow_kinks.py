"""Where a TensorFlow graph has kinks, and on which side of each a point lies.

The graph's operations are read, not Keras's layers: what a custom layer does with `tf` or `keras.ops` is seen as well.
What happens within loops and functions of a graph's own is not.
"""

import tensorflow as tf


def winners(result, operations: list) -> list:
    """For each kink that `result` depends on, which side or which argument wins, as boolean tensors.

    Args:
        result: a tensor of the graph.
        operations: those to look at; a kink behind a `stop_gradient` is left out, since no slope comes through it:
            such is the maximum that a log-sum-exp takes off and adds again.
    """
    known, matter, waiting = set(operations), set(), [result.op]
    while waiting:
        operation = waiting.pop()
        if operation not in known or operation in matter or operation.type == "StopGradient":
            continue
        matter.add(operation)
        waiting += [tensor.op for tensor in operation.inputs]
    sides = []
    for operation in operations:
        if operation not in matter:
            continue
        if operation.type in _SIDES and any(tensor.dtype.is_floating for tensor in operation.inputs):
            sides += _SIDES[operation.type](operation)
    return sides


def _above_zero(operation):
    return [operation.inputs[0] > 0]


def _above_zero_below_six(operation):
    return [operation.inputs[0] > 0, operation.inputs[0] < 6]


def _first_larger(operation):
    return [operation.inputs[0] > operation.inputs[1]]


def _clipped(operation):
    x, low, high = operation.inputs
    return [x > low, x < high]


def _largest(operation):
    x, axis = operation.inputs
    return [tf.equal(x, tf.reduce_max(x, axis, keepdims=True))]


def _smallest(operation):
    x, axis = operation.inputs
    return [tf.equal(x, tf.reduce_min(x, axis, keepdims=True))]


def _pooled(operation):
    given = {name: operation.get_attr(name) for name in ("ksize", "strides", "padding", "data_format")}
    given["explicit_paddings"] = operation.get_attr("explicit_paddings")
    x, y = operation.inputs[0], operation.outputs[0]
    # the gradient of a sum of maxima is a count of how often each number was one
    return [tf.raw_ops.MaxPoolGrad(orig_input=x, orig_output=y, grad=tf.ones_like(y), **given) > 0]


def _itself(operation):
    return [operation.outputs[0]]


def _sign(operation):
    return [operation.inputs[0] > 0, operation.inputs[0] < 0]


def _steps(operation):
    """Which whole number: two points lie on one step if these are equal; compared by its bits."""
    step = operation.outputs[0]
    return [tf.math.floormod(step, 2) > 0, tf.math.floormod(tf.math.floor(step / 2), 2) > 0]


def _order(operation):
    indices = operation.outputs[-1]
    bits = tf.bitwise.right_shift(indices[..., None], tf.range(16, dtype=indices.dtype))
    return [tf.bitwise.bitwise_and(bits, 1) > 0]


_COMPARISONS = ("Greater", "GreaterEqual", "Less", "LessEqual", "Equal", "NotEqual")
_SIDES = {
    "Relu": _above_zero,
    "LeakyRelu": _above_zero,
    "Selu": _above_zero,
    "Elu": _above_zero,
    "Relu6": _above_zero_below_six,
    "Abs": _above_zero,
    "Sign": _sign,
    "Maximum": _first_larger,
    "Minimum": _first_larger,
    "ClipByValue": _clipped,
    "Max": _largest,
    "Min": _smallest,
    "MaxPool": _pooled,
    "TopKV2": _order,
    "ArgMax": _order,
    "ArgMin": _order,
    **dict.fromkeys(("Floor", "Ceil", "Round", "Rint"), _steps),
    **dict.fromkeys(_COMPARISONS, _itself),
}
