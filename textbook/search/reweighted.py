"""What random search would have found had it drawn from another distribution: a pool of trials, weighted anew."""

import numpy as np


def expected_best(scores, weights, trials: int, *, of=None) -> float:
    """The expected best score of n trials that are drawn from a pool with these weights, with replacement.

    The best of n is among the k best of all with probability 1 − (1 − W_k)ⁿ, W_k being their share of the weight; so
    every draw is counted and none is made. For a pool that was drawn from a density q, trials drawn from p instead have
    the weights p/q: where rates are even on a log scale, weights that are proportional to the rate make them even on a
    linear one. Few trials with nearly all of the weight say little: look at (Σ weights)²/Σ weights².

    Args:
        scores: to select by, lower is better; (trials of the pool,). A failed trial needs a number, such as a guess's.
        weights: at least 0, not all 0; (trials of the pool,).
        trials: n, a whole number from 1 up.
        of: what to report of the trial that is selected, such as its test loss; by default its score.

    Raises: ValueError for scores or weights that are none, or that differ in number.

    >>> expected_best([0.2, 0.4], [1, 1], 2)  # 0.4 only if both draws are 0.4: a quarter
    0.25
    >>> expected_best([0.25, 0.5], [1, 3], 1)
    0.4375
    """
    scores, weights = np.asarray(scores, dtype=float), np.asarray(weights, dtype=float)
    reported = scores if of is None else np.asarray(of, dtype=float)
    if scores.ndim != 1 or scores.shape != weights.shape or scores.shape != reported.shape or not len(scores):
        raise ValueError(
            f"expected a score, a weight and a value for each trial, got {scores.shape}, {weights.shape} and "
            f"{reported.shape}; mend by arrays of one length"
        )
    if not (np.isfinite(scores).all() and np.isfinite(reported).all()):
        raise ValueError("expected finite scores, got some that are not; mend by the score of a guess where it failed")
    if not np.isfinite(weights).all() or weights.min() < 0 or weights.sum() == 0:
        raise ValueError(f"expected weights of at least 0, not all 0, got {weights.min():g} to {weights.max():g}")
    if isinstance(trials, bool) or not isinstance(trials, int | np.integer) or trials < 1:
        raise ValueError(f"expected a whole number of trials from 1 up, got {trials!r}")
    order = np.argsort(scores, kind="stable")
    among = np.minimum(np.cumsum(weights[order]) / weights.sum(), 1)
    reached = 1 - (1 - among) ** trials
    return float(np.diff(reached, prepend=0) @ reported[order])
