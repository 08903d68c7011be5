"""What an update rule is, and the rate that most of them have."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from textbook.schedules.arguments import positive, weight

Rate = float | Callable[[int], float]


class UpdateRule(ABC):
    """A way to turn gradients into steps, without memory of its own: the state goes in and comes out.

    >>> from textbook.update_rules import HeavyBall
    >>> rule, w = HeavyBall(0.1, momentum=0.9), np.array([1.0])
    >>> state = rule.init(w)
    >>> for _ in range(2):  # on ½w², whose gradient is w
    ...     change, state = rule.update(rule.point(w, state), state)
    ...     w = w + change
    >>> w.round(6).tolist()
    [0.72]
    """

    #: whether `update` takes `hessian=`, the Hessian (…, weights, weights) at `point`
    needs_hessian: ClassVar[bool] = False

    @abstractmethod
    def init(self, w):
        """The state before the first update at w, (…, weights)."""

    def point(self, w, state):
        """Where the gradient (and the Hessian) of the next update is to be taken: w itself, but for look-ahead."""
        return w

    @abstractmethod
    def update(self, gradient, state):
        """(change, state after): the step to add to w, from the gradient at `point`."""


def rate_at(rule, k: int) -> float:
    """The rule's learning rate after k updates; from a function also one for each of several paths, (paths, 1)."""
    return rule.learning_rate(k) if callable(rule.learning_rate) else rule.learning_rate


def check(rule, **weights) -> None:
    """ValueError unless the rule's rate is positive (or a function) and each of `weights` lies in [0, 1)."""
    if not callable(rule.learning_rate):
        positive("learning_rate", rule.learning_rate)
    for name, value in weights.items():
        weight(name, value)


def extremes(curvatures) -> tuple[float, float]:
    """(λmin, λmax); ValueError unless there is one at least and all are above 0."""
    curvatures = np.asarray(curvatures, dtype=np.float64)
    if curvatures.size == 0 or not np.all(curvatures > 0):
        raise ValueError(f"expected curvatures above 0, got {curvatures.tolist()}; mend by the Hessian's eigenvalues")
    return float(curvatures.min()), float(curvatures.max())


def roots(curvatures) -> tuple[float, float]:
    """(√λmin, √λmax)."""
    least, largest = extremes(curvatures)
    return math.sqrt(least), math.sqrt(largest)
