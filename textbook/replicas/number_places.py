"""Where a model, a loss or an optimizer keeps the numbers that may differ by replica, by name."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import keras
import numpy as np
from keras.src.utils.naming import to_snake_case

from textbook.replicas.number_table import KINDS, TABLE, Entry, range_of

_ENTRIES: dict[type, list[Entry]] = {}
for _entry in TABLE:
    _ENTRIES.setdefault(_entry.kind, []).append(_entry)


class Number(NamedTuple):
    """A number with every (mapping, key) where its owner keeps it."""

    value: float
    places: tuple[tuple[dict, str], ...]


def offered(owner) -> dict[str, Number]:
    """Name → number, for conditions to differ in: of an optimizer outside Keras the weight decay alone, since the code
    that reads the others is unknown."""
    found = numbers_of(owner)
    if isinstance(owner, keras.optimizers.Optimizer) and type(owner) not in KINDS:
        return {name: number for name, number in found.items() if name == "optimizer.weight_decay"}
    return found


def numbers_of(owner) -> dict[str, Number]:
    """Name → number, of a model, a loss or an optimizer; a class made from a Keras optimizer counts as that one."""
    if isinstance(owner, keras.Model):
        return dict(_of_model(owner))
    if isinstance(owner, keras.optimizers.Optimizer):
        kind = next(kind for kind in type(owner).__mro__ if kind in _ENTRIES)
        return {f"optimizer.{attribute}": number for attribute, number in _of(owner, kind)}
    while isinstance(inner := getattr(owner, "loss", None), keras.losses.Loss):
        owner = inner  # a loss that prepares the labels for another
    return {f"loss.{attribute}": number for attribute, number in _of(owner, type(owner))}


@contextlib.contextmanager
def placed(owner, values: Mapping) -> Iterator[None]:
    """Put anything in the place of these numbers, and what was there back after."""
    found = known(owner, values)
    places = [(place, values[name]) for name in values for place in found[name].places]
    before = [mapping[key] for (mapping, key), _ in places]
    try:
        for (mapping, key), value in places:
            mapping[key] = value
        yield
    finally:
        for ((mapping, key), _), value in zip(places, before, strict=True):
            mapping[key] = value


def known(owner, names) -> dict[str, Number]:
    """The owner's numbers; a ValueError for a name that is not among them."""
    found = numbers_of(owner)
    unknown = [name for name in names if name not in found]
    if unknown:
        raise ValueError(f"expected numbers among {', '.join(found) or '(there are none)'}, got {', '.join(unknown)}")
    return found


def plain_name(name: str, kind: str) -> str:
    """A layer's name without the number that Keras counts unnamed layers of a class with.

    >>> plain_name("dense_12", "Dense"), plain_name("forward_lstm_3", "LSTM"), plain_name("hidden_2", "Dense")
    ('dense', 'forward_lstm', 'hidden_2')
    """
    return made_up_name(name, kind) or name


def made_up_name(name: str, kind: str) -> str | None:
    """The same for a name that Keras made up, None for one that somebody gave."""
    counted = re.fullmatch(rf"((?:forward_|backward_)?{to_snake_case(kind)})(?:_\d+)?", name)
    return counted[1] if counted else None


def _of_model(model) -> Iterator[tuple[str, Number]]:
    taken = set()
    for position, layer in enumerate(model._flatten_layers(include_self=False)):
        prefix = f"{position}.{plain_name(layer.name, type(layer).__name__)}"
        single = layer.compute_dtype == "float32"  # in half precision Keras rounds a Python float further
        for path, thing in (*([("", layer)] if single else ()), *_regularizers(layer)):
            for attribute, number in _of(thing, type(thing)):
                places = {(id(mapping), key) for mapping, key in number.places}
                if not places & taken:
                    yield f"{prefix}{path}.{attribute}", number
                taken |= places


def _regularizers(layer) -> Iterator[tuple[str, object]]:
    """(path, regulariser) of a layer: those it names, then any that only its weights have."""
    for name in sorted(dir(layer)):
        if name.endswith("regularizer"):
            yield f".{name.lstrip('_')}", getattr(layer, name)
    for variable in (*layer._trainable_variables, *layer._non_trainable_variables):
        yield f".{variable.name}_regularizer", getattr(variable, "regularizer", None)


def _of(thing, kind: type) -> Iterator[tuple[str, Number]]:
    """The numbers of one object, as the table has them for a class."""
    for entry in _ENTRIES.get(kind, ()):
        places = entry.places(thing, entry.attribute)
        held = [mapping[key] for mapping, key in places]
        if held and held[0] is not None and range_of(entry.attribute).has(value := _as_float(held[0])):
            yield entry.attribute, Number(value, places)


def _as_float(value) -> float:
    """A Python float; of a float32 tensor, as in Keras's L1, the shortest decimal that it stands for."""
    return float(value) if isinstance(value, int | float) else float(str(np.float32(value)))
