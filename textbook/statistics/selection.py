"""Choosing the best of k runs: what the choice seems to gain, and what is left of it on other data."""

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Selection:
    """Means over all ways to take k of the runs and keep the best, less the mean run.

    Attributes:
        apparent: gain in the score that chose.
        real: gain in a score that had no part in the choice.
    """

    apparent: float
    real: float

    @property
    def optimism(self) -> float:
        """By how much the choice's own score overstates what was gained: apparent − real."""
        return self.apparent - self.real


def best_of(chosen_by, judged_by, k: int) -> Selection:
    """The gain of keeping the best of k runs, by the score that chooses and by another one.

    Every subset of k runs counts alike: sorted by the first score, the run at rank r (0 is the best) is the best of
    C(n−1−r, k−1) of the C(n, k) subsets. Runs that tie in the first score share their second scores' mean.

    Args:
        chosen_by: one score per run, higher is better, such as validation accuracy.
        judged_by: another score of the same runs, such as accuracy on a test set that nobody looked at.
        k: how many runs are tried, 1…n; best_of(…, k=1) gains nothing.

    >>> gain = best_of([0.90, 0.92, 0.94], [0.91, 0.93, 0.90], 3)
    >>> round(gain.apparent, 4), round(gain.real, 4), round(gain.optimism, 4)
    (0.02, -0.0133, 0.0333)
    """
    chosen_by, judged_by = np.asarray(chosen_by, dtype=float), np.asarray(judged_by, dtype=float)
    n = len(chosen_by)
    if chosen_by.ndim != 1 or judged_by.shape != chosen_by.shape:
        raise ValueError(f"expected two scores per run, got arrays of shape {chosen_by.shape} and {judged_by.shape}")
    if not (np.isfinite(chosen_by).all() and np.isfinite(judged_by).all()):
        raise ValueError("expected finite scores, got some that are not: give diverged runs the score of a guess")
    if not 1 <= k <= n:
        raise ValueError(f"expected k from 1 to {n}, the number of runs, got {k}")
    _, group = np.unique(chosen_by, return_inverse=True)
    shared = np.bincount(group, judged_by) / np.bincount(group)
    best_first = np.argsort(-chosen_by, kind="stable")
    weights = np.array([math.comb(n - 1 - rank, k - 1) for rank in range(n)]) / math.comb(n, k)
    return Selection(
        apparent=float(weights @ chosen_by[best_first] - chosen_by.mean()),
        real=float(weights @ shared[group[best_first]] - judged_by.mean()),
    )
