"""Polynomial decay: a power of the time that is left."""

from dataclasses import KW_ONLY, dataclass

from textbook.schedules.arguments import between, positive
from textbook.schedules.base import Schedule


@dataclass(frozen=True)
class PolynomialDecay(Schedule):
    """s(t) = final + (initial − final) · (1 − min(t, total) / total)^power.

    Args:
        initial: rate at t = 0.
        total: epochs until `final` is reached; from there on the rate stays.
        final: the last rate, from 0 to `initial`.
        power: 1 is a straight line, 2 bends down early, 0.5 late; above 0.

    As Keras's `PolynomialDecay(initial, total * steps_per_epoch, final, power)` and, with final = 0, torch's
    `PolynomialLR`. Source: Liu et al. (2015), "ParseNet: looking wider to see better", with power 0.9.

    >>> [PolynomialDecay(0.2, total=10, power=2)(t) for t in (0, 5, 10, 30)]
    [0.2, 0.05, 0.0, 0.0]
    """

    initial: float
    _: KW_ONLY
    total: float
    final: float = 0.0
    power: float = 1.0

    def __post_init__(self):
        object.__setattr__(self, "initial", positive("initial", self.initial))
        object.__setattr__(self, "total", positive("total", self.total))
        object.__setattr__(self, "final", between("final", self.final, low=0.0, high=self.initial))
        object.__setattr__(self, "power", positive("power", self.power))

    @property
    def duration(self):
        return self.total

    def formula(self, t, xp):
        share_left = (self.total - xp.minimum(t, self.total)) / self.total
        return self.final + (self.initial - self.final) * share_left**self.power
