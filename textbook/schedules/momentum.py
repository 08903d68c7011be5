"""The momentum that goes with a rate, as a schedule by itself."""

from dataclasses import dataclass

from textbook.schedules.base import Schedule, a_schedule


@dataclass(frozen=True)
class MomentumOf(Schedule):
    """m(t): the momentum of a schedule that has one, in the same unit of t; what `schedule.momentum` returns.

    Args:
        schedule: such as a `OneCycle`, or a `Triangular` with a `momentum_range`.

    Raises: AttributeError for a schedule without a momentum, ValueError for something else.
    Source: Smith (2018), "A disciplined approach to neural network hyper-parameters", part 1.

    >>> from textbook.schedules import OneCycle
    >>> cycle = OneCycle(1.0, total=10)
    >>> [round(cycle.momentum(t), 3) for t in (0, 1, 2, 9)]
    [0.95, 0.9, 0.85, 0.95]
    """

    schedule: Schedule

    def __post_init__(self):
        if not a_schedule("schedule", self.schedule).has_momentum:
            raise AttributeError(self.schedule.no_momentum())

    @property
    def duration(self):
        return self.schedule.duration

    def with_updates(self, updates):
        return MomentumOf(self.schedule.with_updates(updates))

    def formula(self, t, xp):
        return self.schedule.momentum_formula(t, xp)
