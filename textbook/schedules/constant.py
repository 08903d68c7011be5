"""The rate that never changes, as a schedule: what every decay is compared with."""

from dataclasses import dataclass

from textbook.schedules.arguments import nonnegative
from textbook.schedules.base import Schedule


@dataclass(frozen=True)
class Constant(Schedule):
    """s(t) = rate.

    Args:
        rate: the learning rate, 0 or more.

    >>> Constant(0.1)(7)
    0.1
    """

    rate: float

    def __post_init__(self):
        object.__setattr__(self, "rate", nonnegative("rate", self.rate))

    def formula(self, t, xp):
        return xp.full_like(t, self.rate)
