"""How far the distribution of what a layer gets moves, by mean and spread: internal covariate shift in numbers."""

import numpy as np


def moment_drift(before, after) -> np.ndarray:
    """How far the units' means and standard deviations have moved, in units of their spread.

        √( Σ (Δmean)² + Σ (Δsd)² ) / √( Σ sd² ),  sums over the units, sd of `before`

    The numerator is the 2-Wasserstein distance between independent normal distributions with those means and standard
    deviations. 0 is no shift; at 1 the distribution has moved by as much as it is wide. What a correlation or a skew
    changes is not seen.

    Args:
        before, after: what the layer gets for the same rows at two moments, (…, rows, units), of one shape.

    Returns: (…,). Where no unit of `before` has any spread, 0 if nothing moved and infinity else.
    Raises: ValueError for different shapes, and for fewer than two axes.

    >>> before = np.array([[-1.0], [1.0]])  # mean 0, standard deviation 1
    >>> float(moment_drift(before, before + 0.5)), float(moment_drift(before, 3 * before))
    (0.5, 2.0)

    Source: Ioffe and Szegedy (2015), section 2, for the idea; the distance is that of Dowson and Landau (1982).
    """
    before, after = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    if before.shape != after.shape or before.ndim < 2:
        raise ValueError(
            f"expected two arrays (…, rows, units) of one shape, got {before.shape} and {after.shape}; mend by the "
            "same rows at both moments"
        )
    (mean, sd), (new_mean, new_sd) = _moments(before), _moments(after)
    moved = np.sqrt(((new_mean - mean) ** 2).sum(axis=-1) + ((new_sd - sd) ** 2).sum(axis=-1))
    spread = np.sqrt((sd**2).sum(axis=-1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(moved == 0, 0.0, moved / spread)[()]


def _moments(values):
    return values.mean(axis=-2), values.std(axis=-2)
