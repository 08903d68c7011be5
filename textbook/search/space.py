"""Spaces of hyperparameters: checked before a search, mapped from the unit cube, momentum on its own scale."""

import math
from collections.abc import Sequence

import numpy as np

# columns of a search's table, which no hyperparameter may overwrite
COLUMNS = (
    "trial", "status", "score", "best_epoch", "epochs", "stage", "bracket", "round", "parent", "seed", "engine",
    "worker", "seconds", "error",
)  # fmt: skip


def check_space(hp) -> None:
    """Refuse a space that cannot be searched or whose names clash with the columns of the result's table.

    keras-tuner itself refuses an inverted range, an empty `Choice` and a log scale that reaches 0, with messages of its
    own, as soon as the hyperparameter is declared.

    Args:
        hp: a `keras_tuner.HyperParameters`.

    Raises: ValueError for a range that is infinite or holds one value only, a step that is not above 0, a name that is
    a column of the table or begins with "tuner/".

    >>> import keras_tuner
    >>> hp = keras_tuner.HyperParameters()
    >>> _ = hp.Float("rate", 0.1, 0.1)
    >>> check_space(hp)
    Traceback (most recent call last):
    ...
    ValueError: expected a range for 'rate', got 0.1 only; mend by hp.Fixed('rate', 0.1) or by a wider range
    """
    for parameter in hp.space:
        name = parameter.name
        if name in COLUMNS or name.startswith("tuner/"):
            taken = "tuner/…" if name not in COLUMNS else ", ".join(COLUMNS)
            raise ValueError(
                f"expected a hyperparameter's name that no column of the table has, got {name!r}; mend by another name "
                f"than {taken}"
            )
        if not hasattr(parameter, "sampling"):
            continue
        low, high, step = parameter.min_value, parameter.max_value, parameter.step
        if not (math.isfinite(low) and math.isfinite(high)):
            raise ValueError(f"expected a finite range for {name!r}, got {low} to {high}; mend by two numbers")
        if low == high:
            raise ValueError(
                f"expected a range for {name!r}, got {low!r} only; mend by hp.Fixed({name!r}, {low!r}) or by a wider "
                "range"
            )
        if step is not None and not (step > 0 and math.isfinite(step)):
            raise ValueError(f"expected a step above 0 for {name!r}, got {step!r}; mend by leaving it out")


def one_minus(hp, name: str, low: float, high: float, *, default: float | None = None) -> float | None:
    """A hyperparameter that works by its distance from 1, such as a momentum: 1 − 10^r with r uniform.

    Declares the distance as "1 - {name}" on a log scale, which is how the table and the plots show it, and returns the
    value itself. From 0.9 to 0.999, as many trials lie between 0.9 and 0.99 as between 0.99 and 0.999, since the one
    averages over 10 to 100 updates and the other over 100 to 1,000.

    keras-tuner's `sampling="reverse_log"` is another scale: there the distance from low + high is log-uniform between
    low and high. From 0.9 to 0.999 these differ by 11 %, so its draws are nearly uniform: 9 of 10 lie below 0.99.

    Args:
        hp: a `keras_tuner.HyperParameters`.
        name: of the value, such as "momentum".
        low, high: ends of the value's range; below 1.
        default: the value before any search; by default `low`.

    Returns: the value, or None inside an inactive conditional scope.
    Raises: ValueError unless low < high < 1.

    >>> import keras_tuner
    >>> hp = keras_tuner.HyperParameters()
    >>> one_minus(hp, "momentum", 0.9, 0.999)
    0.9
    >>> hp.space[0].name, hp.space[0].min_value, hp.space[0].max_value
    ('1 - momentum', 0.001, 0.1)
    >>> round(1 - hp.space[0].prob_to_value(0.5), 6)
    0.99
    """
    if not low < high < 1:
        raise ValueError(
            f"expected low < high < 1 for {name!r}, got {low!r} and {high!r}; mend for instance by 0.9 and 0.999"
        )
    first = _one_less(low if default is None else default)
    distance = hp.Float(f"1 - {name}", _one_less(high), _one_less(low), sampling="log", default=first)
    return None if distance is None else _one_less(distance)


def _one_less(value: float) -> float:
    """1 − value without the digits that only the subtraction made: 1 − 0.999 is 0.001, not 0.0010000000000000009."""
    return float(f"{1 - value:.12g}")


def values_at(space: Sequence, units: Sequence[float]) -> dict:
    """The hyperparameters' values at a point of the unit cube; inactive ones are left out.

    Each hyperparameter has its own coordinate, whether it is active or not, so which branch a trial takes moves no
    other value.

    Args:
        space: `keras_tuner.HyperParameters().space`, parents before their children.
        units: a number in [0, 1) for each; (hyperparameters,).
    """
    values = {}
    for parameter, unit in zip(space, units, strict=True):
        if all(condition.is_active(values) for condition in parameter.conditions):
            values[parameter.name] = value_at(parameter, float(unit))
    return values


def value_at(parameter, unit: float):
    """keras-tuner's `parameter.prob_to_value(unit)`, but a stepped range keeps its last value (see `steps`)."""
    listed = steps(parameter)
    if listed is None:
        value = parameter.prob_to_value(unit)
        # at the upper end rounding goes beyond the range, and an Int on a log scale by a whole 1
        return min(max(value, parameter.min_value), parameter.max_value) if hasattr(parameter, "sampling") else value
    return listed[min(int(unit * len(listed)), len(listed) - 1)]


def unit_of(parameter, value) -> float:
    """The coordinate of a value in [0, 1]: the inverse of `value_at`, in the middle of the cell of a discrete value."""
    listed = steps(parameter)
    if listed is None:
        return min(max(float(parameter.value_to_prob(value)), 0.0), 1.0)
    return (int(np.argmin(np.abs(np.subtract(listed, value)))) + 0.5) / len(listed)


def steps(parameter) -> list | None:
    """All values of a numerical hyperparameter with a step, None for any other.

    keras-tuner counts the steps of a linear range by `(high - low) // step`, which rounding makes one too few: from 0
    to 1 by 0.2, or by 0.1, it never tries 1.

    >>> import keras_tuner
    >>> stepped = keras_tuner.engine.hyperparameters.Float("drop", 0, 1, step=0.2)
    >>> list(stepped.values)[-1], steps(stepped)[-1]
    (0.8, 1.0)
    """
    if getattr(parameter, "step", None) is None or parameter.sampling != "linear":
        return None if getattr(parameter, "step", None) is None else sorted(parameter.values)
    low, step = parameter.min_value, parameter.step
    return [low + i * step for i in range(int((parameter.max_value - low) / step + 1e-9) + 1)]
