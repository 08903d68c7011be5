"""A model with its objective, shared by all replicas that are trained on one graph."""

import functools
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras.src.backend import compute_output_spec

from textbook.replicas import inspection, numbers
from textbook.replicas.condition import Condition
from textbook.replicas.initial import Initializer, build_model
from textbook.replicas.objective import Objective, PerSample, chance_loss_is_known, objective_for, plain


@dataclass(frozen=True, eq=False)
class Blueprint:
    """What replicas share.

    Attributes:
        model: built once; its weights are scratch space.
        make: seed → a new model of the same structure.
        initializer: draws the weights of any seed.
        objective: losses and metrics.
        output_order: for each output of the model, the leaf of the labels that belongs to it.
        input_types: type of each flat input, as the model declares it.
        numbers: name → value in `model` and `objective` of every number that could differ by replica.
        key: equal keys, equal graphs up to those numbers.
        chance_known: whether the loss of a guess that ignores x can be told.
        output_shapes: of each output, with the batch axis.
        outputs: the outputs without values, in the model's own structure.
    """

    model: keras.Model
    make: Callable
    initializer: Initializer
    objective: Objective
    output_order: tuple[int, ...]
    input_types: tuple[str, ...]
    numbers: dict[str, float]
    key: Hashable
    chance_known: bool
    output_shapes: tuple[tuple, ...]
    outputs: Any

    def labels(self, y) -> list[np.ndarray]:
        """The labels of each output, in the order of the outputs: (rows,) whole numbers, or (rows, …) float32."""
        leaves = [np.asarray(leaf) for leaf in keras.tree.flatten(y)]
        return [_as_labels(leaves[place]) for place in self.output_order]

    def inputs(self, x) -> list[np.ndarray]:
        """The flat inputs of some rows, in the types that the model declares."""
        return [leaf.astype(kind, copy=False) for leaf, kind in zip(flat_inputs(x), self.input_types, strict=True)]


def is_nested(x) -> bool:
    """Whether x holds several inputs."""
    return isinstance(x, dict | tuple | list)


def flat_inputs(x) -> list[np.ndarray]:
    """The inputs of some rows, one array each; a DataFrame is one."""
    return [np.asarray(leaf) for leaf in keras.tree.flatten(x)] if is_nested(x) else [np.asarray(x)]


def map_leaves(function, value):
    """The structure of value with the function's results at its leaves; a DataFrame is a leaf."""
    return keras.tree.map_structure(function, value) if is_nested(value) else function(value)


def calling(model, *, training: bool) -> dict[str, bool]:
    """How to call a model in training or not: as `fit` does, which tells only those that want to know."""
    return {"training": training} if model._call_has_training_arg else {}


def packer(x) -> Callable:
    """A function from flat inputs to the structure of x."""
    return functools.partial(keras.tree.pack_sequence_as, x) if is_nested(x) else _only


def blueprint_for(build, condition: Condition, split, metrics, known: dict) -> tuple[Blueprint, dict[str, float]]:
    """A condition's blueprint and the numbers of its own model and loss.

    Where the graph is in `known` the blueprint is that one; a new one is checked and added.

    Raises: ValueError where model, loss, metrics and data do not fit together.
    """
    shape = map_leaves(lambda leaf: tuple(leaf.shape[1:]), split.x)
    counts = map_leaves(lambda count: count or 1, split.classes)
    make = functools.partial(build_model, build, input_shape=shape, outputs=counts)
    model = make()
    types = _input_types(model, split.x)
    names, outputs, order = _outputs(model, symbolic(split.x, types), split.y)
    leaves = keras.tree.flatten(split.classes) if is_nested(split.classes) else [split.classes]
    classes = [leaves[place] for place in order]
    inspection.check_metrics(metrics)
    flat = keras.tree.flatten(outputs)
    units = [1 if len(output.shape) < 2 else output.shape[-1] for output in flat]
    objective = objective_for(
        condition.loss, condition.loss_weights, metrics, classes=classes, names=names, units=units
    )
    losses = [plain(loss) for loss in objective.losses]
    found = numbers.model_numbers(model)
    of_losses = [numbers.loss_numbers(loss) for loss in losses]
    if len(losses) == 1:
        found |= of_losses.pop()  # with several losses, their numbers are the same in all replicas of a graph
    key = (
        numbers.structure(model, own=build),
        tuple(numbers.structure(loss.function if isinstance(loss, PerSample) else loss) for loss in losses),
        repr(of_losses),
        objective.weights,
        objective.default,
        tuple((name, place) for name, (_, place) in objective.metrics.items()),
        _frozen(metrics),
        repr(shape),
        tuple(classes),
        order,
    )
    if key not in known:
        again = make(seed=1)
        inspection.check_model(model, again)
        inspection.check_ending(model, losses, default=objective.default)
        for loss in losses:
            inspection.check_loss(loss)
        known[key] = Blueprint(
            model=model,
            make=lambda seed: make(seed=seed),
            initializer=Initializer(model, again, lambda seed: make(seed=seed)),
            objective=objective,
            output_order=order,
            input_types=types,
            numbers=found,
            key=key,
            chance_known=chance_loss_is_known(objective, classes),
            output_shapes=tuple(tuple(output.shape) for output in flat),
            outputs=outputs,
        )
        _check_functions(known[key], flat, split.y)
    return known[key], found


