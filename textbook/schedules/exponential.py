"""Exponential decay: the same factor over every stretch of the same length."""

from dataclasses import KW_ONLY, dataclass

from textbook.schedules.arguments import positive, share, switch
from textbook.schedules.base import Schedule
from textbook.schedules.step import periods


@dataclass(frozen=True)
class ExponentialDecay(Schedule):
    """s(t) = initial · factor^(t / every), or with `staircase` the step decay that touches it: factor^⌊t / every⌋.

    Args:
        initial: rate at t = 0.
        factor: what the rate is multiplied by over `every` epochs, above 0 and up to 1.
        every: epochs that one factor takes.
        staircase: hold the rate between whole periods.

    As Keras's `ExponentialDecay(initial, every * steps_per_epoch, factor)`. Source: chapter 4, 4.7.2.2.

    >>> decay = ExponentialDecay(0.1, factor=0.1, every=8)
    >>> [round(decay(t), 12) for t in (0, 8, 16)]
    [0.1, 0.01, 0.001]
    """

    initial: float
    _: KW_ONLY
    factor: float
    every: float
    staircase: bool = False

    def __post_init__(self):
        object.__setattr__(self, "initial", positive("initial", self.initial))
        object.__setattr__(self, "factor", share("factor", self.factor))
        object.__setattr__(self, "every", positive("every", self.every))
        switch("staircase", self.staircase)

    def formula(self, t, xp):
        exponent = periods(t, self.every, xp) if self.staircase else t / self.every
        return self.initial * self.factor**exponent
