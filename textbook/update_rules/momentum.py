"""Momentum three ways: Keras's, Ng's and torch's velocity."""

from dataclasses import KW_ONLY, dataclass

import numpy as np

from textbook.update_rules.rule import Rate, UpdateRule, check, rate_at, roots


@dataclass(frozen=True)
class HeavyBall(UpdateRule):
    """Momentum as in Keras: v ← μv − lr · g, w ← w + v. The velocity is a weighted *sum* of the past gradients.

    On a constant gradient it grows to lr · g / (1 − μ). Source: Polyak (1964); chapter 4, 4.7.2.3.
    """

    learning_rate: Rate
    _: KW_ONLY
    momentum: float = 0.9

    def __post_init__(self):
        check(self, momentum=self.momentum)

    @classmethod
    def best_for(cls, curvatures) -> "HeavyBall":
        """Polyak's setting for a quadratic: lr = 4/(√λmax + √λmin)², μ = ((√κ − 1)/(√κ + 1))²."""
        least, largest = roots(curvatures)
        return cls(4 / (largest + least) ** 2, momentum=((largest - least) / (largest + least)) ** 2)

    def init(self, w):
        return 0, np.zeros_like(w)

    def update(self, gradient, state):
        k, velocity = state
        velocity = self.momentum * velocity - rate_at(self, k) * gradient
        return velocity, (k + 1, velocity)


@dataclass(frozen=True)
class TorchMomentum(UpdateRule):
    """Momentum as in torch: v ← μv + g, w ← w − lr · v. The velocity holds gradients, and the rate multiplies all.

    At a constant rate it takes `HeavyBall`'s path. When the rate falls, what is in the velocity falls with it at once;
    `HeavyBall` keeps moving by the steps of the old rate for some 1/(1 − μ) updates.

    >>> from textbook.schedules import PiecewiseConstant
    >>> drop = PiecewiseConstant(boundaries=(2,), values=(1.0, 0.1))
    >>> for rule in (HeavyBall(drop, momentum=0.5), TorchMomentum(drop, momentum=0.5)):
    ...     state, steps = rule.init(np.zeros(1)), []
    ...     for _ in range(4):
    ...         change, state = rule.update(np.ones(1), state)
    ...         steps.append(round(-change.item(), 4))
    ...     print(steps)
    [1.0, 1.5, 0.85, 0.525]
    [1.0, 1.5, 0.175, 0.1875]
    """

    learning_rate: Rate
    _: KW_ONLY
    momentum: float = 0.9

    def __post_init__(self):
        check(self, momentum=self.momentum)

    def init(self, w):
        return 0, np.zeros_like(w)

    def update(self, gradient, state):
        k, velocity = state
        velocity = self.momentum * velocity + gradient
        return -rate_at(self, k) * velocity, (k + 1, velocity)


@dataclass(frozen=True)
class AveragedMomentum(UpdateRule):
    """Momentum as Ng writes it: v ← βv + (1 − β) · g, w ← w − lr · v. The velocity is a weighted *average*.

    At a constant rate it takes `HeavyBall`'s path with lr/(1 − β) for its rate and β for its momentum.
    """

    learning_rate: Rate
    _: KW_ONLY
    beta: float = 0.9

    def __post_init__(self):
        check(self, beta=self.beta)

    def init(self, w):
        return 0, np.zeros_like(w)

    def update(self, gradient, state):
        k, average = state
        average = self.beta * average + (1 - self.beta) * gradient
        return -rate_at(self, k) * average, (k + 1, average)
