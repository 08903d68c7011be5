"""Learning rates as pure functions of the epoch, one family a file. Importing this loads no Keras.

- `base`: `Schedule`, what all of them can do, and `PerUpdate`
- `constant`: `Constant`
- `step`: `StepDecay`
- `piecewise`: `PiecewiseConstant`
- `exponential`: `ExponentialDecay`
- `inverse_time`: `InverseTimeDecay`
- `polynomial`: `PolynomialDecay`
- `cosine`: `CosineDecay`
- `warm_restarts`: `WarmRestarts`
- `cyclical`: `Triangular`, `Triangular2`, `ExpRange`
- `one_cycle`: `OneCycle`
- `warmup`: `Warmup`, `scaling`: `ScaledByBatch`, `chain`: `Chain`, made of other schedules
- `plateau`: `ReduceOnPlateau`, which is no schedule: its rates follow a curve that was measured
- `momentum`: `MomentumOf`, what `schedule.momentum` returns
- `quick_look`: a schedule's table and plot
- `clock`: moments and clocks that rounding leaves alone
- `arguments`: the checks of arguments, which `textbook.update_rules` makes too
- `config`: schedules as plain dicts and back
- `keras_schedule`: `InSteps`, what `schedule.in_steps(n)` returns (imports Keras)
- `registration`: lets Keras load a saved model with an `InSteps` in it
"""

from textbook.schedules.base import PerUpdate, Schedule
from textbook.schedules.chain import Chain
from textbook.schedules.constant import Constant
from textbook.schedules.cosine import CosineDecay
from textbook.schedules.cyclical import ExpRange, Triangular, Triangular2
from textbook.schedules.exponential import ExponentialDecay
from textbook.schedules.inverse_time import InverseTimeDecay
from textbook.schedules.momentum import MomentumOf
from textbook.schedules.one_cycle import OneCycle
from textbook.schedules.piecewise import PiecewiseConstant
from textbook.schedules.plateau import ReduceOnPlateau
from textbook.schedules.polynomial import PolynomialDecay
from textbook.schedules.registration import register_when_keras_loads
from textbook.schedules.scaling import ScaledByBatch
from textbook.schedules.step import StepDecay
from textbook.schedules.warm_restarts import WarmRestarts
from textbook.schedules.warmup import Warmup

__all__ = [
    "Chain",
    "Constant",
    "CosineDecay",
    "ExpRange",
    "ExponentialDecay",
    "InverseTimeDecay",
    "MomentumOf",
    "OneCycle",
    "PerUpdate",
    "PiecewiseConstant",
    "PolynomialDecay",
    "ReduceOnPlateau",
    "ScaledByBatch",
    "Schedule",
    "StepDecay",
    "Triangular",
    "Triangular2",
    "WarmRestarts",
    "Warmup",
]

register_when_keras_loads()
