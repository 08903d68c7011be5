"""Numbers of a model, a loss or an optimizer that may differ by replica: a rate of dropout, an l2, a beta_1.

Conditions that differ in such numbers alone share one graph: while it is traced, a `Knob` stands where Keras keeps the
Python float. `number_table` says which they are.

Names have parts between dots: the position in `model._flatten_layers(include_self=False)`, the layer's name without
Keras's counter, and the attribute, as in "2.dropout.rate" and "0.dense.kernel_regularizer.l2"; or
"loss.label_smoothing", "optimizer.beta_1". An owner is a model, a loss or an optimizer.
"""

import contextlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import keras
import numpy as np

from textbook.knob import Knob
from textbook.replicas.number_places import known, offered, placed
from textbook.replicas.number_table import range_of
from textbook.replicas.structure import structure

__all__ = [
    "assign",
    "loss_numbers",
    "matching",
    "model_numbers",
    "optimizer_numbers",
    "stacks",
    "structure",
    "turned",
]


def model_numbers(model: keras.Model) -> dict[str, float]:
    """Name → value now, of every number of the model that may differ by replica.

    A regulariser shared by several weights is one number, named after the first. A number is left out where the model
    was built so that it cannot change: a Dropout built with the rate 0 has no random state.
    """
    return _values(model)


def loss_numbers(loss) -> dict[str, float]:
    """Name → value now, of a Keras loss; empty for a function."""
    return _values(loss)


def optimizer_numbers(optimizer: keras.optimizers.Optimizer) -> dict[str, float]:
    """Name → value now, of an optimizer, but for its learning rate; of one outside Keras the weight decay alone.

    A clipping, an average or a decay that is off is left out, since switching it on changes the graph.
    """
    return _values(optimizer)


def stacks(values: Mapping[str, Sequence[float]]) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Name → what a Knob reads: value, 1 − value and 1 / (1 − value), each (replicas,) float32, rounded from float64.

    Raises: ValueError for a value out of the number's range.

    >>> value, complement, inverse = stacks({"1.dropout.rate": [0.0, 0.1]})["1.dropout.rate"]
    >>> complement.tolist() == [1.0, float(np.float32(0.9))]
    True
    """
    return {name: _readings(_checked(name, numbers)) for name, numbers in values.items()}


@contextlib.contextmanager
def turned(owner, readings: Mapping[str, Sequence]) -> Iterator[None]:
    """Let the owner compute with tensors in place of these numbers, and put its floats back after.

    An optimizer that is built meanwhile gets the slots of a momentum, whatever its momentum was.

    Args:
        readings: name → (value, complement, inverse), scalar tensors of one replica's `stacks`. Without the inverse, or
            without both, they are computed in float32, which may differ from Keras in the last bit.
    """
    knobs = {}
    for name, reading in readings.items():
        limits = range_of(name)
        knobs[name] = Knob(*reading, low=limits.low, high=limits.high if limits.open_above else math.inf)
    with placed(owner, knobs):
        yield


def assign(owner, values: Mapping[str, float]) -> None:
    """Put floats in for good: the owner then computes with them, and Keras describes and saves it with them.

    What Keras has traced keeps the old numbers, so assign before the first call of `fit`.

    Raises: ValueError for a name that the owner lacks, or a value out of range.
    """
    found = known(owner, values)
    for name, value in values.items():
        _checked(name, [value])
    for name, value in values.items():
        for mapping, key in found[name].places:
            mapping[key] = float(value)


def matching(names: Iterable[str], spec: str) -> list[str]:
    """The names that a user means: by an attribute alone, or by parts of the name in order, the attribute last.

    Raises: ValueError where nothing matches, and where a number of the model and one of the loss or the optimizer do.

    >>> names = ["0.head.kernel_regularizer.l2", "1.dropout.rate", "2.tail.kernel_regularizer.l2", "3.dropout.rate"]
    >>> matching(names, "rate"), matching(names, "tail.l2")
    (['1.dropout.rate', '3.dropout.rate'], ['2.tail.kernel_regularizer.l2'])
    """
    names = list(names)
    found = [name for name in names if _means(spec, name)]
    if not found:
        raise ValueError(
            f"expected one of the numbers {', '.join(names) or '(there are none)'}, got {spec!r}; "
            "what was built with None or a 0 that switches it off cannot be varied: build it with a number above 0"
        )
    if len({_owner(name) for name in found}) > 1:
        raise ValueError(f"expected the name of one number, got {spec!r}, which may mean {' or '.join(found)}")
    return found


def _values(owner) -> dict[str, float]:
    return {name: number.value for name, number in offered(owner).items()}


def _owner(name: str) -> str:
    return name.partition(".")[0] if name.startswith(("loss.", "optimizer.")) else "model"


def _means(spec: str, name: str) -> bool:
    """Whether the spec's parts occur in the name in order, the last of them last."""
    wanted, parts = spec.split("."), name.split(".")
    rest = iter(parts[:-1])
    return wanted[-1] == parts[-1] and all(part in rest for part in wanted[:-1])


def _readings(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    complement = 1 - values
    with np.errstate(divide="ignore"):  # of 1, where no code asks for the inverse
        return tuple(one.astype(np.float32) for one in (values, complement, 1 / complement))


def _checked(name: str, values: Sequence[float]) -> np.ndarray:
    values = np.asarray(values, np.float64)
    for value in values:
        if not range_of(name).has(value):
            raise ValueError(f"expected {name} as {range_of(name)}, got {value:g}")
    return values
