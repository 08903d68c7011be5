"""Decay by 1/t: slow enough that the summed rate grows without bound."""

from dataclasses import KW_ONLY, dataclass

from textbook.schedules.arguments import nonnegative, positive
from textbook.schedules.base import Schedule


@dataclass(frozen=True)
class InverseTimeDecay(Schedule):
    """s(t) = initial / (1 + rate · t).

    Args:
        initial: rate at t = 0.
        rate: decay per epoch, 0 or more; after 1/rate epochs the learning rate has halved.

    Its sum is infinite and that of its squares finite, as Robbins and Monro (1951) ask of noisy descent. As Keras's
    `InverseTimeDecay(initial, steps_per_epoch, rate)`.

    >>> InverseTimeDecay(0.3, rate=0.25)(4)
    0.15
    """

    initial: float
    _: KW_ONLY
    rate: float

    def __post_init__(self):
        object.__setattr__(self, "initial", positive("initial", self.initial))
        object.__setattr__(self, "rate", nonnegative("rate", self.rate))

    def formula(self, t, xp):
        return self.initial / (1 + self.rate * t)
