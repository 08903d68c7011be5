"""Centred differences of many weights, with a second and a third look where a first one cannot be trusted."""

from dataclasses import dataclass

import numpy as np

_SHRINK = 8.0
_SURE = 10.0  # so many standard deviations of rounding are taken for rounding


@dataclass
class Slopes:
    """Numerical gradients at some weights, for each term of the loss.

    Attributes:
        numeric: (weights, terms).
        error: (weights, terms), how far rounding may put each of them off.
        step: (weights,), half the distance between the two points of each difference.
        crossed: (weights,), whether a kink lay between the two points at the first step.
        apart: (weights,), whether one still does at the smallest step.
        open: (weights, terms), whether the slopes on both sides differ by something that no smooth function does, and
            the analytic gradient lies between them: a kink that was not seen.
    """

    numeric: np.ndarray
    error: np.ndarray
    step: np.ndarray
    crossed: np.ndarray
    apart: np.ndarray
    open: np.ndarray


class Differences:
    """Centred differences of an evaluation's terms.

    Args:
        pairs: (indices, plus, minus) → (terms above, terms below, crossed a kink).
        weights: flat, in the dtype that is computed in.
        sigma: rounding noise of each term near the weights of each tensor, (tensors, terms).
        starts: index of each tensor's first weight, (tensors,).
    """

    def __init__(self, pairs, weights: np.ndarray, *, sigma: np.ndarray, starts):
        self._pairs, self._weights, self._sigma, self._starts = pairs, weights, sigma, np.asarray(starts)

    def at(self, indices, h: float):
        """(slopes, their rounding errors, crossed) at step h."""
        w, step = self._steps(indices, h)
        plus, minus = w + step, w - step
        above, below, crossed = self._pairs(indices, plus, minus)
        width = (plus.astype(np.float64) - minus)[:, None]  # what the two points differ by once they are rounded
        difference = above.astype(np.float64) - below
        return difference / width, self._rounding(indices) / width, crossed

    def one_sided(self, indices, h: float):
        """Slopes from each weight to the point above it, and from the point below, and their rounding errors."""
        w, step = self._steps(indices, h)
        above, below, _ = self._pairs(indices, w + step, w - step)
        middle, _, _ = self._pairs(indices, w, w)
        above, middle, below = (part.astype(np.float64) for part in (above, middle, below))
        up, down = ((w + step).astype(np.float64) - w)[:, None], (w.astype(np.float64) - (w - step))[:, None]
        return (above - middle) / up, (middle - below) / down, self._rounding(indices) / up

    def _rounding(self, indices) -> np.ndarray:
        """How far rounding may put the difference of two values off, (weights, terms)."""
        return _SURE * np.sqrt(2) * self._sigma[np.searchsorted(self._starts, indices, side="right") - 1]

    def _steps(self, indices, h: float):
        """The weights and their steps: h, or h·|w| for weights above 1, beside which h might be rounded away."""
        w = self._weights[indices]
        return w, np.asarray(h, dtype=w.dtype) * np.maximum(np.abs(w), 1)


def measure_slopes(differences: Differences, indices, analytic, *, h: float, retries: int, limit: float) -> Slopes:
    """Numerical gradients: at step h; with smaller steps where a kink was crossed; a third look where they disagree.

    Args:
        indices: of weights, flat, (weights,).
        analytic: gradients to agree with, (weights, terms).
        h: first step.
        retries: how often a step that crosses a kink is made 8 times smaller.
        limit: relative error above which a third look is taken.
    """
    numeric, error, crossed = differences.at(indices, h)
    step, apart = np.full(len(indices), h), crossed.copy()
    for retry in range(1, retries + 1):
        again = np.flatnonzero(apart)
        if not len(again):
            break
        smaller = h / _SHRINK**retry
        slopes, rounding, still = differences.at(indices[again], smaller)
        numeric[again], error[again], step[again], apart[again] = slopes, rounding, smaller, still
    found = Slopes(numeric, error, step, crossed, apart, np.zeros_like(analytic, dtype=bool))
    off = np.abs(analytic - numeric) > error + limit * np.maximum(np.abs(analytic), np.abs(numeric))
    doubtful = np.flatnonzero(off.any(axis=1) & ~apart)
    for at_step in np.unique(step[doubtful]):
        _look_again(differences, found, indices, analytic, doubtful[step[doubtful] == at_step], limit=limit)
    return found


def _look_again(differences, found: Slopes, indices, analytic, places, *, limit: float) -> None:
    """Take the curvature out of the slopes at these places, and mark those that a smooth function does not have."""
    h, here = found.step[places[0]], indices[places]
    far, a = found.numeric[places], analytic[places]
    half, _, _ = differences.at(here, h / 2)
    near, rounding, _ = differences.at(here, h / 4)
    rounding = np.broadcast_to(rounding, far.shape)
    above, below, one_sided_rounding = differences.one_sided(here, h / 4)
    low, high = np.minimum(above, below), np.maximum(above, below)
    curved = np.abs(far - near) > rounding
    # D(h) = f′ + c·h² of a smooth function: half the step leaves a quarter of the error
    smooth = curved & _between(3.0, far - half, 5.5, half - near)
    jump = high - low > one_sided_rounding + np.maximum(limit, 1e-2) * np.maximum(np.abs(low), np.abs(high))
    between = (low - one_sided_rounding <= a) & (a <= high + one_sided_rounding)
    found.open[places] = jump & between & ~smooth
    better = np.where(smooth, (16 * near - far) / 15, near)
    found.numeric[places] = np.where(curved, better, far)
    found.error[places] = np.where(curved, rounding * 16 / 15, found.error[places])


def _between(low: float, numerator, high: float, denominator) -> np.ndarray:
    """Whether low < numerator / denominator < high."""
    ratio = np.divide(numerator, denominator, out=np.full_like(numerator, np.nan), where=denominator != 0)
    return (low < ratio) & (ratio < high)
