"""Adam, with switches that take it apart."""

import math
from dataclasses import KW_ONLY, dataclass

import numpy as np

from textbook.schedules.arguments import positive
from textbook.update_rules.rule import Rate, UpdateRule, check, rate_at


@dataclass(frozen=True)
class Adam(UpdateRule):
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
        check(self, beta_1=self.beta_1, beta_2=self.beta_2)
        positive("epsilon", self.epsilon)

    def init(self, w):
        return 0, np.zeros_like(w), np.zeros_like(w)

    def update(self, gradient, state):
        k, mean, square = state
        rate, k = rate_at(self, k), k + 1
        direction = gradient
        if self.first_moment:
            mean = mean + (1 - self.beta_1) * (gradient - mean)
            direction = mean / (1 - self.beta_1**k) if self.bias_correction else mean
        if self.second_moment:
            square = square + (1 - self.beta_2) * (gradient**2 - square)
            lift = math.sqrt(1 - self.beta_2**k) if self.bias_correction else 1.0
            direction = lift * direction / (np.sqrt(square) + self.epsilon)
        return -rate * direction, (k, mean, square)
