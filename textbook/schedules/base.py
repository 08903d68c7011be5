"""What every schedule is: a pure function of time, with no memory and no Keras."""

import dataclasses
import math
from abc import ABC, abstractmethod

import numpy as np

from textbook.schedules.arguments import whole

_NOT_GIVEN = object()
# class name → class; what a saved model's schedule is looked up in (see keras_schedule.py)
FAMILIES: dict[str, type["Schedule"]] = {}


class Schedule(ABC):
    """A learning rate as a function of the epoch: s(t), the same value for the same t.

    t counts epochs from 0 and may be fractional. One object has three uses: `s(t)` for a number or an array (and so
    `keras.callbacks.LearningRateScheduler(s)`, which holds the value for an epoch), `s.in_steps(n)` for `compile`, and
    `s.per_update()` for a `Condition`.

    A new family is a frozen dataclass that defines `formula`; its fields are its arguments.
    """

    def __init_subclass__(cls, **arguments):
        super().__init_subclass__(**arguments)
        known = FAMILIES.setdefault(cls.__name__, cls)
        if known.__module__ != cls.__module__:
            raise ValueError(
                f"expected a name of its own for a schedule, got {cls.__name__!r}, which {known.__module__} has; "
                "mend by renaming the class: saved models find it by its name"
            )
        FAMILIES[cls.__name__] = cls  # a class defined again, as in a notebook, replaces the older one

    @abstractmethod
    def formula(self, t, xp):
        """The rate at t ≥ 0, for arrays of the namespace `xp`: `numpy`, or `keras.ops` inside a graph."""

    def __call__(self, t=_NOT_GIVEN, current=None):
        """The rate at epoch t.

        Args:
            t: epochs from 0, a number or an array of any shape; fractions are fine.
            current: ignored. `LearningRateScheduler` passes the optimizer's present rate, and a schedule has no memory.

        Returns: a float for a number, a float64 array of t's shape for an array.
        Raises: ValueError for a negative t, and for no t at all, which is how Keras calls a rate given to `compile`.
        """
        if t is _NOT_GIVEN:
            raise ValueError(
                f"expected schedule.in_steps(steps_per_epoch), got {self!r} itself as an optimizer's rate, which Keras "
                f"calls without an epoch; mend by learning_rate=schedule.in_steps(math.ceil(rows / batch_size))"
            )
        try:
            epochs = np.asarray(t, dtype=np.float64)
        except (TypeError, ValueError, NotImplementedError):  # TypeErrors are what LearningRateScheduler would mask
            raise ValueError(
                f"expected t as a number or an array of epochs, got {t!r}; "
                "mend by schedule.in_steps(steps_per_epoch) where the rate belongs into a graph"
            ) from None
        if not np.all(epochs >= 0):
            raise ValueError(f"expected epochs t ≥ 0, got {t!r}; mend by counting epochs from 0")
        rates = self.formula(epochs, np)
        return float(rates) if epochs.ndim == 0 else rates

    def in_steps(self, steps_per_epoch: int):
        """The schedule at t = update / steps_per_epoch, as a Keras `LearningRateSchedule` evaluated in the graph.

        Args:
            steps_per_epoch: updates an epoch, math.ceil(rows / batch_size); with 1, one unit of t is one update.

        It saves and loads with a compiled model wherever `textbook.schedules` has been imported.
        """
        from textbook.schedules.keras_schedule import InSteps  # here, because it imports Keras

        return InSteps(self, steps_per_epoch)

    def per_update(self) -> "PerUpdate":
        """A mark for `Condition`: evaluate at every update, with the updates per epoch of that condition's batches."""
        return PerUpdate(self)

    def with_updates(self, updates: int) -> "Schedule":
        """The schedule as it is read at whole updates, so many in one unit of t; `in_steps` and `Condition` ask for it.

        Most schedules are functions of t alone and return themselves. One that counts updates, as `OneCycle` does to
        give the last of them its final rate, returns itself with that count; one with schedules inside passes it on.
        """
        return self

    @property
    def duration(self) -> float | None:
        """Epochs that the schedule is made for, in t's unit; None for one without an end of its own."""
        return None

    @property
    def has_momentum(self) -> bool:
        """Whether there is a `momentum`."""
        return False

    @property
    def momentum(self) -> "Schedule":
        """The momentum that goes with the rate, as a schedule in the same unit; AttributeError where there is none."""
        from textbook.schedules.momentum import MomentumOf  # here, because it is a schedule itself

        return MomentumOf(self)

    def momentum_formula(self, t, xp):
        """The momentum at t ≥ 0, as `formula` is the rate; only where `has_momentum`."""
        raise AttributeError(self.no_momentum())

    def no_momentum(self) -> str:
        """What to say where a momentum is asked for and there is none."""
        return (
            f"expected a schedule with a momentum, such as OneCycle(…) or Triangular(…, momentum_range=(0.85, 0.95)), "
            f"got {self!r}; mend by one of these, or by a number for the momentum"
        )

    def budget(self, epochs: int | None = None) -> float:
        """The summed rate Σ s(t) over t = 0 … epochs − 1: how far a run of so many epochs can get.

        Args:
            epochs: whole epochs; by default the schedule's own duration.

        Raises: ValueError for no whole number, and for no number where the schedule has no end of its own.

        >>> from textbook.schedules import Constant, PolynomialDecay
        >>> Constant(0.5).budget(8), PolynomialDecay(1.0, total=4).budget()
        (4.0, 2.5)
        """
        if epochs is None:
            epochs = math.ceil(round(self.own_duration(), 9))
        count = whole("epochs", epochs, least=0, mend="mend by a number of whole epochs")
        return math.fsum(self(np.arange(count)))

    def own_duration(self) -> float:
        """`duration`; ValueError where there is none."""
        if self.duration is None:
            raise ValueError(
                f"expected a number of epochs, since {self!r} has no end of its own, got none; mend by epochs=30"
            )
        return self.duration

    def table(self, epochs: int | None = None, steps_per_epoch: int = 1):
        """The values at every update of a run: a DataFrame with update, epoch, learning_rate and any momentum.

        Args:
            epochs: whole epochs; by default the schedule's own duration.
            steps_per_epoch: updates an epoch; the values are those of `in_steps(steps_per_epoch)`, in float64.

        >>> from textbook.schedules import PolynomialDecay
        >>> PolynomialDecay(1.0, total=2).table(steps_per_epoch=2).learning_rate.tolist()
        [1.0, 0.75, 0.5, 0.25]
        """
        from textbook.schedules.quick_look import table

        return table(self, epochs=epochs, steps_per_epoch=steps_per_epoch)

    def plot(self, ax=None, *, epochs: int | None = None, steps_per_epoch: int = 1):
        """The rate of every update over epochs, with any momentum on an axis at the right; returns `ax`.

        Args:
            ax: Matplotlib axes to draw on; by default those of a new figure.
            epochs, steps_per_epoch: as in `table`.
        """
        from textbook.schedules.quick_look import plot

        return plot(self, ax, epochs=epochs, steps_per_epoch=steps_per_epoch)

    def arguments(self) -> dict:
        """The arguments that build an equal schedule: `type(s)(**s.arguments())`, but for the positional first one."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.init}


def a_schedule(name: str, value) -> Schedule:
    """`value`; ValueError unless it is a schedule."""
    if isinstance(value, Schedule):
        return value
    # "schedules[0]" is a place in a list, "schedule" the argument itself
    what = "a schedule" if name == "schedule" else f"{name} as a schedule"
    raise ValueError(
        f"expected {what}, got {value!r}; mend by Constant(0.1) or StepDecay(…), with in_steps(n) or per_update() last"
    )


@dataclasses.dataclass(frozen=True)
class PerUpdate:
    """A schedule to be evaluated at every update rather than held within an epoch; see `Schedule.per_update`."""

    schedule: Schedule

    def __post_init__(self):
        a_schedule("schedule", self.schedule)
