"""The plain rule: against the gradient, by the rate."""

from dataclasses import dataclass

from textbook.update_rules.rule import Rate, UpdateRule, check, extremes, rate_at


@dataclass(frozen=True)
class GradientDescent(UpdateRule):
    """w ← w − lr · g. The step is lr · ‖g‖ long, so it shortens near a minimum even at a constant rate.

    >>> import numpy as np
    >>> change, _ = GradientDescent(0.1).update(np.array([2.0, -4.0]), 0)
    >>> change.tolist()
    [-0.2, 0.4]
    """

    learning_rate: Rate

    def __post_init__(self):
        check(self)

    @classmethod
    def best_for(cls, curvatures) -> "GradientDescent":
        """The best single rate on a quadratic, 2 / (λmin + λmax): error × (κ − 1)/(κ + 1) an update."""
        least, largest = extremes(curvatures)
        return cls(2 / (least + largest))

    def init(self, w):
        return 0

    def update(self, gradient, k):
        return -rate_at(self, k) * gradient, k + 1
