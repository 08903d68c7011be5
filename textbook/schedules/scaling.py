"""Rates that grow with the batch size."""

from dataclasses import KW_ONLY, dataclass, replace

from textbook.schedules.arguments import one_of, whole
from textbook.schedules.base import Schedule, a_schedule


@dataclass(frozen=True)
class ScaledByBatch(Schedule):
    """s(t) = schedule(t) · (batch_size / base_batch_size)^p, p = 1 for the linear rule and ½ for the square root.

    Args:
        schedule: tuned for `base_batch_size`.
        batch_size: rows a batch of the training that is to be.
        base_batch_size: rows a batch of the training that `schedule` was tuned for.
        rule: "linear", for SGD while the noise of the gradient is what limits the rate; "square root", which keeps the
            variance of an update and is usual for Adam.

    A momentum is left as it is. With large batches begin by a ramp: `Warmup(ScaledByBatch(…), length=5)`.
    Source: Goyal et al. (2017), section 2.1 (linear); Krizhevsky (2014) and Hoffer et al. (2017) (root).

    >>> from textbook.schedules import Constant
    >>> ScaledByBatch(Constant(0.1), batch_size=1024, base_batch_size=256)(0)
    0.4
    >>> ScaledByBatch(Constant(0.1), batch_size=1024, base_batch_size=256, rule="square root")(0)
    0.2
    """

    schedule: Schedule
    _: KW_ONLY
    batch_size: int
    base_batch_size: int
    rule: str = "linear"

    def __post_init__(self):
        a_schedule("schedule", self.schedule)
        for name in ("batch_size", "base_batch_size"):
            size = whole(name, getattr(self, name), least=1, mend="mend by the rows of a batch, such as 256")
            object.__setattr__(self, name, size)
        one_of("rule", self.rule, ("linear", "square root"))

    @property
    def duration(self):
        return self.schedule.duration

    @property
    def has_momentum(self):
        return self.schedule.has_momentum

    @property
    def factor(self) -> float:
        """What every rate is multiplied by."""
        ratio = self.batch_size / self.base_batch_size
        return ratio if self.rule == "linear" else ratio**0.5

    def with_updates(self, updates):
        return replace(self, schedule=self.schedule.with_updates(updates))

    def formula(self, t, xp):
        return self.factor * self.schedule.formula(t, xp)

    def momentum_formula(self, t, xp):
        return self.schedule.momentum_formula(t, xp)
