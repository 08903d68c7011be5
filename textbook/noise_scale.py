"""The gradient noise scale: how large a batch has to be before its gradient is more signal than noise."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from textbook.schedules.arguments import whole

_GROUPS = 10


@dataclass(frozen=True)
class NoiseScale:
    """What batches of two sizes tell about the gradient.

    Attributes:
        small, big: rows of a small batch, and of all of them together.
        gradient_squared: |G|², the squared length of the true gradient; unbiased, hence below 0 now and then.
        noise: tr Σ, the summed variance of one row's gradient; unbiased.
        noise_scale: B = tr Σ / |G|², in rows; NaN where |G|² came out at or below 0.
        low, high: 95 % interval of B; NaN where it cannot be told.
    """

    small: int
    big: int
    gradient_squared: float
    noise: float
    noise_scale: float
    low: float
    high: float


def noise_scale(gradients: Iterable[np.ndarray], *, small: int) -> NoiseScale:
    """B = tr Σ / |G|² from the gradients of K disjoint batches of `small` rows; their mean is the big batch's, K·small.

    tr Σ = (mean |g_small|² − |g_big|²) / (1/small − 1/big) and |G|² = (big·|g_big|² − small·mean |g_small|²) /
    (big − small). Their ratio is the batch size at which one step is worth √½ of the true gradient's. The interval
    is a jackknife of log B over ten groups of batches (fewer batches, fewer groups); in memory are ten gradients.

    Args:
        gradients: flat arrays of equal length, one a batch; two at least. A generator will do.
        small: rows of each batch.

    Raises: ValueError for fewer than two gradients, or arrays that are not flat and equally long.

    Source: McCandlish, Kaplan, Amodei (2018), An Empirical Model of Large-Batch Training, appendix A.1.

    >>> found = noise_scale([np.array([3.0, 1.0]), np.array([3.0, -1.0])], small=4)
    >>> found.noise, found.gradient_squared, found.big
    (8.0, 8.0, 8)
    """
    small = whole("small", small, least=1, mend="mend by a batch size such as 32")
    count, squares, sums = np.zeros(_GROUPS), np.zeros(_GROUPS), None
    for k, gradient in enumerate(gradients):
        gradient = np.asarray(gradient, dtype=np.float64)
        sums = np.zeros((_GROUPS, gradient.size)) if sums is None else sums
        if gradient.shape != (sums.shape[1],):
            raise ValueError(
                f"expected flat gradients of {sums.shape[1]} numbers, got one of shape {gradient.shape}; "
                "mend by np.concatenate([part.ravel() for part in gradient])"
            )
        group = k % _GROUPS
        count[group] += 1
        squares[group] += gradient @ gradient
        sums[group] += gradient
    batches = int(count.sum())
    if batches < 2:
        raise ValueError(f"expected at least two gradients, got {batches}; mend by more rows or smaller batches")
    signal, noise = _unbiased(batches, squares.sum(), sums.sum(axis=0), small)
    scale = noise / signal if signal > 0 else math.nan
    used = [group for group in range(_GROUPS) if count[group]]
    without = []
    for group in used if batches > 2 else ():
        others = [other for other in used if other != group]
        if count[others].sum() >= 2:
            left_signal, left_noise = _unbiased(
                int(count[others].sum()), squares[others].sum(), sums[others].sum(axis=0), small
            )
            without.append(left_noise / left_signal if left_signal > 0 else math.nan)
    low, high = _jackknife(scale, without)
    return NoiseScale(small, batches * small, float(signal), float(noise), float(scale), low, high)


def _unbiased(batches: int, squares: float, total: np.ndarray, small: int) -> tuple[float, float]:
    """|G|² and tr Σ from the sum of |g|² and the sum of g over the batches."""
    big = batches * small
    mean_small, of_big = squares / batches, float(total @ total) / batches**2
    noise = (mean_small - of_big) / (1 / small - 1 / big)
    return (big * of_big - small * mean_small) / (big - small), noise


def _jackknife(scale: float, without: list[float]) -> tuple[float, float]:
    """The 95 % interval of the scale on the log axis, from its values without one group each."""
    values = np.array([scale, *without])
    if len(without) < 3 or not (np.isfinite(values).all() and (values > 0).all()):
        return math.nan, math.nan
    logs, n = np.log(values[1:]), len(without)
    half = student.ppf(0.975, n - 1) * math.sqrt((n - 1) / n * ((logs - logs.mean()) ** 2).sum())
    return float(scale * math.exp(-half)), float(scale * math.exp(half))


def noise_scale_of(gradient, x, y=None, *, small: int, big: int | None = None, seed=0) -> NoiseScale:
    """`noise_scale` of a model at given data: disjoint batches drawn from the rows without putting back.

    Args:
        gradient: a `textbook.gradients.LossGradient` of the model.
        x, y: arrays (or structures of arrays) of equally many rows, taken as a sample of all data there could be.
        small: rows of a small batch.
        big: rows looked at in all; by default as many whole batches as x has. Rows beyond the last whole batch are not.
        seed: of the draw, a number or a sequence of numbers.

    Raises: ValueError for fewer rows than two small batches, or for `big` beyond the rows.
    """
    import keras

    small = whole("small", small, least=1, mend="mend by a batch size such as 32")
    parts = [part for part in keras.tree.flatten((x, y)) if part is not None]
    rows = {len(part) for part in parts}
    if len(rows) != 1:
        raise ValueError(f"expected x and y of equally many rows, got {sorted(rows)}; mend by slicing them alike")
    rows = rows.pop()
    big = rows if big is None else whole("big", big, least=2 * small, mend="mend by two small batches at least")
    if big > rows or rows < 2 * small:
        raise ValueError(
            f"expected at least {max(big, 2 * small)} rows (two small batches, or big), got {rows}; "
            "mend by a smaller `small` or `big`, or by more data"
        )
    order = np.random.default_rng(seed).permutation(rows)

    def batch(part, at):
        return None if part is None else keras.tree.map_structure(lambda array: np.asarray(array)[at], part)

    def gradients():
        for start in range(0, big - small + 1, small):
            at = order[start : start + small]
            yield np.concatenate([part.ravel() for part in gradient(batch(x, at), batch(y, at))], dtype=np.float64)

    return noise_scale(gradients(), small=small)
