"""What a gradient check says of a tensor: pass, suspicious, wrong, or that it could not be checked."""

from dataclasses import dataclass

import numpy as np

PASS, SUSPICIOUS, WRONG, UNCHECKED = "pass", "suspicious", "wrong", "could not be checked"

DATA, PENALTY, TOTAL = "data", "penalty", "total"  # terms of a loss; the total where nobody can tell them apart

CHECKED, ZERO, KINK, NOISE, OPEN, BROKEN = (
    "checked",
    "both zero",
    "kink",
    "below rounding",
    "unseen kink",
    "not finite",
)


@dataclass(frozen=True)
class Limits:
    """Relative errors below `passing` pass, up to `wrong` are suspicious, above it wrong.

    Source: cs231n, "Neural Networks Part 3": above 1e-2 probably wrong, below 1e-4 fine with kinks, below 1e-7 fine
    without. It allows deeper networks more; that is true of float32 only, since in float64 a hundred layers lose
    nothing that could be seen beside 1e-7.
    """

    passing: float
    wrong: float

    @classmethod
    def of(cls, dtype: str, *, depth: int, kinks: bool) -> "Limits":
        """For a precision and a network of so many layers with weights.

        >>> Limits.of("float64", depth=10, kinks=True)
        Limits(passing=0.0001, wrong=0.01)
        >>> Limits.of("float32", depth=10, kinks=True)
        Limits(passing=0.001, wrong=0.1)
        """
        if dtype == "float64":
            return cls(1e-4 if kinks else 1e-7, 1e-2)
        return cls(round(1e-4 * max(depth, 1), 12), round(min(1e-2 * max(depth, 1), 0.2), 12))


def states(analytic, numeric, error, *, apart, unseen, scale, limits: Limits) -> np.ndarray:
    """What each compared gradient is good for, (weights,) of words.

    Args:
        analytic, numeric: gradients of one term, (weights,).
        error: how far rounding may put numeric off, (weights,).
        apart, unseen: where a kink lies between the two points, known or inferred.
        scale: the largest gradient of this term in the model; a gradient of which no more can be told than that it is
            nothing beside this one agrees with 0.
    """
    size = np.maximum(np.abs(analytic), np.abs(numeric))
    off = np.abs(analytic - numeric) - error > limits.passing * size
    told = np.where((error <= 0.1 * size) | off | (error <= limits.passing * scale), CHECKED, NOISE)
    told = np.where((analytic == 0) & (numeric == 0), ZERO, told)
    told = np.where(unseen, OPEN, told)
    told = np.where(apart, KINK, told)
    return np.where(np.isfinite(analytic) & np.isfinite(numeric), told, BROKEN)


def excess(analytic, numeric, error) -> np.ndarray:
    """Relative error beyond what rounding explains: max(0, |a − n| − error) / max(|a|, |n|), 0 where both are 0.

    >>> excess(np.array([1.0, 1.0]), np.array([1.1, 1.3]), np.array([0.2, 0.2])).round(3).tolist()
    [0.0, 0.077]
    """
    size = np.maximum(np.abs(analytic), np.abs(numeric))
    beyond = np.maximum(np.abs(analytic - numeric) - error, 0)
    return np.divide(beyond, size, out=np.zeros_like(size), where=size > 0)


def verdict(state, beyond, limits: Limits, *, broken: bool) -> str:
    """Of one tensor, from its weights' states and excess errors.

    Args:
        broken: its analytic gradient is not finite somewhere.
    """
    if broken:
        return WRONG
    counted = np.isin(state, (CHECKED, ZERO))
    if not counted.any():
        return UNCHECKED
    worst = beyond[counted].max()
    return WRONG if worst > limits.wrong else SUSPICIOUS if worst > limits.passing else PASS
