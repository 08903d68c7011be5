"""How much rounding scatters a computed loss, measured and not guessed."""

import math

import numpy as np

_POINTS = 8
_ORDER = 4


def noise(values: np.ndarray) -> np.ndarray:
    """The standard deviation of the rounding errors in values at equally spaced points a tiny way apart.

    A smooth function's fourth differences vanish with the fourth power of the spacing; what is left of them is
    rounding: σ² = (4!)²/8! · mean of their squares.

    Args:
        values: (…, points), at least five points.

    Source: Moré and Wild, "Estimating computational noise", SIAM J. Sci. Comput. 33 (2011).

    >>> grid = np.linspace(0, 1e-4, 8)
    >>> scattered = np.sin(grid) + 1e-9 * np.random.default_rng(0).normal(size=(1000, 8))
    >>> 0.9e-9 < float(np.sqrt(np.mean(noise(scattered) ** 2))) < 1.1e-9
    True
    """
    fourth = np.diff(np.asarray(values, dtype=np.float64), n=_ORDER, axis=-1)
    factor = math.factorial(_ORDER) ** 2 / math.factorial(2 * _ORDER)
    return np.sqrt(factor * (fourth**2).mean(axis=-1))


def measured_noise(pairs, weights: np.ndarray, groups: list[np.ndarray], *, spacing: float) -> np.ndarray:
    """The rounding noise of each term near the weights of each group: the median over those that the term answers to.

    A kink within the few points of one weight would look like noise: weights that are known to cross one are left out,
    and of the others the median is taken. It is at least the median of all groups, since a few weights of one group may
    have scattered little by chance.

    Args:
        pairs: an evaluation's function, (indices, plus, minus) → (terms, terms, crossed).
        weights: flat, in the dtype that is computed in.
        groups: for each tensor, indices of some of its weights.

    Returns: (groups, terms), at least a quarter of a unit in the last place of each term.
    """
    indices = np.concatenate(groups)
    steps = (np.arange(_POINTS // 2) + 0.5) * spacing
    many = np.repeat(indices, len(steps))
    moves = (np.tile(steps, len(indices)) * np.maximum(np.abs(weights[many]), 1)).astype(weights.dtype)
    above, below, crossed = pairs(many, weights[many] + moves, weights[many] - moves)
    above, below = (side.astype(np.float64).reshape(len(indices), len(steps), -1) for side in (above, below))
    line = np.concatenate([below[:, ::-1], above], axis=1)
    spread = noise(np.moveaxis(line, 1, -1))
    spread[crossed.reshape(len(indices), -1).any(axis=1)] = np.nan
    least = np.finfo(weights.dtype).eps * np.abs(line).max(axis=(0, 1)) / 4
    found = []
    for group in np.split(spread, np.cumsum([len(group) for group in groups])[:-1]):
        answering = [column[np.isfinite(column) & (column > 0)] for column in group.T]
        found.append([max(np.median(c) if len(c) else 0.0, low) for c, low in zip(answering, least, strict=True)])
    found = np.array(found)
    return np.maximum(found, np.median(found, axis=0))
