"""Rates that fall when a curve no longer improves: Keras's `ReduceLROnPlateau` as a pure function of that curve.

No schedule in this package's sense: its rate depends on what was measured, not on the time alone.
"""

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np

from textbook.schedules.arguments import nonnegative, positive, whole


@dataclass(frozen=True)
class ReduceOnPlateau:
    """rate ← max(rate · factor, min_rate) after `patience` epochs in a row without an improvement.

    Arguments and results are those of `keras.callbacks.ReduceLROnPlateau`, whose optimizer keeps the rate in float32.

    Args:
        initial: rate of the first epoch.
        factor: what each drop multiplies the rate by, above 0 and below 1.
        patience: epochs without improvement that are waited for; 0 acts as 1.
        min_delta: an improvement must be larger than this, in the unit of the values.
        cooldown: epochs after a drop in which no waiting is counted.
        min_rate: no drop goes below it.
        mode: "min" for a loss, "max" for an accuracy.

    Raises: ValueError for an argument outside its range.
    Source: cs231n, Neural Networks Part 3, Annealing the learning rate: "reduce the learning rate by a constant
    whenever the validation error stops improving".

    >>> ReduceOnPlateau(0.1, factor=0.5, patience=2).rates([1.0, 0.8, 0.9, 0.85, 0.7, 0.7])
    [0.1, 0.1, 0.1, 0.1, 0.05, 0.05]
    """

    initial: float
    _: KW_ONLY
    factor: float = 0.1
    patience: int = 10
    min_delta: float = 1e-4
    cooldown: int = 0
    min_rate: float = 0.0
    mode: str = "min"

    def __post_init__(self):
        object.__setattr__(self, "initial", positive("initial", self.initial))
        object.__setattr__(self, "factor", positive("factor", self.factor))
        if not self.factor < 1:
            raise ValueError(f"expected factor below 1, got {self.factor!r}; mend by 0.1, which divides the rate by 10")
        whole("patience", self.patience, least=0, mend="mend by a number of epochs such as 10")
        whole("cooldown", self.cooldown, least=0, mend="mend by a number of epochs such as 0")
        nonnegative("min_delta", self.min_delta)
        nonnegative("min_rate", self.min_rate)
        if self.mode not in ("min", "max"):
            raise ValueError(
                f"expected mode 'min' or 'max', got {self.mode!r}; mend by 'min' for a loss, 'max' for an accuracy"
            )

    def rates(self, values: Sequence[float]) -> list[float]:
        """The rate of every epoch of a run.

        Args:
            values: the monitored value after each epoch, such as `val_loss`.

        Returns: as many rates; the one of an epoch depends on the values of earlier epochs alone.
        """
        rate, best, wait, cooling, rates = self.initial, math.nan, 0, 0, []
        for epoch, value in enumerate(values):
            rates.append(rate)
            if cooling:
                cooling, wait = cooling - 1, 0
            # the first value counts as an improvement, even where it is no number
            if epoch == 0 or self._improves(float(value), best):
                best, wait = float(value), 0
            elif not cooling:
                wait += 1
                if wait >= self.patience and np.float32(rate) > np.float32(self.min_rate):
                    rate, wait, cooling = max(rate * self.factor, self.min_rate), 0, self.cooldown
        return rates

    def _improves(self, value: float, best: float) -> bool:
        # in single precision, as Keras compares
        shifted = np.float32(value + self.min_delta if self.mode == "min" else value - self.min_delta)
        return bool(shifted < np.float32(best) if self.mode == "min" else shifted > np.float32(best))
