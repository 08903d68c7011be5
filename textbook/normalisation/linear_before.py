"""Which linear layer hands its output straight to a batch norm, found by running the model once."""

import contextlib
import functools

import keras

from textbook.gradients import no_gradients, untouched_randomness
from textbook.normalisation.watched_pass import called, in_place


def linear_before(model, layers, batch) -> dict:
    """Batch norm → the dense or convolutional layer without activation whose output it gets, where there is one.

    A layer counts whose output the batch norm takes as it is. Where the model is a graph and the output also goes
    elsewhere, it does not.

    Args:
        layers: the batch norms.
        batch: (x, y, sample_weight) of arrays; two of its rows are enough where the model takes any number of them.
    """
    found, outputs = {}, []
    sources = [layer for layer in model._flatten_layers(include_self=False, recursive=True) if _is_linear(layer)]
    x = batch[0] if _fixed(model) else keras.tree.map_structure(lambda part: part[:2], batch[0])
    with contextlib.ExitStack() as stack:
        for source in sources:
            stack.enter_context(in_place(source, "call", _keeping(source, outputs)))
        for layer in layers:
            stack.enter_context(in_place(layer, "call", _comparing(layer, outputs, found)))
        stack.enter_context(keras.StatelessScope())
        stack.enter_context(no_gradients())
        stack.enter_context(untouched_randomness())
        called(model, x, training=False)
    return {layer: source for layer, source in found.items() if _goes_nowhere_else(source, layer)}


def _is_linear(layer) -> bool:
    return hasattr(layer, "bias") and getattr(layer, "activation", None) is keras.activations.linear


def _fixed(model) -> bool:
    """Whether the model takes batches of one size only."""
    inputs = getattr(model, "inputs", None) or []
    return any(tensor.shape[0] is not None for tensor in inputs)


def _keeping(source, outputs: list):
    call = source.call

    @functools.wraps(call)
    def keeping(*arguments, **named):
        output = call(*arguments, **named)
        outputs.append((output, source))  # kept alive, so that no other tensor can take its place in memory
        return output

    return keeping


def _comparing(layer, outputs: list, found: dict):
    call = layer.call

    @functools.wraps(call)
    def comparing(inputs, *arguments, **named):
        for output, source in outputs:
            if output is inputs:
                found[layer] = source
        return call(inputs, *arguments, **named)

    return comparing


def _goes_nowhere_else(source, layer) -> bool:
    return all(node.operation is layer for node in source._outbound_nodes)
