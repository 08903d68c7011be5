"""Rules that divide each weight's gradient by the root of its past squares: summed, and averaged."""

from dataclasses import KW_ONLY, dataclass

import numpy as np

from textbook.schedules.arguments import nonnegative, positive
from textbook.update_rules.rule import Rate, UpdateRule, check, rate_at


@dataclass(frozen=True)
class Adagrad(UpdateRule):
    """s ← s + g², w ← w − lr · g / √(s + ε), with ε inside the root and s from 0.1 at the start, as Keras has it.

    On a constant gradient the effective rate lr / √(s + ε) falls as 1/√t; its sum grows without end, so that the rule
    slows down but never stops. Source: Duchi, Hazan and Singer (2011); chapter 5, 5.10.

    Args:
        learning_rate: Keras's default is 0.001, with which little moves.
        initial_accumulator: s before the first gradient, 0 or more. The paper and the text have 0.
        epsilon: ε.

    >>> step, _ = Adagrad(1.0, initial_accumulator=0).update(np.array([100.0, 0.5]), (0, np.zeros(2)))
    >>> step.round(6).tolist()
    [-1.0, -1.0]
    """

    learning_rate: Rate
    _: KW_ONLY
    initial_accumulator: float = 0.1
    epsilon: float = 1e-7

    def __post_init__(self):
        check(self)
        nonnegative("initial_accumulator", self.initial_accumulator)
        positive("epsilon", self.epsilon)

    def init(self, w):
        # in w's type, but for whole numbers, which cannot hold 0.1
        return 0, np.full_like(w, self.initial_accumulator, dtype=np.result_type(w, np.float32))

    def update(self, gradient, state):
        k, squares = state
        squares = squares + gradient**2
        return -rate_at(self, k) * gradient / np.sqrt(squares + self.epsilon), (k + 1, squares)


@dataclass(frozen=True)
class RMSprop(UpdateRule):
    """s ← ρs + (1 − ρ) · g², w ← w − lr · g / √(s + ε), with ε inside the root as Keras has it.

    Source: Tieleman and Hinton (2012).
    """

    learning_rate: Rate
    _: KW_ONLY
    rho: float = 0.9
    epsilon: float = 1e-7

    def __post_init__(self):
        check(self, rho=self.rho)
        positive("epsilon", self.epsilon)

    def init(self, w):
        return 0, np.zeros_like(w)

    def update(self, gradient, state):
        k, square = state
        square = self.rho * square + (1 - self.rho) * gradient**2
        return -rate_at(self, k) * gradient / np.sqrt(square + self.epsilon), (k + 1, square)
