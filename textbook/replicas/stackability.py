"""Whether a group of replicas can be trained as one stack, found out by tracing it before anything is trained."""

import keras
import numpy as np

from textbook.replicas import stack_engine
from textbook.replicas.blueprint import calling, packer
from textbook.replicas.outcome import Asked
from textbook.replicas.plan import Group
from textbook.replicas.wave import Wave

# Obstacles found, by what the program depends on: tracing twice would tell the same.
_FOUND: dict[tuple, str | None] = {}


def obstacle(group: Group, asked: Asked) -> str | None:
    """Why the group cannot be stacked, naming the layer that forbids it; None where it can.

    Raises: what the model itself raises where it cannot even be called on its own.
    """
    key = (keras.backend.backend(), group.graph, asked.trace)
    if key not in _FOUND:
        _FOUND[key] = _found(group, asked)
    return _FOUND[key]


def _found(group: Group, asked: Asked) -> str | None:
    if _slots_follow_weights(group):
        return f"optimizer {type(group.optimizer).__name__}: what it keeps starts from the weights of each replica"
    program = stack_engine.program_for(group, trace=asked.trace)
    initializer = group.blueprint.initializer
    wave = Wave(
        group, group.replicas[:1], program, program.data(group.blueprint.inputs(group.replicas[0].split.x)),
        lambda weights, masks: initializer.draw(weights=weights, masks=masks), asked, rows=2,
    )  # fmt: skip
    try:
        wave.trace()
    except Exception as error:  # whatever a backend raises where it cannot map an operation
        _call_once(group)  # a model that is wrong in itself says so in its own words
        return f"{_culprit(group)}: {type(error).__name__}, {_first_line(error)}"
    return None


def _slots_follow_weights(group: Group) -> bool:
    """Whether anything that the optimizer keeps starts otherwise than as a constant, which a stack could repeat."""
    optimizer = type(group.optimizer).from_config(group.optimizer.get_config())
    optimizer.build(group.blueprint.model.trainable_variables)
    slots = [keras.ops.convert_to_numpy(v.value) for v in optimizer.variables]
    return any(slot.size and np.ptp(slot) > 0 for slot in slots)


def _call_once(group: Group) -> None:
    """Call the model on two samples, unstacked."""
    blueprint, split = group.blueprint, group.replicas[0].split
    rows = split.train.indices[:2]
    inputs = packer(split.x)([x[rows] for x in blueprint.inputs(split.x)])
    outputs = blueprint.model(inputs, **calling(blueprint.model, training=True))
    blueprint.objective([y[:2] for y in blueprint.labels(split.train.y)], outputs)


def _culprit(group: Group) -> str:
    """The first layer, in the order of the model, that does not stack when it is tried alone."""
    for layer, inputs in _calls(group):
        try:
            stack_engine.programs().try_layer(layer, inputs)
        except Exception:  # the very question is whether it raises
            return f"layer {layer.name!r} ({type(layer).__name__})"
    return "the model as a whole"


def _calls(group: Group) -> list:
    """(layer, inputs like its own) for every layer that has no layers inside, seen in one call of the model."""
    seen = []
    original = keras.layers.Layer.__call__

    def watched(layer, *args, **kwargs):
        outputs = original(layer, *args, **kwargs)
        if not layer._layers and not isinstance(layer, keras.layers.InputLayer):
            # their shapes are enough, and inside a loop there are no values
            tensors = [t for t in keras.tree.flatten(args) if hasattr(t, "shape")]
            kinds = [keras.backend.standardize_dtype(t.dtype) for t in tensors]
            seen.append((layer, [np.zeros((2, *t.shape), kind) for t, kind in zip(tensors, kinds, strict=True)]))
        return outputs

    keras.layers.Layer.__call__ = watched
    try:
        _call_once(group)
    finally:
        keras.layers.Layer.__call__ = original
    return seen


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), "no message")
