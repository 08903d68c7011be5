"""The checks that schedules and update rules make of their arguments: each returns the value or refuses it."""

import math
import numbers


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


def _real(name: str, value) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not math.isfinite(value):
        raise ValueError(f"expected {name} as a finite number, got {value!r}; mend by a number such as 0.1")
    return float(value)
