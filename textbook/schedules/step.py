"""Step decay: the rate stands still, then drops by a factor, at equal distances."""

from dataclasses import KW_ONLY, dataclass

import numpy as np

from textbook.schedules.arguments import positive, share
from textbook.schedules.base import Schedule


@dataclass(frozen=True)
class StepDecay(Schedule):
    """s(t) = initial · factor^⌊t / every⌋.

    Args:
        initial: rate until the first drop.
        factor: what each drop multiplies the rate by, above 0 and up to 1.
        every: epochs from one drop to the next. The first drop is in force at t = every; in updates, at update
            every · ceil(rows / batch_size), counted from 0. Keras's `PiecewiseConstantDecay` switches strictly after
            its boundary, so its boundary is one update less.

    Source: chapter 4, 4.7.2.1.

    >>> [StepDecay(0.2, factor=0.5, every=5)(t) for t in (0, 4, 5, 9, 10)]
    [0.2, 0.2, 0.1, 0.1, 0.05]
    """

    initial: float
    _: KW_ONLY
    factor: float
    every: float

    def __post_init__(self):
        object.__setattr__(self, "initial", positive("initial", self.initial))
        object.__setattr__(self, "factor", share("factor", self.factor))
        object.__setattr__(self, "every", positive("every", self.every))

    def formula(self, t, xp):
        return self.initial * self.factor ** periods(t, self.every, xp)


def periods(t, every: float, xp):
    """Completed periods ⌊t / every⌋, with 0.3 counted as three periods of 0.1.

    Rounding leaves a quotient up to 1.5 units in the last place below the whole number that it stands for, and a
    floor would then drop one update late. The lift by two units is less than one update for four million updates in
    float32, where the graph computes.
    """
    unit = np.finfo(np.float64 if xp is np else np.float32).eps
    return xp.floor(t / every * (1 + 2 * float(unit)))
