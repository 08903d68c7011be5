"""Losses of a few weights, whose gradients, curvatures and minima are known, and paths over them.

Points are arrays (…, weights); values have shape (…), gradients (…, weights), so a whole path or a grid is one call:
`surface.value(np.stack(np.meshgrid(w1, w2), axis=-1))` is what a contour plot wants.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from textbook.schedules.arguments import whole


@dataclass(frozen=True)
class Quadratic:
    """f(w) = ½ Σ λᵢ wᵢ², the bowl that every smooth loss is near its minimum.

    Args:
        curvatures: λ, one per weight, each above 0. Their ratio κ = λmax / λmin is how elongated the bowl is.

    On one weight gradient descent multiplies w by 1 − ηλ: monotone for η < 1/λ, there in one step at 1/λ, overshooting
    yet convergent up to 2/λ, divergent beyond (LeCun et al., 1998). Source: chapter 4, 4.7.

    >>> bowl = Quadratic((1, 25))
    >>> bowl.value(np.array([1.0, 1.0])).item(), bowl.gradient(np.array([1.0, 1.0])).tolist()
    (13.0, [1.0, 25.0])
    """

    curvatures: tuple[float, ...]

    def __post_init__(self):
        given = np.asarray(self.curvatures, dtype=np.float64)
        if given.ndim != 1 or given.size == 0 or not np.all((given > 0) & np.isfinite(given)):
            raise ValueError(
                f"expected one curvature above 0 per weight, got {self.curvatures!r}; mend by a tuple such as (1, 25)"
            )
        object.__setattr__(self, "curvatures", tuple(given.tolist()))

    def value(self, w):
        return 0.5 * np.sum(np.asarray(self.curvatures) * _points(w, len(self.curvatures)) ** 2, axis=-1)

    def gradient(self, w):
        return np.asarray(self.curvatures) * _points(w, len(self.curvatures))

    @property
    def hessian(self):
        return np.diag(self.curvatures)

    @property
    def minimum(self):
        return np.zeros(len(self.curvatures))

    def expected_loss(self, rates, *, start, noise: float):
        """E f(wₖ) of w ← w − ηₖ(Λw + ξ), ξ normal with sd `noise` in each weight: exact, by recursion, no sampling.

        E wᵢ² ← (1 − ηλᵢ)² E wᵢ² + η² noise². At a constant rate it stalls where both terms balance, at a level in
        proportion to the rate for small rates, and only a falling rate gets lower.

        Args:
            rates: (updates,) learning rates η₀, η₁, …
            start: (weights,).
            noise: standard deviation of each gradient coordinate, 0 or more.

        Returns: (updates + 1,) expected losses, the start's first.
        """
        curvatures = np.asarray(self.curvatures)
        squares = [_points(start, curvatures.size) ** 2]
        for rate in np.asarray(rates, dtype=np.float64):
            squares.append((1 - rate * curvatures) ** 2 * squares[-1] + (rate * noise) ** 2)
        return 0.5 * np.asarray(squares) @ curvatures


@dataclass(frozen=True, eq=False)
class LeastSquares:
    """f(w) = ½ · mean over rows of (xᵢ·w − yᵢ)²: linear regression, whose gradient can be taken from any of the rows.

    Args:
        x: (rows, weights), of full column rank; add a column of ones for an intercept.
        y: (rows,).
    """

    x: np.ndarray
    y: np.ndarray

    def __post_init__(self):
        x, y = np.asarray(self.x, dtype=np.float64), np.asarray(self.y, dtype=np.float64)
        if x.ndim != 2 or y.shape != x.shape[:1]:
            raise ValueError(
                f"expected x (rows, weights) and y (rows,), got {x.shape} and {y.shape}; mend by one target per row"
            )
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            raise ValueError("expected finite x and y, got NaN or infinity; mend by leaving those rows out")
        if np.linalg.matrix_rank(x) < x.shape[1]:
            raise ValueError(
                f"expected columns of x independent of each other, got rank {np.linalg.matrix_rank(x)} for "
                f"{x.shape[1]} columns; mend by dropping a column or adding rows"
            )
        object.__setattr__(self, "x", x)
        object.__setattr__(self, "y", y)

    def value(self, w):
        return 0.5 * np.mean(self._residuals(w) ** 2, axis=-1)

    def gradient(self, w, rows=slice(None)):
        """The gradient of the mean over `rows` (indices; all by default): a minibatch's estimate of the full one."""
        x = self.x[rows]
        return self._residuals(w, rows) @ x / len(x)

    def sample_gradients(self, w):
        """The gradient of each row's own loss ½(xᵢ·w − yᵢ)²: (…, rows, weights), with mean `gradient(w)`."""
        return self._residuals(w)[..., None] * self.x

    @property
    def hessian(self):
        return self.x.T @ self.x / len(self.x)

    @property
    def curvatures(self):
        """Eigenvalues of the Hessian, ascending."""
        return np.linalg.eigvalsh(self.hessian)

    @property
    def minimum(self):
        return np.linalg.lstsq(self.x, self.y, rcond=None)[0]

    def _residuals(self, w, rows=slice(None)):
        return _points(w, self.x.shape[1]) @ self.x[rows].T - self.y[rows]


