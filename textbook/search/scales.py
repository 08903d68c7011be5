"""How the values of a hyperparameter lie along a line: on a linear, log or reverse-log scale, or as categories."""

import itertools
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from textbook.search.space import steps

# a numerical hyperparameter with no more values than this is a grid, whose border is its first and last value
_LARGEST_GRID = 12


@dataclass(frozen=True)
class Scale:
    """The line on which a hyperparameter is drawn, measured and extended: its declared range, not the values tried.

    Attributes:
        name: of the hyperparameter.
        kind: "linear", "log", "reverse_log" or "categories".
        low, high: the declared range; NaN for categories that are no numbers.
        whole: whether all values are whole numbers.
        values: all values, where they are few; else (). Categories in the order of their declaration.
        default: what stands in where the hyperparameter is inactive.
        fixed: a single value, which no search varies.
    """

    name: str
    kind: str
    low: float
    high: float
    whole: bool
    values: tuple
    default: object
    fixed: bool

    @property
    def mirror(self) -> float:
        """Of a reverse-log scale: the value v lies at the logarithm of mirror − v, where keras-tuner draws evenly."""
        return self.low + self.high

    @property
    def numeric(self) -> bool:
        """False for categories without an order."""
        return math.isfinite(self.low)

    def straight(self, values) -> np.ndarray:
        """Values on the line where they are drawn evenly: v, log v, −log(mirror − v), or the place in a list.

        NaN or None, where a hyperparameter was inactive, becomes NaN.
        """
        if self.kind == "categories":
            place = {value: float(i) for i, value in enumerate(self.values)}
            return np.array([np.nan if pd.isna(value) else place[value] for value in values])
        numbers = np.asarray(values, dtype=float)
        if self.kind == "log":
            return np.log(numbers)
        return -np.log(self.mirror - numbers) if self.kind == "reverse_log" else numbers

    def back(self, line) -> np.ndarray:
        """The values of a number's scale at places on its line: the inverse of `straight`."""
        line = np.asarray(line, dtype=float)
        if self.kind == "log":
            return np.exp(line)
        return self.mirror - np.exp(-line) if self.kind == "reverse_log" else line

    def unit(self, values) -> np.ndarray:
        """Values mapped to 0 (low end or first category) … 1; 0.5 where there is one value only."""
        ends = (0.0, len(self.values) - 1.0) if self.kind == "categories" else self.straight([self.low, self.high])
        at = self.straight(values)
        return (at - ends[0]) / (ends[1] - ends[0]) if ends[1] > ends[0] else 0 * at + 0.5

    def native(self, value):
        """A table's value as the builder got it: 32.0 from a column with gaps is 32 again, np.str_ a str."""
        value = value.item() if isinstance(value, np.generic) else value
        for listed in self.values:
            if listed == value:
                return listed
        return int(value) if self.whole else value


def scales(space) -> dict[str, Scale]:
    """The scale of each hyperparameter of a `keras_tuner.HyperParameters`, in order of declaration.

    A name that is declared several times, under different conditions, gets a scale that holds all its values.
    """
    named: dict[str, list] = {}
    for hyperparameter in space.space:
        named.setdefault(hyperparameter.name, []).append(hyperparameter)
    return {name: _scale(name, declared) for name, declared in named.items()}


def _scale(name: str, declared: list) -> Scale:
    default = declared[0].default
    if all(hasattr(one, "sampling") for one in declared):
        low, high = min(one.min_value for one in declared), max(one.max_value for one in declared)
        kinds = {one.sampling for one in declared}
        whole = all(isinstance(edge, int) for one in declared for edge in (one.min_value, one.max_value))
        values = _few(declared[0]) if len(declared) == 1 else ()
        kind = kinds.pop() if len(kinds) == 1 else "linear"
        return Scale(name, kind, float(low), float(high), whole, values, default, low == high)
    values = tuple(dict.fromkeys(itertools.chain.from_iterable(one.values for one in declared)))
    # numbers to choose from are in an order, unless their declaration says that they are not
    ordered = all(getattr(one, "ordered", False) for one in declared)
    low, high = (float(min(values)), float(max(values))) if ordered else (math.nan, math.nan)
    whole = ordered and all(isinstance(value, int) for value in values)
    return Scale(name, "categories", low, high, whole, values, default, len(values) == 1)


def _few(numerical) -> tuple:
    """All values of a stepped hyperparameter, if they are few."""
    values = tuple(steps(numerical) or ())
    if isinstance(numerical.min_value, int):
        values = tuple(map(int, values))  # keras-tuner multiplies whole numbers in floats and cuts them when it draws
    return values if len(values) <= _LARGEST_GRID else ()
