"""The bowl ½ Σ λᵢ wᵢ², and what noisy descent does in it, exactly."""

from dataclasses import dataclass

import numpy as np

from textbook.surfaces.points import points


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
        return 0.5 * np.sum(np.asarray(self.curvatures) * points(w, len(self.curvatures)) ** 2, axis=-1)

    def gradient(self, w):
        return np.asarray(self.curvatures) * points(w, len(self.curvatures))

    def hessian(self, w):
        """diag(λ) at each point: (…, weights, weights)."""
        return np.broadcast_to(np.diag(self.curvatures), (*points(w, len(self.curvatures)).shape, len(self.curvatures)))

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
        squares = [points(start, curvatures.size) ** 2]
        for rate in np.asarray(rates, dtype=np.float64):
            squares.append((1 - rate * curvatures) ** 2 * squares[-1] + (rate * noise) ** 2)
        return 0.5 * np.asarray(squares) @ curvatures