def trajectory(surface, rule, *, start, steps: int, batches: Iterable | None = None):
    """The path of an update rule over a surface.

    Args:
        surface: has `gradient(w)`, and `gradient(w, rows)` where batches are given.
        rule: one of `textbook.update_rules`.
        start: (weights,), or (…, weights) for several paths at once.
        steps: updates.
        batches: row indices of each update, at least `steps` of them; None takes all rows in every update.

    Returns: (steps + 1, …, weights), the start first. A path that diverges ends in infinities, without a warning.

    >>> from textbook.update_rules import GradientDescent
    >>> trajectory(Quadratic((1, 2)), GradientDescent(0.5), start=(1, 1), steps=2).tolist()
    [[1.0, 1.0], [0.5, 0.0], [0.25, 0.0]]
    """
    steps = whole("steps", steps, least=0, mend="mend by a number of updates")
    w = np.array(start, dtype=np.float64)
    path, state = [w], rule.init(w)
    rows = None if batches is None else iter(batches)
    with np.errstate(over="ignore", invalid="ignore"):
        for k in range(steps):
            if rows is None:
                gradient = surface.gradient(w)
            else:
                batch = next(rows, None)
                if batch is None:
                    raise ValueError(f"expected {steps} batches, one an update, got {k}; mend by fewer steps")
                gradient = surface.gradient(w, batch)
            change, state = rule.update(gradient, state)
            w = w + change
            path.append(w)
    return np.asarray(path)


def minibatches(rows: int, batch_size: int, *, generator: np.random.Generator) -> Iterator[np.ndarray]:
    """Row indices of one update after another without end: each epoch is a fresh order, cut into ⌈rows / batch_size⌉.

    Every row comes once an epoch; the last batch of an epoch holds what is left. `batch_size=1` is the text's SGD,
    `batch_size=rows` its batch gradient descent.
    """
    rows = whole("rows", rows, least=1, mend="mend by the number of samples")
    size = whole("batch_size", batch_size, least=1, mend="mend by 1 for SGD, rows for the full batch")
    if size > rows:
        raise ValueError(f"expected batch_size up to the {rows} rows, got {size}; mend by batch_size={rows}")

    def endless():
        while True:
            order = generator.permutation(rows)
            for first in range(0, rows, size):
                yield order[first : first + size]

    return endless()


def updates_until(path, minimum, *, tolerance: float = 1e-6) -> int | None:
    """Updates until a path first lies within `tolerance` of the minimum in every weight (max-norm); None if never.

    Args:
        path: (updates + 1, weights), as `trajectory` returns it.
        minimum: (weights,).
    """
    distances = np.max(np.abs(np.asarray(path) - np.asarray(minimum)), axis=-1)
    inside = np.flatnonzero(distances <= tolerance)
    return int(inside[0]) if inside.size else None


def _points(w, weights: int):
    points = np.asarray(w, dtype=np.float64)
    if points.ndim == 0 or points.shape[-1] != weights:
        raise ValueError(
            f"expected points of shape (…, {weights}), got {points.shape}; mend by one number per weight, last axis"
        )
    return points
