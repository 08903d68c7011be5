"""How good is the best of n random trials? The efficiency curve of a pool of trials that have already been run."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import gammaln

from textbook.seeding import stream

_NOISE_DRAWS = 200


def efficiency(
    pool: pd.DataFrame,
    *,
    target: str,
    lower_is_better: bool = True,
    sizes: Sequence[int] | None = None,
    quantiles: Sequence[float] = (0.1, 0.5, 0.9),
    confidence: float = 0.95,
    test: str | None = None,
    noise: str | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """What experiments of n random trials end with, from one pool of N: the best score and its spread, for every n.

    All C(N, n) subsets of the pool are counted, none is drawn: the trial at rank k is the best of a subset with
    probability C(N−k, n−1) / C(N, n). `best` is the mean over the subsets, an unbiased estimate of the expected best of
    n new trials. Its interval is that of the finite pool: best ± t(⌊N/n⌋ − 1)·s, where s² is the jackknife's variance
    over the pool's trials and ⌊N/n⌋ the number of groups of n that share no trial (Bergstra and Bengio average over
    such groups). It is NaN where the pool is only one group. On normal, uniform, exponential and beta scores with
    N = 32–512 it covers 92 % or more; only for single trials (n = 1) of a pool with a long bad tail, as of losses that
    explode, it covers less (79–91 % on lognormal scores with σ = 1.5).

    A trial without a finite target has failed. It is never the best while another one has a score; a subset of failed
    trials only ends with the worst score of the pool. To count a failure as a guess, fill in the score of a guess.

    Args:
        pool: a row per trial. The trials must be independent draws, as of random search; not a grid, nor Hyperband.
        target: the column to select by, such as a validation loss.
        lower_is_better: False for an accuracy.
        sizes: numbers n of trials, 1…N; by default 1, 2, 4, … up to N.
        quantiles: of the best score over experiments; 0.1 is the value below which one experiment in ten ends.
        confidence: coverage of the intervals.
        test: a column that had no part in the selection; adds the mean test score of the trials that are selected.
            Trials that tie share their mean.
        noise: with `test`, a column with the standard error of each target. Near ties then share the win: with target +
            normal noise as the true ranking, a trial is selected as often as it would be the best (the weights of
            Bergstra and Bengio, averaged over 200 draws of the noise).
        seed: of the noise's draws.

    Returns: a row per size: trials (n), groups (⌊N/n⌋), best, low, high, failed (probability that all n fail), a column
        for each quantile ("q10", "q50", "q90") and, with `test`, test, test_low, test_high.
    Raises: ValueError for missing columns, no finite target, sizes outside 1…N, missing test scores or standard errors.
    Source: Bergstra and Bengio (2012), Random search for hyper-parameter optimization.

    >>> pool = pd.DataFrame({"loss": [0.4, 0.2, 0.3, float("nan")]})
    >>> efficiency(pool, target="loss", sizes=[1, 2], quantiles=[0.5]).round(3)[["trials", "best", "failed", "q50"]]
       trials   best  failed  q50
    0       1  0.325    0.25  0.3
    1       2  0.267    0.00  0.2
    """
    sizes = _checked(pool, [name for name in (target, test, noise) if name], sizes, quantiles, confidence)
    if noise and not test:
        raise ValueError(f"expected a test column beside noise={noise!r}, got none; mend by naming test=")
    given = pool[target].to_numpy(dtype=float)
    finished = np.isfinite(given)
    if not finished.any():
        raise ValueError(f"expected a finite {target!r} in some trial, got none; mend by smaller learning rates")
    key = np.where(finished, given if lower_is_better else -given, np.inf)
    scores = _with_worst(given, key)
    failures = np.count_nonzero(~finished)
    keys = [key]
    if test:
        tests = _with_worst(_finite(pool[test], finished), key)
    if noise:
        errors = np.where(finished, _finite(pool[noise], finished), 0.0)
        rng = stream(seed, "validation noise")
        keys = [key + errors * rng.standard_normal(len(key)) for _ in range(_NOISE_DRAWS)]
    rows = []
    for n in sizes:
        row = {"trials": n, "groups": len(pool) // n}
        row |= dict(zip(("best", "low", "high"), _best_of([key], scores, n, confidence), strict=True))
        row["failed"] = float(1 - _reach(len(pool), n)[len(pool) - failures])
        row |= {
            f"q{100 * q:g}": value for q, value in zip(quantiles, _quantiles(key, scores, n, quantiles), strict=True)
        }
        if test:
            row |= dict(zip(("test", "test_low", "test_high"), _best_of(keys, tests, n, confidence), strict=True))
        rows.append(row)
    return pd.DataFrame(rows)


def _checked(pool, columns, sizes, quantiles, confidence) -> list[int]:
    missing = [name for name in columns if name not in pool]
    if missing:
        raise ValueError(
            f"expected columns {', '.join(missing)}, got {', '.join(map(str, pool.columns))}; mend by naming columns"
        )
    if not all(0 < share < 1 for share in (*quantiles, confidence)):
        raise ValueError(
            f"expected quantiles and a confidence between 0 and 1, got {list(quantiles)} and {confidence}; "
            "mend by values such as 0.5 and 0.95"
        )
    if sizes is None:
        sizes = [2**i for i in range(len(pool).bit_length())]
    wrong = [n for n in sizes if isinstance(n, bool) or not isinstance(n, int | np.integer) or not 1 <= n <= len(pool)]
    if wrong:
        raise ValueError(
            f"expected sizes as whole numbers from 1 to the pool's {len(pool)} trials, got {wrong[0]!r}; "
            "mend by leaving it out or by running more trials"
        )
    return [int(n) for n in sizes]


def _finite(column: pd.Series, finished: np.ndarray) -> np.ndarray:
    values = column.to_numpy(dtype=float)
    gaps = np.count_nonzero(~np.isfinite(values[finished]))
    if gaps:
        raise ValueError(
            f"expected a finite {column.name!r} in every trial that has a target, got {gaps} without; "
            "mend by dropping these trials or filling in"
        )
    return values


def _with_worst(values: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Values in which a failed trial has the (mean) value of the worst trials that finished."""
    finished = np.isfinite(key)
    return np.where(finished, values, values[key == key[finished].max()].mean())


