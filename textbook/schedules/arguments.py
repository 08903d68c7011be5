"""The checks that schedules and update rules make of their arguments: each returns the value or refuses it."""

import math
import numbers
from collections.abc import Callable, Iterable, Sequence


def positive(name: str, value) -> float:
    """`value` as a float; ValueError unless it is a finite number above 0."""
    number = _real(name, value)
    if not number > 0:
        raise ValueError(f"expected {name} above 0, got {value!r}; mend by a positive number such as 0.1")
    return number


def nonnegative(name: str, value) -> float:
    """`value` as a float; ValueError unless it is a finite number from 0 up."""
    number = _real(name, value)
    if not number >= 0:
        raise ValueError(f"expected {name} from 0 up, got {value!r}; mend by 0 or a positive number")
    return number


def between(name: str, value, *, low: float, high: float) -> float:
    """`value` as a float; ValueError unless low ≤ value ≤ high."""
    number = _real(name, value)
    if not low <= number <= high:
        raise ValueError(f"expected {name} from {low:g} to {high:g}, got {value!r}; mend by a number in that range")
    return number


def share(name: str, value) -> float:
    """`value` as a float; ValueError unless 0 < value ≤ 1, as a factor of decay is."""
    number = _real(name, value)
    if not 0 < number <= 1:
        raise ValueError(f"expected {name} above 0 and up to 1, got {value!r}; mend by 0.5, for instance, to halve")
    return number


def weight(name: str, value) -> float:
    """`value` as a float; ValueError unless 0 ≤ value < 1, as the weight of the past in a moving average is."""
    number = _real(name, value)
    if not 0 <= number < 1:
        raise ValueError(f"expected {name} from 0 and below 1, got {value!r}; mend by 0.9, for instance")
    return number


def whole(name: str, value, *, least: int, mend: str) -> int:
    """`value` as an int; ValueError unless it is a whole number from `least` up."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
        raise ValueError(f"expected {name} as a whole number from {least} up, got {value!r}; {mend}")
    return int(value)


def above(name: str, value, *, low: float) -> float:
    """`value` as a float; ValueError unless it is a finite number above `low`."""
    number = _real(name, value)
    if not number > low:
        raise ValueError(f"expected {name} above {low:g}, got {value!r}; mend by a larger number")
    return number


def inside(name: str, value, *, low: float, high: float) -> float:
    """`value` as a float; ValueError unless low < value < high."""
    number = _real(name, value)
    if not low < number < high:
        raise ValueError(
            f"expected {name} above {low:g} and below {high:g}, got {value!r}; mend by a number between the two"
        )
    return number


def switch(name: str, value) -> bool:
    """`value`; ValueError unless it is True or False."""
    if not isinstance(value, bool):
        raise ValueError(f"expected {name} as True or False, got {value!r}; mend by one of the two")
    return value


def one_of(name: str, value, choices: Sequence[str]) -> str:
    """`value`; ValueError unless it is one of the choices."""
    if value not in choices:
        raise ValueError(
            f"expected {name} as one of {', '.join(map(repr, choices))}, got {value!r}; mend by one of these"
        )
    return value


def several(name: str, values, check: Callable) -> tuple:
    """`values` as a tuple of one or more, each as `check(name, value)` returns it; ValueError for anything else."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise ValueError(f"expected {name} as a list, got {values!r}; mend by a list such as [first, second]")
    checked = tuple(check(f"{name}[{i}]", value) for i, value in enumerate(values))
    if not checked:
        raise ValueError(f"expected at least one of {name}, got none; mend by a list such as [first, second]")
    return checked


def momenta(value) -> tuple[float, float] | None:
    """`value` as (lowest, highest) momentum, or None; ValueError unless 0 ≤ lowest ≤ highest < 1."""
    if value is None:
        return None
    pair = several("momentum_range", value, weight)
    if len(pair) != 2 or pair[0] > pair[1]:
        raise ValueError(
            f"expected momentum_range as (lowest, highest), got {value!r}; "
            "mend by (0.85, 0.95), or by None for no momentum"
        )
    return pair


def _real(name: str, value) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not math.isfinite(value):
        raise ValueError(f"expected {name} as a finite number, got {value!r}; mend by a number such as 0.1")
    return float(value)
