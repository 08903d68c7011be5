"""Warm-up: any schedule, entered by a ramp."""

from dataclasses import KW_ONLY, dataclass, field, replace

from textbook.schedules.arguments import between, positive, switch
from textbook.schedules.base import Schedule, a_schedule
from textbook.schedules.clock import reached, since


@dataclass(frozen=True)
class Warmup(Schedule):
    """s(t) = schedule(0) · (start + (1 − start) · t / length) up to t = length, then schedule(t − length).

    With `delay=False` the schedule runs from the beginning and the ramp is laid over it:
    s(t) = schedule(t) · (start + (1 − start) · min(t / length, 1)), so that its drops keep their epochs.

    Args:
        schedule: the schedule that follows; its clock starts at 0 when the ramp ends.
        length: epochs that the ramp takes.
        start: share of the rate at t = 0, from 0 to 1. With 0 the first update changes nothing, and with
            `LearningRateScheduler`, which holds a value for an epoch, the whole first epoch.
        delay: whether the schedule waits until the ramp is over.

    A momentum stands at its first value during the ramp (with `delay=False` it runs as it would).
    Source: Goyal et al. (2017), "Accurate, large minibatch SGD", section 2.2 (their warm-up has delay=False).

    >>> from textbook.schedules import CosineDecay
    >>> warm = Warmup(CosineDecay(0.2, total=10), length=5, start=0)
    >>> [round(warm(t), 12) for t in (0, 1, 5, 10, 15)]
    [0.0, 0.04, 0.2, 0.1, 0.0]
    """

    schedule: Schedule
    _: KW_ONLY
    length: float
    start: float = 0.1
    delay: bool = True
    updates: int = field(default=1, init=False, repr=False)

    def __post_init__(self):
        a_schedule("schedule", self.schedule)
        object.__setattr__(self, "length", positive("length", self.length))
        object.__setattr__(self, "start", between("start", self.start, low=0.0, high=1.0))
        switch("delay", self.delay)

    @property
    def duration(self):
        after = self.schedule.duration
        return after + self.length if self.delay and after is not None else after

    @property
    def has_momentum(self):
        return self.schedule.has_momentum

    def with_updates(self, updates):
        warm = replace(self, schedule=self.schedule.with_updates(updates))
        object.__setattr__(warm, "updates", updates)
        return warm

    def formula(self, t, xp):
        share = self.start + (1 - self.start) * xp.minimum(t / self.length, 1.0)
        if not self.delay:
            return share * self.schedule.formula(t, xp)
        after = self.schedule.formula(self._clock(t, xp), xp)
        # before the ramp ends, the schedule's clock stands at 0, and `after` is its first rate
        return xp.where(reached(t, self.length, xp), after, share * after)

    def momentum_formula(self, t, xp):
        return self.schedule.momentum_formula(self._clock(t, xp) if self.delay else t, xp)

    def _clock(self, t, xp):
        return xp.where(reached(t, self.length, xp), since(t, self.length, updates=self.updates, xp=xp), 0.0)