def _reach(trials: int, n: int) -> np.ndarray:
    """Probability that the best of n out of `trials` is among the first k, 1 − C(trials−k, n)/C(trials, n); k = 0…"""
    left = trials - np.arange(trials + 1)
    possible = left >= n
    logs = gammaln(left + 1) - gammaln(np.where(possible, left - n, 0) + 1) - gammaln(trials + 1)
    return 1 - np.where(possible, np.exp(logs + gammaln(trials - n + 1)), 0.0)


def _best_of(keys: list[np.ndarray], values: np.ndarray, n: int, confidence: float) -> tuple[float, float, float]:
    """Mean value of the best of n by key, averaged over keys, with its interval."""
    means, without = zip(*(_mean_and_without(key, values, n) for key in keys), strict=True)
    mean, without = float(np.mean(means)), np.mean(without, axis=0)
    groups = len(values) // n
    if groups < 2:
        return mean, np.nan, np.nan
    variance = (len(values) - 1) * without.var()
    # With few groups the jackknife's variance is itself uncertain, about as much as that of so many group means.
    half = float(stats.t.ppf((1 + confidence) / 2, groups - 1) * np.sqrt(variance))
    return mean, mean - half, mean + half


def _mean_and_without(key: np.ndarray, values: np.ndarray, n: int) -> tuple[float, np.ndarray]:
    """Mean value of the best of n, and the same in the pools that lack one trial; trials with equal keys share."""
    _, tie, count = np.unique(key, return_inverse=True, return_counts=True)
    total = np.bincount(tie, values)
    end = np.cumsum(count)
    start = end - count
    reach = _reach(len(key), n)
    mean = float((reach[end] - reach[start]) @ (total / count))
    if n == len(key):
        return mean, np.full(len(key), mean)
    reach = np.append(_reach(len(key) - 1, n), 1.0)
    ahead = (reach[end] - reach[start]) * total / count  # ties that stay where they are when a worse trial leaves
    behind = (reach[end - 1] - reach[np.maximum(start - 1, 0)]) * total / count  # and those that move up
    others = np.cumsum(ahead) - ahead + behind.sum() - np.cumsum(behind)
    own = (reach[end - 1] - reach[start]) / np.maximum(count - 1, 1)
    return mean, others[tie] + own[tie] * (total[tie] - values)


def _quantiles(key: np.ndarray, scores: np.ndarray, n: int, quantiles: Sequence[float]) -> np.ndarray:
    """Quantiles of the best of n, as scores of the pool."""
    best_first = np.argsort(key, kind="stable")
    weight = np.empty(len(key))
    weight[best_first] = np.diff(_reach(len(key), n))
    upward = np.argsort(scores, kind="stable")
    below = np.cumsum(weight[upward])
    # a sum that should be 0.5 may fall short of it by rounding
    return scores[upward][np.minimum(np.searchsorted(below, np.asarray(quantiles) - 1e-12), len(key) - 1)]
