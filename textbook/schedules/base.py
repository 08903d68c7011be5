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

    def budget(self, epochs: int) -> float:
        """The summed rate Σ s(t) over t = 0 … epochs − 1: how far a run of so many epochs can get.

        >>> from textbook.schedules import Constant
        >>> Constant(0.5).budget(8)
        4.0
        """
        count = whole("epochs", epochs, least=0, mend="mend by a number of whole epochs")
        return math.fsum(self(np.arange(count)))

    def arguments(self) -> dict:
        """The arguments that build an equal schedule: `type(s)(**s.arguments())`, but for the positional first one."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}


@dataclasses.dataclass(frozen=True)
class PerUpdate:
    """A schedule to be evaluated at every update rather than held within an epoch; see `Schedule.per_update`."""

    schedule: Schedule

    def __post_init__(self):
        if not isinstance(self.schedule, Schedule):
            raise ValueError(f"expected a schedule, got {self.schedule!r}; mend by StepDecay(…).per_update()")
