"""Cyclical rates: up and down between two bounds, in straight lines."""

from dataclasses import KW_ONLY, dataclass

from textbook.schedules.arguments import above, momenta, nonnegative, positive, share
from textbook.schedules.base import Schedule
from textbook.schedules.step import periods


@dataclass(frozen=True)
class Cycle:
    """What the three have in common: s(t) = base + (maximum − base) · height(t) · scale, height from 0 to 1 to 0."""

    base: float
    maximum: float
    _: KW_ONLY
    step_size: float
    momentum_range: tuple[float, float] | None = None

    def __post_init__(self):
        object.__setattr__(self, "base", nonnegative("base", self.base))
        object.__setattr__(self, "maximum", above("maximum", self.maximum, low=self.base))
        object.__setattr__(self, "step_size", positive("step_size", self.step_size))
        object.__setattr__(self, "momentum_range", momenta(self.momentum_range))

    @property
    def has_momentum(self):
        return self.momentum_range is not None

    def formula(self, t, xp):
        return self.base + (self.maximum - self.base) * self._height(t, xp)

    def momentum_formula(self, t, xp):
        if self.momentum_range is None:
            return super().momentum_formula(t, xp)  # which refuses
        low, high = self.momentum_range
        return high - (high - low) * self._height(t, xp)

    def _height(self, t, xp):
        cycle = periods(t, 2 * self.step_size, xp)
        distance = xp.abs(t / self.step_size - 2 * cycle - 1)  # to the peak, 1 at both ends
        return xp.maximum(1 - distance, 0.0) * self._scale(t, cycle, xp)

    def _scale(self, t, cycle, xp):
        raise NotImplementedError


@dataclass(frozen=True)
class Triangular(Cycle, Schedule):
    """s(t) = base + (maximum − base) · max(0, 1 − x), x = |t/step_size − 2·cycle + 1|, cycle = ⌊1 + t/(2·step_size)⌋.

    Args:
        base: the lowest rate, at t = 0 and at the end of each cycle.
        maximum: the highest rate, at t = step_size, 3 · step_size, …; above `base`.
        step_size: epochs that half a cycle takes; Smith advises 2 to 10.
        momentum_range: (lowest, highest) momentum, which falls while the rate rises; None for no momentum.

    As torch's `CyclicLR` with step_size_up = step_size · steps_per_epoch. Source: Smith (2017), "Cyclical learning
    rates for training neural networks", section 3.1.

    >>> cycle = Triangular(0.001, 0.006, step_size=4)
    >>> [round(cycle(t), 12) for t in (0, 2, 4, 6, 8)]
    [0.001, 0.0035, 0.006, 0.0035, 0.001]
    """

    def _scale(self, t, cycle, xp):
        return 1.0


@dataclass(frozen=True)
class Triangular2(Cycle, Schedule):
    """As `Triangular`, each cycle half as high as the one before: scale = 1 / 2^(cycle − 1).

    Args: those of `Triangular`. A momentum's swing halves likewise.
    Source: Smith (2017), section 3.2.

    >>> cycle = Triangular2(0.001, 0.005, step_size=4)
    >>> [round(cycle(t), 12) for t in (4, 8, 12, 16, 20)]
    [0.005, 0.001, 0.003, 0.001, 0.002]
    """

    def _scale(self, t, cycle, xp):
        return 0.5**cycle


@dataclass(frozen=True)
class ExpRange(Cycle, Schedule):
    """As `Triangular`, with a height that shrinks all the time: scale = gamma^t.

    Args: those of `Triangular`, and
        gamma: what a height is multiplied by over one epoch, above 0 and up to 1. torch's gamma is per update; with n
            updates an epoch ours is its n-th power. A momentum's swing shrinks likewise.

    Source: Smith (2017), section 3.2.

    >>> cycle = ExpRange(0.0, 0.8, step_size=1, gamma=0.5)
    >>> [cycle(t) for t in (0, 1, 2, 3)]
    [0.0, 0.4, 0.0, 0.1]
    """

    _: KW_ONLY
    gamma: float

    def __post_init__(self):
        super().__post_init__()
        object.__setattr__(self, "gamma", share("gamma", self.gamma))

    def _scale(self, t, cycle, xp):
        return self.gamma**t
