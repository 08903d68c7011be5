"""Run a function of one replica on a whole stack at once, for any number of replicas with one trace.

`tf.vectorized_map` does this too, but where the number of replicas is left open in the trace it copies every input by a
gather, and adds gradients up by a scatter, at each call: about a third of a small network's training time. Here the
stack itself is handed to the vectorised operations, and sums are taken so that every replica's bits are its own.
"""

import contextlib

import tensorflow as tf
from tensorflow.python.ops.parallel_for import pfor as vectorizer
from tensorflow.python.ops.parallel_for.control_flow_ops import pfor

from textbook.replicas import converters, draws, steady


def map_replicas(function, stacks):
    """`function` of each replica's slice of `stacks`, a nest of tensors of shape (replicas, …); results are stacked."""
    flat = [tf.convert_to_tensor(stack) for stack in tf.nest.flatten(stacks)]

    def one(replica):
        return function(tf.nest.pack_sequence_as(stacks, [tf.gather(stack, replica) for stack in flat]))

    ours = {**converters.CONVERTERS, **draws.CONVERTERS, **steady.CONVERTERS, "GatherV2": _whole_stacks(flat)}
    with _registered(ours):
        return pfor(one, tf.shape(flat[0])[0])


def _whole_stacks(stacks):
    """A converter for which gathering every replica's slice of these tensors is the tensor itself.

    TensorFlow does the same where it knows statically that the shapes agree; here they agree by construction.
    """
    ours = {id(stack) for stack in stacks}

    def convert(pfor_input, original):
        stack, stacked, _ = pfor_input.input(0)
        indices, _, _ = pfor_input.input(1)
        if not stacked and id(stack) in ours and indices is pfor_input.pfor.all_indices:
            return vectorizer.wrap(stack, True)
        return original(pfor_input)

    return convert


@contextlib.contextmanager
def _registered(ours: dict):
    """While a function is vectorised, let these converters come before TensorFlow's own, which they are handed."""
    registry = vectorizer._pfor_converter_registry
    originals = {name: registry[name] for name in ours if name in registry}

    def before(convert, original):
        return lambda pfor_input, *arguments: convert(pfor_input, lambda given: original(given, *arguments))

    fallback = vectorizer._fallback_converter
    registry.update({name: before(convert, originals.get(name, fallback)) for name, convert in ours.items()})
    try:
        yield
    finally:
        for name in ours:
            del registry[name]
        registry.update(originals)
