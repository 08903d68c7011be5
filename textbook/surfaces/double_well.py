"""Two valleys with a hill between them, in one weight."""

from dataclasses import dataclass

import numpy as np

from textbook.schedules.arguments import inside
from textbook.surfaces.points import points

_MOST = 2 / (3 * 3**0.5)  # beyond this tilt one of the valleys has flowed out


@dataclass(frozen=True)
class DoubleWell:
    """f(w) = ¼w⁴ − ½w² + c·w: two valleys near ±1, the left one deeper for c > 0, and a hilltop near c between them.

    Args:
        c: tilt, between −0.3849 and 0.3849 (±2/√27), outside of which only one valley is left.

    The simplest loss with a local minimum that is not the global one, and with a point (the hilltop, curvature
    3w² − 1 < 0) that Newton's method takes for a goal. Source: chapter 5, 5.7 and 5.9.

    >>> DoubleWell(0.15).minimum.round(3).tolist(), DoubleWell(0.15).hilltop.round(3).tolist()
    ([-1.068], [0.154])
    """

    c: float = 0.0

    def __post_init__(self):
        inside("c", self.c, low=-_MOST, high=_MOST)

    def value(self, w):
        x = points(w, 1)[..., 0]
        return x**4 / 4 - x**2 / 2 + self.c * x

    def gradient(self, w):
        x = points(w, 1)
        return x**3 - x + self.c

    def hessian(self, w):
        """3w² − 1 at each point: (…, 1, 1), below 0 around the hilltop."""
        return 3 * points(w, 1)[..., None] ** 2 - 1

    @property
    def critical_points(self):
        """(3, 1): left minimum, hilltop, right minimum."""
        # all three roots of w³ − w + c are real here, so Viète's cosines give them without rounding into the plane
        angle = np.arccos(-self.c / _MOST) / 3
        return np.sort(2 / np.sqrt(3) * np.cos(angle - 2 * np.pi * np.arange(3) / 3))[:, None]

    @property
    def hilltop(self):
        return self.critical_points[1]

    @property
    def minimum(self):
        """The deeper of the two minima, (1,); the right one where both are as deep."""
        left, _, right = self.critical_points
        return left if self.value(left) < self.value(right) else right
