"""When early stopping would have stopped: Keras's `EarlyStopping` replayed on a curve that was trained to its end.

One long run thus answers for every patience, and all of them are compared on the very same training.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Stop:
    """Where a run ends.

    Attributes:
        epochs: epochs trained, counted from 1.
        kept: the epoch whose weights the model is left with, counted from 1.
        early: whether patience ran out; otherwise the curve ended first.
    """

    epochs: int
    kept: int
    early: bool


def early_stopping(
    values: Sequence[float],
    *,
    patience: int,
    restore_best_weights: bool = False,
    min_delta: float = 0.0,
    mode: str = "min",
    baseline: float | None = None,
    start_from_epoch: int = 0,
) -> Stop:
    """What `keras.callbacks.EarlyStopping` with these arguments does to a run whose monitored values are given.

    It stops at the first epoch that ends a row of `patience` epochs without an improvement on the best value so far,
    and then keeps the last weights, or with `restore_best_weights` the best ones. As in Keras 3, the best weights are
    restored also where patience never ran out.

    Args:
        values: the monitored value after each epoch, such as `val_loss`; at least as long as the run to be judged.
        patience: epochs without improvement that are waited for, 0 or more.
        restore_best_weights: keep the best epoch's weights instead of the last ones.
        min_delta: an improvement must be larger than this.
        mode: "min" or "max".
        baseline: patience starts anew only with improvements that also beat this value.
        start_from_epoch: epochs, counted from 0, that are not looked at.

    Raises: ValueError for no values, a negative patience or another mode.

    >>> early_stopping([1.0, 0.6, 0.7, 0.8, 0.5], patience=2, restore_best_weights=True)
    Stop(epochs=4, kept=2, early=True)
    """
    values = [float(value) for value in values]
    if not values:
        raise ValueError("expected at least one value, got none; mend by passing a curve such as the column val_loss")
    watch = Watch(
        patience=patience, min_delta=min_delta, mode=mode, baseline=baseline, start_from_epoch=start_from_epoch
    )
    for epoch, value in enumerate(values, start=1):
        watch.see(value)
        if watch.stop:
            return Stop(epoch, watch.best_epoch if restore_best_weights else epoch, early=True)
    last = len(values)
    return Stop(last, watch.best_epoch if restore_best_weights and watch.best_epoch else last, early=False)


class Watch:
    """Early stopping as it happens: shown one value after each epoch; the arguments are those of `early_stopping`.

    Attributes:
        best_epoch: epoch of the best value so far, counted from 1; None before one was looked at.
        stop: whether patience ran out.
    """

    def __init__(
        self,
        *,
        patience: int,
        min_delta: float = 0.0,
        mode: str = "min",
        baseline: float | None = None,
        start_from_epoch: int = 0,
    ):
        if patience < 0:
            raise ValueError(f"expected a patience of 0 or more epochs, got {patience}; mend by a number such as 10")
        if mode not in ("min", "max"):
            raise ValueError(
                f"expected mode 'min' or 'max', got {mode!r}; mend by 'min' for a loss, 'max' for accuracy"
            )
        self._patience, self._min_delta, self._mode, self._baseline = patience, min_delta, mode, baseline
        self._start_from_epoch = start_from_epoch
        self._seen, self._wait, self._best = 0, 0, math.nan
        self.best_epoch: int | None = None
        self.stop = False

    def see(self, value: float) -> bool:
        """Take in the value of the epoch that has just ended; True if it is the best so far."""
        self._seen += 1
        if self._seen <= self._start_from_epoch:
            return False
        self._wait += 1
        # the first value that is looked at counts as an improvement, even where it is no number
        if self.best_epoch is None or _improves(value, self._best, self._min_delta, self._mode):
            self._best, self.best_epoch = value, self._seen
            if self._baseline is None or _improves(value, self._baseline, self._min_delta, self._mode):
                self._wait = 0
            return True
        self.stop = self._wait >= self._patience and self._seen > 1
        return False


def _improves(value: float, reference: float, min_delta: float, mode: str) -> bool:
    # in single precision, as Keras compares: two losses that differ by less are a tie there and have to be one here
    shifted = np.float32(value + abs(min_delta) if mode == "min" else value - abs(min_delta))
    return bool(shifted < np.float32(reference) if mode == "min" else shifted > np.float32(reference))
