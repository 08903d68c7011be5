"""The hyperparameters that may be a schedule: which they are, what they may be, and how an optimizer holds one."""

import inspect
import math

import keras

from textbook.schedules.base import PerUpdate, Schedule

_UNIT, _NOT_NEGATIVE, _POSITIVE = "a number from 0 to 1", "a number from 0 up", "a number above 0"
# What Keras reads inside the update only. The rest, such as epsilon or Muon's coefficients, has no use for a schedule.
RANGES = {
    **dict.fromkeys(("momentum", "beta_1", "beta_2", "rho", "adam_beta_1", "adam_beta_2", "ema_momentum"), _UNIT),
    **dict.fromkeys(("weight_decay", "adam_weight_decay"), _NOT_NEGATIVE),
    # 0 means to Keras that nothing is clipped, which is another graph
    **dict.fromkeys(("clipnorm", "clipvalue", "global_clipnorm"), _POSITIVE),
}
# It recovers the averaged weights with the beta_1 that mixed them one update ago, and reads the present one for that.
_FIXED = {keras.optimizers.ScheduleFreeAdamW: {"beta_1"}}


class Hyperparameter:
    """An attribute that is a number as in Keras, or a schedule's value at the optimizer's present update."""

    def __init__(self, name: str):
        self.name = name

    def __get__(self, optimizer, owner=None):
        if optimizer is None:
            return self
        if self.name in optimizer.hyperparameter_schedules:
            return optimizer._scheduled_value(self.name)
        try:
            return vars(optimizer)[self.name]
        except KeyError:
            raise AttributeError(f"{type(optimizer).__name__} has no {self.name} yet") from None

    def __set__(self, optimizer, value):
        schedule = optimizer.hyperparameter_schedules.get(self.name)
        if schedule is not None:
            raise ValueError(
                f"expected {self.name} to stay the schedule that the optimizer was built with, {schedule!r}, got "
                f"{value!r}: a compiled step would never see it; mend by a new optimizer with {self.name}={value!r} "
                "and model.compile"
            )
        if isinstance(value, Schedule | PerUpdate | keras.optimizers.schedules.LearningRateSchedule):
            raise ValueError(
                f"expected {self.name} as a number, got {value!r} for an optimizer that was built without a schedule; "
                f"mend by a new optimizer with {self.name}=schedule.in_steps(steps_per_epoch)"
            )
        vars(optimizer)[self.name] = value


def schedulable(keras_class: type) -> tuple[str, ...]:
    """The hyperparameters of an optimizer class that may be a schedule, as arguments of its constructor.

    >>> schedulable(keras.optimizers.RMSprop)[:2]
    ('rho', 'momentum')
    """
    fixed = set().union(*(names for base, names in _FIXED.items() if issubclass(keras_class, base)))
    bases = [base for base in keras_class.__mro__ if "__init__" in vars(base) and base is not object]
    arguments = [name for base in bases for name in inspect.signature(base.__init__).parameters]
    return tuple(name for name in dict.fromkeys(arguments) if name in RANGES and name not in fixed)


def first_value(name: str, schedule) -> float:
    """The schedule's value at update 0; ValueError where it is no value for this hyperparameter.

    >>> first_value("momentum", keras.optimizers.schedules.CosineDecay(0.5, 10))
    0.5
    """
    value = float(schedule(keras.ops.convert_to_tensor(0, "int32")))
    above = value > 0 if RANGES[name] == _POSITIVE else value >= 0
    if not (above and math.isfinite(value) and (value <= 1 or RANGES[name] != _UNIT)):
        raise ValueError(
            f"expected {name} as a schedule of {RANGES[name]}, got {schedule!r}, which is {value:g} at update 0; "
            f"mend by a schedule that stays {RANGES[name]}"
        )
    return value


def checked(arguments: dict, allowed: tuple[str, ...]) -> dict:
    """Name → schedule among the arguments of an optimizer, its learning rate aside.

    Raises: ValueError for a schedule without `in_steps`, or for an argument that cannot be one.
    """
    schedules = {}
    for name, value in arguments.items():
        if isinstance(value, Schedule | PerUpdate):
            raise ValueError(
                f"expected schedule.in_steps(steps_per_epoch) as {name}, got {value!r}, which counts epochs that an "
                f"optimizer does not know; mend by {name}=schedule.in_steps(math.ceil(rows / batch_size))"
            )
        if not isinstance(value, keras.optimizers.schedules.LearningRateSchedule) or name == "learning_rate":
            continue
        if name not in allowed:
            raise ValueError(
                f"expected {name} as a number, got {value!r}; mend by a schedule for one of learning_rate, "
                f"{', '.join(allowed)}"
            )
        schedules[name] = value
    return schedules
