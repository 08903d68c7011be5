"""The books' update rules in NumPy, each small enough to hold in one's head.

A rule is stateless: `state = rule.init(w)`, then `change, state = rule.update(gradient, state)` and w + change. Arrays
may have any shape, and every rule but Newton's treats each coordinate by itself. Rates are numbers, or a function of
the number of updates done, such as a schedule (one unit of its t is then one update). `textbook.surfaces.trajectory`
walks a rule over a surface. Where Keras has the rule, its form is followed and a test holds both equal over 50 updates.
"""

import math
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass

import numpy as np

from textbook.schedules.arguments import positive, weight

Rate = float | Callable[[int], float]


@dataclass(frozen=True)
class GradientDescent:
    """w ← w − lr · g. The step is lr · ‖g‖ long, so it shortens near a minimum even at a constant rate.

    >>> change, _ = GradientDescent(0.1).update(np.array([2.0, -4.0]), 0)
    >>> change.tolist()
    [-0.2, 0.4]
    """

    learning_rate: Rate

    def __post_init__(self):
        _check(self)

    @classmethod
    def best_for(cls, curvatures) -> "GradientDescent":
        """The best single rate on a quadratic, 2 / (λmin + λmax): error × (κ − 1)/(κ + 1) an update."""
        least, largest = _extremes(curvatures)
        return cls(2 / (least + largest))

    def init(self, w):
        return 0

    def update(self, gradient, k):
        return -_rate(self, k) * gradient, k + 1


@dataclass(frozen=True)
class HeavyBall:
    """Momentum as in Keras: v ← μv − lr · g, w ← w + v. The velocity is a weighted *sum* of the past gradients.

    On a constant gradient it grows to lr · g / (1 − μ). Source: Polyak (1964); chapter 4, 4.7.2.3.
    """

    learning_rate: Rate
    _: KW_ONLY
    momentum: float = 0.9

    def __post_init__(self):
        _check(self, momentum=self.momentum)

    @classmethod
    def best_for(cls, curvatures) -> "HeavyBall":
        """Polyak's setting for a quadratic: lr = 4/(√λmax + √λmin)², μ = ((√κ − 1)/(√κ + 1))²."""
        least, largest = map(math.sqrt, _extremes(curvatures))
        return cls(4 / (largest + least) ** 2, momentum=((largest - least) / (largest + least)) ** 2)

    def init(self, w):
        return 0, np.zeros_like(w)

    def update(self, gradient, state):
        k, velocity = state
        velocity = self.momentum * velocity - _rate(self, k) * gradient
        return velocity, (k + 1, velocity)


@dataclass(frozen=True)
class AveragedMomentum:
    """Momentum as Ng writes it: v ← βv + (1 − β) · g, w ← w − lr · v. The velocity is a weighted *average*.

    At a constant rate it takes `HeavyBall`'s path with lr/(1 − β) for its rate and β for its momentum.
    """

    learning_rate: Rate
    _: KW_ONLY
    beta: float = 0.9

    def __post_init__(self):
        _check(self, beta=self.beta)

    def init(self, w):
        return 0, np.zeros_like(w)

    def update(self, gradient, state):
        k, average = state
        average = self.beta * average + (1 - self.beta) * gradient
        return -_rate(self, k) * average, (k + 1, average)


@dataclass(frozen=True)
class Nesterov:
    """Nesterov's momentum as in Keras: v ← μv − lr · g, w ← w + μv − lr · g.

    w is the point looked ahead to, where the gradient is taken. Nesterov (1983) and Sutskever et al. (2013) count the
    points behind it, w − μv; `points_behind` has them.
    """

    learning_rate: Rate
    _: KW_ONLY
    momentum: float = 0.9

    def __post_init__(self):
        _check(self, momentum=self.momentum)

    @classmethod
    def best_for(cls, curvatures) -> "Nesterov":
        """Nesterov's setting for a strongly convex function: lr = 1/λmax, μ = (√κ − 1)/(√κ + 1)."""
        least, largest = map(math.sqrt, _extremes(curvatures))
        return cls(1 / largest**2, momentum=(largest - least) / (largest + least))

    def init(self, w):
        return 0, np.zeros_like(w)

    def update(self, gradient, state):
        k, velocity = state
        step = _rate(self, k) * gradient
        velocity = self.momentum * velocity - step
        return self.momentum * velocity - step, (k + 1, velocity)

    def points_behind(self, path):
        """The points x = w − μv of a path w (updates + 1, …): wₖ₊₁ = xₖ₊₁ + μ(xₖ₊₁ − xₖ), solved for xₖ₊₁.

        On κ = 25 from (1, 1) they reach 1e-6 after 75 updates, and the points looked ahead to after 74.
        """
        points = [np.asarray(path[0])]
        for ahead in path[1:]:
            points.append((ahead + self.momentum * points[-1]) / (1 + self.momentum))
        return np.asarray(points)


