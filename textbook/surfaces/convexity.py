"""The definition of convexity as a test: the surface must lie on or below each of its chords."""

import numpy as np


def chord_gaps(surface, starts, ends, thetas):
    """f(θa + (1 − θ)b) − (θ f(a) + (1 − θ) f(b)): how far the surface lies above the chord from a to b.

    Args:
        surface: one of `textbook.surfaces`, or a function of points (…, weights) with values (…).
        starts, ends: a and b, (chords, weights) each.
        thetas: shares θ of a along each chord, from 0 to 1; (thetas,).

    Returns: (chords, thetas). A convex surface has no value above 0, a strictly convex one only values below 0 inside
    a chord. One above 0 refutes convexity; none above 0 proves nothing beyond the chords tried.

    >>> from textbook.surfaces import DoubleWell, Quadratic
    >>> chord_gaps(Quadratic((1,)), [[-1]], [[1]], [0.5]).tolist()
    [[-0.5]]
    >>> chord_gaps(DoubleWell(), [[-1]], [[1]], [0.5]).tolist()
    [[0.25]]
    """
    value = getattr(surface, "value", surface)
    a, b, theta = (np.asarray(given, dtype=np.float64) for given in (starts, ends, thetas))
    if a.ndim != 2 or a.shape != b.shape:
        raise ValueError(f"expected starts and ends (chords, weights), got {a.shape} and {b.shape}; mend by as many")
    if theta.ndim != 1 or not np.all((theta >= 0) & (theta <= 1)):
        raise ValueError(f"expected a list of thetas from 0 to 1, got {thetas!r}; mend by np.linspace(0, 1, 9)")
    between = theta[:, None] * a[:, None] + (1 - theta[:, None]) * b[:, None]
    return value(between) - (theta * value(a)[:, None] + (1 - theta) * value(b)[:, None])


def chord_violations(surface, starts, ends, thetas):
    """The gaps above 0 of `chord_gaps`, (chords, thetas), with 0 where the surface lies on or below the chord.

    Gaps that rounding alone can make (64 units in the last place of the chord's ends) count as 0.

    >>> from textbook.surfaces import Quadratic
    >>> chord_violations(Quadratic((1, 25)), [[1, 0.1], [3, 4]], [[2, 0.2], [-5, 4]], [0.3, 0.5]).max().item()
    0.0
    """
    value = getattr(surface, "value", surface)
    gaps = chord_gaps(surface, starts, ends, thetas)
    sizes = 1 + np.maximum(np.abs(value(np.asarray(starts, float))), np.abs(value(np.asarray(ends, float))))
    return np.where(gaps > 64 * np.finfo(np.float64).eps * sizes[:, None], gaps, 0.0)
