"""The fast engine: groups of replicas trained at once by a compiled program, TensorFlow's or JAX's."""

import functools
import importlib
from collections import OrderedDict

import keras

from textbook.replicas.blueprint import packer
from textbook.replicas.memory import Footing
from textbook.replicas.outcome import Asked, Outcome
from textbook.replicas.plan import Group, scaled_inputs
from textbook.replicas.recipe import Recipe
from textbook.replicas.wave import Wave

# Tracing a program takes longer than training a small model, so all trainings of the same network share one. The oldest
# go, since a search over widths has a network for each.
_PROGRAMS: OrderedDict[tuple, object] = OrderedDict()
_MOST = 64


def train(group: Group, asked: Asked, progress, footing: Footing) -> Outcome:
    """Train all replicas of a group, in waves that fit into memory; results do not depend on the size of a wave."""
    # conditions share their seeds' weights, so each is drawn once
    drawn = functools.cache(lambda weights, masks: group.blueprint.initializer.draw(weights=weights, masks=masks))
    waves = [group.replicas[i : i + footing.wave] for i in range(0, len(group.replicas), footing.wave)]
    program = program_for(group, trace=asked.trace)
    data = program.data(group.blueprint.inputs(group.replicas[0].split.x))
    return Outcome.joined(
        [Wave(group, replicas, program, data, drawn, asked, footing.rows).run(progress) for replicas in waves]
    )


def program_for(group: Group, *, trace: bool):
    """The compiled program of a group, kept for every later group with the same graph."""
    key = (keras.backend.backend(), group.graph, trace)
    if key not in _PROGRAMS:
        objective, split = group.blueprint.objective, group.replicas[0].split
        recipe = Recipe(
            model=group.blueprint.model,
            optimizer=group.optimizer,
            loss=objective,
            metrics=objective.functions(),
            pack_x=packer(split.x),
            pack_y=list,
            losses=objective.losses,
            model_numbers=_of(group.varying, lambda name: name[0].isdigit()),
            loss_numbers=_of(group.varying, lambda name: name.startswith("loss.")),
            optimizer_numbers=_of(group.varying, lambda name: name.startswith("optimizer.")),
            scaled=scaled_inputs(split),
            weighted=group.weighted,
            trace=trace,
        )
        _PROGRAMS[key] = programs().Program(recipe)
    _PROGRAMS.move_to_end(key)
    while len(_PROGRAMS) > _MOST:
        _PROGRAMS.popitem(last=False)
    return _PROGRAMS[key]


def programs():
    """The module with the programs of the backend that Keras runs on."""
    return importlib.import_module(f"textbook.replicas.{keras.backend.backend()}_program")


def _of(names, wanted) -> tuple[str, ...]:
    return tuple(name for name in names if wanted(name))
