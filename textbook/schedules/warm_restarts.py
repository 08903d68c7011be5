"""Warm restarts (SGDR): a cosine decay that begins anew, each time for longer or from lower."""

import math
from dataclasses import KW_ONLY, dataclass

import numpy as np

from textbook.schedules.arguments import above, nonnegative, positive, share
from textbook.schedules.base import Schedule
from textbook.schedules.clock import rounding
from textbook.schedules.step import periods

# restarts are listed up to this many first periods, more than any training has
_FAR = 1e9


@dataclass(frozen=True)
class WarmRestarts(Schedule):
    """s(t) = final + (maximum − final) · shrink^i · ½(1 + cos(π · (t − start of i) / (period · growth^i))).

    Cycle i starts at period · (1 + growth + … + growth^(i − 1)): with growth 2 at 0, 1, 3, 7, … periods.

    Args:
        maximum: rate at t = 0.
        period: epochs of the first cycle. The restart is in force at t = period.
        growth: what each cycle is longer than the one before by, 1 or from 1.01 up.
        shrink: what each cycle's height above `final` is multiplied by, above 0 and up to 1.
        final: rate that each cycle falls to, 0 or more and below `maximum`.

    As Keras's `CosineDecayRestarts(maximum, period * steps_per_epoch, growth, shrink, final / maximum)` and, with
    shrink = 1, torch's `CosineAnnealingWarmRestarts`.
    Source: Loshchilov and Hutter (2017), "SGDR: stochastic gradient descent with warm restarts".

    >>> restarts = WarmRestarts(0.2, period=10, growth=2, shrink=0.5)
    >>> [round(restarts(t), 12) for t in (0, 5, 10, 20, 30)]
    [0.2, 0.1, 0.1, 0.05, 0.05]
    """

    maximum: float
    _: KW_ONLY
    period: float
    growth: float = 1.0
    shrink: float = 1.0
    final: float = 0.0

    def __post_init__(self):
        object.__setattr__(self, "final", nonnegative("final", self.final))
        object.__setattr__(self, "maximum", above("maximum", self.maximum, low=self.final))
        object.__setattr__(self, "period", positive("period", self.period))
        object.__setattr__(self, "growth", positive("growth", self.growth))
        object.__setattr__(self, "shrink", share("shrink", self.shrink))
        if self.growth != 1 and self.growth < 1.01:
            raise ValueError(
                f"expected growth as 1 or from 1.01 up, got {self.growth:g}; mend by 1 for equal cycles, 2 to double"
            )

    def formula(self, t, xp):
        cycle, passed = self._place(t, xp)
        share_left = xp.cos(math.pi / 2 * xp.clip(passed, 0.0, 1.0)) ** 2  # ½(1 + cos πx), precise near its end too
        return self.final + (self.maximum - self.final) * self.shrink**cycle * share_left

    def _place(self, t, xp):
        """The cycle at t, counted from 0, and the share of it that has passed."""
        if self.growth == 1:
            cycle = periods(t, self.period, xp)
            return cycle, t / self.period - cycle
        # a closed form would take a logarithm, which rounds: an exact list of the restarts does not
        starts = self._starts()
        lifted = xp.reshape(t * (1 + 2 * rounding(xp)), (-1,))
        number = xp.reshape(xp.searchsorted(xp.array(starts, dtype=t.dtype), lifted, side="right") - 1, xp.shape(t))
        lengths = self.period * self.growth ** np.arange(len(starts))
        start, length = (xp.take(xp.array(column, dtype=t.dtype), number) for column in (starts, lengths))
        return xp.take(xp.array(np.arange(len(starts)), dtype=t.dtype), number), (t - start) / length

    def _starts(self) -> np.ndarray:
        count = 1 + math.ceil(math.log(1 + _FAR * (self.growth - 1)) / math.log(self.growth))
        return self.period * (self.growth ** np.arange(count) - 1) / (self.growth - 1)
