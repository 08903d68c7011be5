"""Moments on a clock that rounds: an update that is meant to be the first of something has to be the first of it."""

import math

import numpy as np


def rounding(xp) -> float:
    """The distance of 1 to the next number, where `xp` computes: float64 in NumPy, float32 in the graph."""
    return float(np.finfo(np.float64 if xp is np else np.float32).eps)


def reached(t, moment: float, xp):
    """Whether t ≥ moment, with t = 0.3 counted as having reached a moment of 3 · 0.1, as `step.periods` counts."""
    return t * (1 + 2 * rounding(xp)) >= moment


def since(t, start: float, *, updates: int, xp):
    """The time since `start`, 0 before it: the clock of a schedule that begins there.

    Subtracting keeps the rounding of t and loses its digits: 100.4 − 100.1 is 0.30000000000001137, and other pairs
    fall as far below. Where t is a whole number of updates but for its rounding, updates are counted instead; anything
    else is lifted by its rounding, so that no floor that follows is late.

    Args:
        t: an array of the namespace `xp`.
        start: in t's unit.
        updates: in one unit of t.
    """
    # of the updates before the start, the part of one is kept by itself: it would cost the count its digits
    before = start * updates
    whole = math.floor(before + 1e-9 * max(before, 1.0))
    part = before - whole if before - whole > 1e-9 * max(before, 1.0) else 0.0
    noise = 4 * rounding(xp) * t
    update = xp.round(t * updates)
    counted = ((update - whole) - part) / updates
    if part:  # rounded itself, as `start` is
        counted = counted * (1 + rounding(xp)) + 4 * rounding(np) * start
    return xp.maximum(xp.where(xp.abs(t - update / updates) <= noise, counted, t - start + noise), 0.0)
