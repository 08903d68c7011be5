"""Learning rates as pure functions of the epoch, one family a file. Importing this loads no Keras.

- `base`: `Schedule`, what all of them can do, and `PerUpdate`
- `constant`: `Constant`
- `step`: `StepDecay`
- `exponential`: `ExponentialDecay`
- `inverse_time`: `InverseTimeDecay`
- `cosine`: `CosineDecay`
- `arguments`: the checks of arguments, which `textbook.update_rules` makes too
- `keras_schedule`: `InSteps`, what `schedule.in_steps(n)` returns (imports Keras)
- `registration`: lets Keras load a saved model with an `InSteps` in it
"""

from textbook.schedules.base import PerUpdate, Schedule
from textbook.schedules.constant import Constant
from textbook.schedules.cosine import CosineDecay
from textbook.schedules.exponential import ExponentialDecay
from textbook.schedules.inverse_time import InverseTimeDecay
from textbook.schedules.registration import register_when_keras_loads
from textbook.schedules.step import StepDecay

__all__ = [
    "Constant",
    "CosineDecay",
    "ExponentialDecay",
    "InverseTimeDecay",
    "PerUpdate",
    "Schedule",
    "StepDecay",
]

register_when_keras_loads()
