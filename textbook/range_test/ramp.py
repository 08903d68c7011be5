"""The rates of a range test as a schedule, for trainings that take one."""

from dataclasses import KW_ONLY, dataclass

from textbook.schedules import Schedule
from textbook.schedules.arguments import positive


@dataclass(frozen=True)
class RangeTestRamp(Schedule):
    """s(t) = initial·(end/initial)^(t/total), or with `log=False` initial + (end − initial)·t/total; then it stays.

    Args:
        initial: rate at t = 0.
        end: rate at t = total.
        total: epochs that it takes.
        log: equal factors in equal times; False for equal differences.

    Source: Smith (2017), "Cyclical learning rates for training neural networks", section 3.3.

    >>> [round(RangeTestRamp(0.001, end=10, total=4)(t), 6) for t in range(5)]
    [0.001, 0.01, 0.1, 1.0, 10.0]
    """

    initial: float
    _: KW_ONLY
    end: float
    total: float
    log: bool = True

    def __post_init__(self):
        for name in ("initial", "end", "total"):
            object.__setattr__(self, name, positive(name, getattr(self, name)))

    def formula(self, t, xp):
        share = xp.minimum(t / self.total, 1.0)
        if self.log:
            return self.initial * (self.end / self.initial) ** share
        return self.initial + (self.end - self.initial) * share
