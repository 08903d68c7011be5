"""The surfaces of two weights on which optimizers are raced."""

from dataclasses import dataclass

import numpy as np

from textbook.schedules.arguments import positive
from textbook.surfaces.points import points, symmetric


@dataclass(frozen=True)
class Rosenbrock:
    """f(w) = (1 − w₁)² + b(w₂ − w₁²)²: a bent valley with a nearly level floor and steep walls, minimum at (1, 1).

    Args:
        b: steepness of the walls; at the minimum the curvatures' ratio is about 25·b (2508 for b = 100).

    Source: Rosenbrock (1960), An automatic method for finding the greatest or least value of a function.

    >>> Rosenbrock().value([[1, 1], [-1, 1]]).tolist()
    [0.0, 4.0]
    """

    b: float = 100.0

    def __post_init__(self):
        positive("b", self.b)

    def value(self, w):
        x, y = np.moveaxis(points(w, 2), -1, 0)
        return (1 - x) ** 2 + self.b * (y - x**2) ** 2

    def gradient(self, w):
        x, y = np.moveaxis(points(w, 2), -1, 0)
        wall = 2 * self.b * (y - x**2)
        return np.stack([2 * (x - 1) - 2 * x * wall, wall], axis=-1)

    def hessian(self, w):
        x, y = np.moveaxis(points(w, 2), -1, 0)
        return symmetric(2 - 4 * self.b * (y - 3 * x**2), -4 * self.b * x, 2 * self.b)

    @property
    def minimum(self):
        return np.ones(2)


@dataclass(frozen=True)
class Beale:
    """f(w) = Σᵢ (aᵢ − w₁(1 − w₂ⁱ))², a = (1.5, 2.25, 2.625): plateaus, steep corners, minimum at (3, ½).

    Source: Beale (1958), On an iterative method for finding a local minimum of a function of more than one variable.

    >>> Beale().value([[3, 0.5], [0, 0]]).tolist()
    [0.0, 14.203125]
    """

    def value(self, w):
        residuals, _, _ = self._parts(w)
        return sum(r**2 for r in residuals)

    def gradient(self, w):
        residuals, by_x, by_y = self._parts(w)
        along = sum(2 * r * dx for r, dx in zip(residuals, by_x, strict=True))
        return np.stack([along, sum(2 * r * dy for r, dy in zip(residuals, by_y, strict=True))], axis=-1)

    def hessian(self, w):
        x, y = np.moveaxis(points(w, 2), -1, 0)
        residuals, by_x, by_y = self._parts(w)
        # rᵢ = aᵢ − x + xyⁱ has ∂²r/∂x∂y = i·yⁱ⁻¹ and ∂²r/∂y² = i(i − 1)x·yⁱ⁻²
        mixed = (np.ones_like(y), 2 * y, 3 * y**2)
        bend = (np.zeros_like(x), 2 * x, 6 * x * y)
        return symmetric(
            sum(2 * dx * dx for dx in by_x),
            sum(2 * (dx * dy + r * m) for r, dx, dy, m in zip(residuals, by_x, by_y, mixed, strict=True)),
            sum(2 * (dy * dy + r * b) for r, dy, b in zip(residuals, by_y, bend, strict=True)),
        )

    @property
    def minimum(self):
        return np.array([3.0, 0.5])

    @staticmethod
    def _parts(w):
        """The three residuals and their derivatives by each weight."""
        x, y = np.moveaxis(points(w, 2), -1, 0)
        powers = (1, 2, 3)
        residuals = [a - x + x * y**i for a, i in zip((1.5, 2.25, 2.625), powers, strict=True)]
        return residuals, [y**i - 1 for i in powers], [i * x * y ** (i - 1) for i in powers]


@dataclass(frozen=True)
class Saddle:
    """f(w) = w₁² − w₂²: level at the origin, up along the first weight, down without end along the second.

    Its Laplacian is 0 everywhere and its gradient 0 at the origin, which is no minimum; there is none.

    >>> Saddle().gradient([0.0, 1e-3]).tolist()
    [0.0, -0.002]
    """

    def value(self, w):
        x, y = np.moveaxis(points(w, 2), -1, 0)
        return x**2 - y**2

    def gradient(self, w):
        return points(w, 2) * [2.0, -2.0]

    def hessian(self, w):
        return np.broadcast_to(np.diag([2.0, -2.0]), (*points(w, 2).shape, 2))


@dataclass(frozen=True)
class LongValley:
    """f(w) = √(1 + w₁²) − 1 + ½k·w₂²: a straight valley with steep walls, whose floor falls at a slope of at most 1.

    Args:
        k: curvature of the walls.

    Unlike in a bowl the slope of the floor does not grow with the distance, so that a rate small enough for the walls
    takes a number of updates in proportion to the distance.

    >>> LongValley().gradient([[-20.0, 0.0], [-1e6, 0.01]]).round(3).tolist()
    [[-0.999, 0.0], [-1.0, 1.0]]
    """

    k: float = 100.0

    def __post_init__(self):
        positive("k", self.k)

    def value(self, w):
        x, y = np.moveaxis(points(w, 2), -1, 0)
        return np.hypot(1, x) - 1 + self.k / 2 * y**2

    def gradient(self, w):
        x, y = np.moveaxis(points(w, 2), -1, 0)
        return np.stack([x / np.hypot(1, x), self.k * y], axis=-1)

    def hessian(self, w):
        x, _ = np.moveaxis(points(w, 2), -1, 0)
        return symmetric(np.hypot(1, x) ** -3, 0.0, self.k)

    @property
    def minimum(self):
        return np.zeros(2)
