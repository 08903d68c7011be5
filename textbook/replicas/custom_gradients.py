"""Gradients that a layer defines itself, with `keras.ops.custom_gradient` or `tf.custom_gradient`, kept in a stack.

TensorFlow's vectorisation drops them without a word and differentiates the forward pass instead: a straight-through
estimator would get no gradient at all, a reversed gradient the wrong sign.
"""

import inspect

import tensorflow as tf
from tensorflow.python.framework import ops
from tensorflow.python.ops.parallel_for.pfor import wrap


def kept(pfor_input, original):
    """A converter of `IdentityN`, the operation behind which TensorFlow puts a gradient of one's own."""
    op, pfor, graph = pfor_input.op, pfor_input.pfor, tf.compat.v1.get_default_graph()
    if "_gradient_op_type" not in op.node_def.attr:
        return original(pfor_input)
    gradient = ops.gradient_registry.lookup(op.get_attr("_gradient_op_type").decode())
    if _author(gradient) == "tensorflow.python.ops.nn_impl":  # of silu, where it saves memory and changes no value
        return original(pfor_input)
    pfor_input.stack_inputs()

    @tf.custom_gradient
    def stacked(*stacks):
        def backward(*upstreams):
            if tf.compat.v1.get_default_graph() is not graph:
                raise NotImplementedError(
                    "expected a custom gradient outside of loops, and a tape inside of the tf.function, got one whose "
                    "gradient is traced apart; unroll the loop, or train with engine='fit'"
                )
            # Written down for one replica, then vectorised like the rest of its operations.
            earlier = set(graph.get_operations())
            ones = [tf.compat.v1.placeholder_with_default(tf.zeros_like(out), out.shape) for out in op.outputs]
            slopes = [None if slope is None else tf.convert_to_tensor(slope) for slope in gradient(op, *ones)]
            ours = set(graph.get_operations()) - earlier
            pfor._pfor_ops |= ours
            pfor._pfor_op_ids |= {operation._id for operation in ours}
            for one, upstream in zip(ones, upstreams, strict=True):
                pfor._add_conversion(one, wrap(upstream, True))
            return [None if slope is None else pfor.convert(slope) for slope in slopes]

        return [tf.identity(stack) for stack in stacks], backward

    stacks = [pfor_input.stacked_input(place) for place in range(pfor_input.num_inputs)]
    return [wrap(result, True) for result in stacked(*stacks)]


def _author(gradient) -> str:
    """The module that a gradient was written in; TensorFlow wraps it twice."""
    for name in ("tape_grad_fn", "grad_fn"):
        gradient = inspect.getclosurevars(gradient).nonlocals[name]
    return gradient.__module__
