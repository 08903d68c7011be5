"""What Keras's update finds in place of a hyperparameter's Python float: the schedule's value at this update."""

import math
import numbers

import keras
import numpy as np

from textbook.knob import Knob
from textbook.schedules.constant import Constant
from textbook.schedules.keras_schedule import InSteps


def reading(schedule, update):
    """The value of a schedule at an update, as Keras's code can compute with it.

    Args:
        schedule: a Keras `LearningRateSchedule`.
        update: the optimizer's `iterations`, a scalar integer tensor or variable.

    Returns: a `Knob` on TensorFlow and JAX, whose graph is written once for all updates; a float on torch, which runs
        Keras's Python at every update.

    >>> from textbook.schedules import StepDecay
    >>> half = reading(StepDecay(0.8, factor=0.5, every=3).in_steps(1), 3)
    >>> float(keras.ops.cast(half, "float32") * 10)
    4.0
    """
    if keras.backend.backend() == "torch":
        # An exact 0 means to Keras that there is no momentum, and the velocity would keep an older value. The smallest
        # float is told from 0 by Python, and in float32 it is 0.
        return _in_python(schedule, int(update)) or math.ulp(0.0)
    if isinstance(schedule, InSteps) and isinstance(schedule.schedule, Constant):
        return _of_number(schedule.schedule.rate)
    value = schedule(update)
    if isinstance(value, numbers.Real):
        return _of_number(value)
    value = keras.ops.cast(value, keras.config.floatx())
    return Knob(value)


def _in_python(schedule, update: int) -> float:
    if isinstance(schedule, InSteps):
        return schedule.schedule(update / schedule.steps_per_epoch)
    return float(schedule(keras.ops.convert_to_tensor(update, "int64")))


def _of_number(value) -> Knob:
    """A knob with the bits of a Python float: Keras takes 1 − value in float64 and rounds after."""
    complement = 1 - np.float64(value)
    with np.errstate(divide="ignore"):
        readings = (value, complement, 1 / complement)
    return Knob(*(keras.ops.convert_to_tensor(one, keras.config.floatx()) for one in readings))
