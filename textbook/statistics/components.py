"""Where the spread comes from: variance components of a balanced design with crossed random factors."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class VarianceComponent:
    """One source of variance: its variance (unit²), its share of the total, and the 95 % interval of each."""

    source: str
    variance: float
    interval: tuple[float, float]
    share: float
    share_interval: tuple[float, float]


def variance_components(
    table: pd.DataFrame, value: str, factors, *, resamples: int = 2000, seed: int = 0
) -> tuple[VarianceComponent, ...]:
    """Splits the variance of `value` over crossed random factors and their interactions.

    The model is y = mean + Σ effects, with an independent random effect for each factor and each interaction; the
    interaction of all the factors is what is left ("residual"). The analysis of variance gives a mean square MS(S) for
    each set S of factors, whose expectation is Σ over T ⊇ S of σ²(T) · (number of rows for each combination of T's
    levels); solving from the largest set down gives the estimates. They are unbiased as long as none is cut at zero;
    the negative ones, which mean "too small to see", are reported as 0.

    Intervals are parametric bootstraps: in a balanced normal design the mean squares are independent, with
    df·MS/E[MS] distributed as χ²(df); redrawing them and solving again gives the spread of variances and shares.

    Args:
        table: one row for each combination of levels, e.g. 8 splits × 8 initial weights × 4 orders.
        value: column of the measured value.
        factors: two or more columns, e.g. ("split_seed", "weights_seed", "order_seed").
        resamples: draws of the bootstrap.
        seed: of the bootstrap's own generator.

    Returns: a component for each factor, then for each interaction ("split_seed × weights_seed"), then "residual".

    Raises: ValueError for a design that is not balanced and complete, or values that are not finite.
    """
    factors = tuple(factors)
    response = _balanced(table, value, factors)
    levels = response.shape
    subsets = [s for size in range(1, len(factors) + 1) for s in combinations(range(len(factors)), size)]
    squares, freedom = _mean_squares(response, subsets)
    estimates = _solve(squares, subsets, levels)

    draws = np.random.default_rng(seed).chisquare(freedom, (resamples, len(subsets))) / freedom
    # Redrawn around the estimated expectations: E[MS] is at least that of the components cut at zero.
    expected = _expectations(np.maximum(estimates, 0.0), subsets, levels)
    resampled = np.maximum(_solve(draws * expected, subsets, levels), 0.0)
    estimates = np.maximum(estimates, 0.0)
    shares, resampled_shares = _shares(estimates), _shares(resampled)
    names = [" × ".join(factors[i] for i in s) for s in subsets[:-1]] + ["residual"]
    return tuple(
        VarianceComponent(
            name, float(estimates[i]), _middle(resampled[:, i]), float(shares[i]), _middle(resampled_shares[:, i])
        )
        for i, name in enumerate(names)
    )


def _balanced(table, value, factors):
    """The values as an array with one axis per factor."""
    missing = [column for column in (value, *factors) if column not in table.columns]
    if missing:
        raise ValueError(f"expected columns {missing}, got {list(table.columns)}: name columns of the table")
    if len(factors) < 2 or len(set(factors)) < len(factors):
        raise ValueError(f"expected two or more different factors, got {factors}: cross at least two kinds of seed")
    levels = [np.sort(table[factor].unique()) for factor in factors]
    rows = table.set_index(list(factors))[value]
    complete = int(np.prod([len(level) for level in levels]))
    if min(len(level) for level in levels) < 2 or len(rows) != complete or rows.index.has_duplicates:
        raise ValueError(
            f"expected one row for each of {' × '.join(str(len(level)) for level in levels)} combinations of two or "
            f"more levels, got {len(rows)} rows: select one condition and epoch of a complete crossed design"
        )
    response = rows.reindex(pd.MultiIndex.from_product(levels)).to_numpy(dtype=float)
    if not np.isfinite(response).all():
        raise ValueError("expected finite values, got some that are not: give diverged runs the level of a guess")
    return response.reshape([len(level) for level in levels])


def _mean_squares(response, subsets):
    axes = range(response.ndim)
    squares, freedom = [], []
    for subset in subsets:
        # The effect of a set of factors: means over the others, with every smaller set's effect taken off.
        effect = response.mean(axis=tuple(a for a in axes if a not in subset), keepdims=True)
        for axis in subset:
            effect = effect - effect.mean(axis=axis, keepdims=True)
        degrees = int(np.prod([response.shape[a] - 1 for a in subset]))
        squares.append(response.size / effect.size * (effect**2).sum() / degrees)
        freedom.append(degrees)
    return np.array(squares), np.array(freedom)


def _replication(subset, levels):
    """How many rows share one combination of the levels of these factors."""
    return float(np.prod([n for axis, n in enumerate(levels) if axis not in subset]))


def _expectations(components, subsets, levels):
    return np.array(
        [
            sum(components[j] * _replication(t, levels) for j, t in enumerate(subsets) if set(s) <= set(t))
            for s in subsets
        ]
    )


def _solve(squares, subsets, levels):
    """Components from mean squares, (…, subsets): the larger sets first, since they stand in the smaller ones."""
    components = np.zeros_like(squares)
    for i in sorted(range(len(subsets)), key=lambda i: -len(subsets[i])):
        above = sum(
            components[..., j] * _replication(t, levels) for j, t in enumerate(subsets) if set(subsets[i]) < set(t)
        )
        components[..., i] = (squares[..., i] - above) / _replication(subsets[i], levels)
    return components


def _shares(components):
    total = components.sum(axis=-1, keepdims=True)
    return np.divide(components, total, out=np.zeros_like(components), where=total > 0)


def _middle(draws):
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)