@dataclass(frozen=True)
class RMSprop:
    """s ← ρs + (1 − ρ) · g², w ← w − lr · g / √(s + ε), with ε inside the root as Keras has it.

    Source: Tieleman and Hinton (2012).
    """

    learning_rate: Rate
    _: KW_ONLY
    rho: float = 0.9
    epsilon: float = 1e-7

    def __post_init__(self):
        _check(self, rho=self.rho)
        positive("epsilon", self.epsilon)

    def init(self, w):
        return 0, np.zeros_like(w)

    def update(self, gradient, state):
        k, square = state
        square = self.rho * square + (1 - self.rho) * gradient**2
        return -_rate(self, k) * gradient / np.sqrt(square + self.epsilon), (k + 1, square)


@dataclass(frozen=True)
class Adam:
    """Adaptive moment estimation: m ← β₁m + (1 − β₁)g, s ← β₂s + (1 − β₂)g², w ← w − α · m / (√s + ε̂).

    α = lr · √(1 − β₂ᵏ) / (1 − β₁ᵏ) at update k = 1, 2, … takes out the bias of the two averages, which start at 0. ε̂ is
    added after that, as in Keras and in Kingma and Ba (2015), end of section 2.

    Args:
        learning_rate: bound of the step in each coordinate, roughly.
        beta_1, beta_2: weights of the past in the two averages.
        epsilon: ε̂.
        first_moment: average the gradient; without, m = g and its correction falls away.
        second_moment: divide by the root; without, w ← w − lr · m / (1 − β₁ᵏ).
        bias_correction: without, α = lr.

    The three switches take Adam apart: averaged gradient alone, scaling alone, both, both uncorrected.
    """

    learning_rate: Rate
    _: KW_ONLY
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    first_moment: bool = True
    second_moment: bool = True
    bias_correction: bool = True

    def __post_init__(self):
        _check(self, beta_1=self.beta_1, beta_2=self.beta_2)
        positive("epsilon", self.epsilon)

    def init(self, w):
        return 0, np.zeros_like(w), np.zeros_like(w)

    def update(self, gradient, state):
        k, mean, square = state
        rate, k = _rate(self, k), k + 1
        direction = gradient
        if self.first_moment:
            mean = mean + (1 - self.beta_1) * (gradient - mean)
            direction = mean / (1 - self.beta_1**k) if self.bias_correction else mean
        if self.second_moment:
            square = square + (1 - self.beta_2) * (gradient**2 - square)
            lift = math.sqrt(1 - self.beta_2**k) if self.bias_correction else 1.0
            direction = lift * direction / (np.sqrt(square) + self.epsilon)
        return -rate * direction, (k, mean, square)


@dataclass(frozen=True, eq=False)
class Newton:
    """w ← w − H⁻¹g: one update reaches a quadratic's minimum, where a single rate needs equal curvatures for that.

    Args:
        hessian: (weights, weights), symmetric and invertible.
    """

    hessian: np.ndarray

    def __post_init__(self):
        shape = np.shape(self.hessian)
        if len(shape) != 2 or shape[0] != shape[1] or np.linalg.matrix_rank(self.hessian) < shape[0]:
            raise ValueError(f"expected an invertible square Hessian, got shape {shape}; mend by surface.hessian")

    def init(self, w):
        return ()

    def update(self, gradient, state):
        # a column for `solve`, so that points (…, weights) pass as well as one point
        return -np.linalg.solve(self.hessian, gradient[..., None])[..., 0], state


def _rate(rule, k: int) -> float:
    return rule.learning_rate(k) if callable(rule.learning_rate) else rule.learning_rate


def _check(rule, **weights) -> None:
    if not callable(rule.learning_rate):
        positive("learning_rate", rule.learning_rate)
    for name, value in weights.items():
        weight(name, value)


def _extremes(curvatures) -> tuple[float, float]:
    curvatures = np.asarray(curvatures, dtype=np.float64)
    if curvatures.size == 0 or not np.all(curvatures > 0):
        raise ValueError(f"expected curvatures above 0, got {curvatures.tolist()}; mend by the Hessian's eigenvalues")
    return float(curvatures.min()), float(curvatures.max())