def _only(flat: list):
    (one,) = flat
    return one


def _as_labels(y: np.ndarray) -> np.ndarray:
    """Classes as they are, a regression's values as (rows, values): the shape of the outputs."""
    if y.dtype.kind != "f":
        return y
    y = y.astype(np.float32, copy=False)
    return y[:, np.newaxis] if y.ndim == 1 else y


def symbolic(x, types):
    """A sample without values, in the structure of x."""
    return packer(x)(
        [keras.KerasTensor((1, *leaf.shape[1:]), kind) for leaf, kind in zip(flat_inputs(x), types, strict=True)]
    )


def _outputs(model, sample, y) -> tuple[list[str], Any, tuple[int, ...]]:
    """Names of the model's outputs, the outputs without values, and for each the leaf of y that belongs to it."""
    structure = compute_output_spec(model, sample)
    outputs = keras.tree.flatten(structure)
    names = list(getattr(model, "output_names", None) or [f"output_{i}" for i in range(len(outputs))])
    if isinstance(structure, dict):
        names = sorted(structure)
    leaves = len(keras.tree.flatten(y)) if is_nested(y) else 1
    if leaves != len(outputs):
        raise ValueError(
            f"expected labels for {len(outputs)} outputs of the model, got {leaves}; "
            "pass y as a dict or tuple with an array for each output"
        )
    if isinstance(y, dict) and set(y) == set(names):
        order = tuple(sorted(y).index(name) for name in names)  # leaves of a dict come in the order of its keys
    else:
        order = tuple(range(leaves))
    return names, structure, order


def _check_functions(blueprint: Blueprint, outputs, y) -> None:
    """Refuse metrics, and losses of the user's own, that give no value for each sample."""
    objective, labels = blueprint.objective, blueprint.labels(keras.tree.map_structure(lambda leaf: leaf[:1], y))
    labels = [keras.KerasTensor(leaf.shape, leaf.dtype) for leaf in labels]
    for name, (function, place) in objective.metrics.items():
        inspection.check_per_sample(f"metric {name!r}", function, labels[place], outputs[place])
    for place, loss in enumerate(objective.losses):
        if isinstance(loss, PerSample):
            named = f"loss {loss.name!r}"
            inspection.check_per_sample(named, loss.function, labels[place], outputs[place], more_axes=True)


def _input_types(model, x) -> tuple[str, ...]:
    """The type of each flat input: what the model declares, else single precision."""
    declared = keras.tree.flatten(getattr(model, "inputs", None) or [])
    count = len(flat_inputs(x))
    if len(declared) != count:
        return ("float32",) * count
    if isinstance(x, dict) and {i.name for i in declared} == set(x):
        kinds = {i.name: i.dtype for i in declared}
        return tuple(kinds[name] for name in sorted(x))
    return tuple(i.dtype for i in declared)


def _frozen(metrics):
    if isinstance(metrics, dict):
        return tuple((name, _frozen(value)) for name, value in sorted(metrics.items()))
    return tuple(_frozen(one) for one in metrics) if isinstance(metrics, list | tuple) else metrics
