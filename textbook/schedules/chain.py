"""Schedules one after another, each with a clock of its own."""

import math
from dataclasses import KW_ONLY, dataclass, field, replace

from textbook.schedules.arguments import positive, several
from textbook.schedules.base import Schedule, a_schedule
from textbook.schedules.clock import reached, since


@dataclass(frozen=True)
class Chain(Schedule):
    """s(t) = schedules[i](t − start of i), where start of i = lengths[0] + … + lengths[i − 1] ≤ t.

    Args:
        schedules: two or more; each is read from its own t = 0.
        lengths: epochs of each but the last, which runs on.

    A momentum is that of the schedule whose turn it is. One without a momentum keeps that of the schedule before it
    as it stood at the end; before the first momentum, the value that it begins with.

    Raises: ValueError for schedules and lengths that do not fit.
    Source: Hu et al. (2024), "MiniCPM", whose warm-up, stable and decay stages are a chain; torch's `SequentialLR`.

    >>> from textbook.schedules import Constant, CosineDecay
    >>> chain = Chain([Constant(0.4), CosineDecay(0.2, total=10)], lengths=[5])
    >>> [round(chain(t), 12) for t in (0, 4.99, 5, 10, 15)]
    [0.4, 0.4, 0.2, 0.1, 0.0]
    """

    schedules: tuple[Schedule, ...]
    _: KW_ONLY
    lengths: tuple[float, ...]
    updates: int = field(default=1, init=False, repr=False)

    def __post_init__(self):
        object.__setattr__(self, "schedules", several("schedules", self.schedules, a_schedule))
        object.__setattr__(self, "lengths", several("lengths", self.lengths, positive))
        if len(self.schedules) < 2 or len(self.schedules) != len(self.lengths) + 1:
            raise ValueError(
                f"expected two or more schedules and a length for each but the last, got {len(self.schedules)} "
                f"schedules and {len(self.lengths)} lengths; mend by Chain([first, second], lengths=[5])"
            )

    @property
    def duration(self):
        last = self.schedules[-1].duration
        return None if last is None else self._starts[-1] + last

    @property
    def has_momentum(self):
        return any(schedule.has_momentum for schedule in self.schedules)

    def with_updates(self, updates):
        chain = replace(self, schedules=tuple(schedule.with_updates(updates) for schedule in self.schedules))
        object.__setattr__(chain, "updates", updates)
        return chain

    def formula(self, t, xp):
        rate = self.schedules[0].formula(t, xp)
        for start, schedule in zip(self._starts[1:], self.schedules[1:], strict=True):
            rate = xp.where(reached(t, start, xp), schedule.formula(self._clock(t, start, xp), xp), rate)
        return rate

    def momentum_formula(self, t, xp):
        if not self.has_momentum:
            return super().momentum_formula(t, xp)  # which refuses
        momentum = None
        for start, length, schedule in zip(self._starts, (*self.lengths, math.inf), self.schedules, strict=True):
            if not schedule.has_momentum:
                continue
            clock = self._clock(t, start, xp)
            if length < math.inf:  # once its turn is over, it stands where its last update left it
                clock = xp.where(reached(t, start + length, xp), max(length - 1 / self.updates, 0.0), clock)
            own = schedule.momentum_formula(clock, xp)
            momentum = own if momentum is None else xp.where(reached(t, start, xp), own, momentum)
        return momentum

    @property
    def _starts(self) -> list[float]:
        return [math.fsum(self.lengths[:i]) for i in range(len(self.schedules))]

    def _clock(self, t, start, xp):
        return since(t, start, updates=self.updates, xp=xp) if start else t
