"""The gradient noise scale at the ends of epochs: the batch size beyond which larger batches bring little."""

from dataclasses import asdict

import keras
import pandas as pd

from textbook.gradients import LossGradient
from textbook.noise_scale import noise_scale_of
from textbook.schedules.arguments import whole


class GradientNoise(keras.callbacks.Callback):
    """B = tr Σ / |G|² on given data after epochs: the simple noise scale, in rows.

    Batches far below B are mostly noise, and doubling them nearly doubles the progress of a step; far above B it brings
    next to nothing. B grows while training proceeds. `textbook.noise_scale.noise_scale` has the unbiased estimators.
    Gradients are those of the loss without dropout and with batch norm's moving statistics, so that they are means over
    rows. Training is left as it is, bit for bit.

    Args:
        x, y: training data or a part of it, arrays of equally many rows.
        small: rows of a small batch, one or more. The smaller, the more precise and the slower.
        big: rows that are looked at in all, at least 2·small; by default all of x. A measurement costs as much as so
            many rows of training in small batches.
        every: epochs from one measurement to the next.
        seed: of the rows' order, which is another one after each epoch.

    Attributes:
        table: a DataFrame, one row per measured epoch (counted from 1): epoch, small, big, gradient_squared,
            noise, noise_scale, low, high (95 % interval). NaN where the gradient cannot be told from its noise.

    Raises: ValueError for fewer rows than two small batches.

    Source: McCandlish, Kaplan, Amodei (2018), An Empirical Model of Large-Batch Training.

    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> noise = GradientNoise(x, x.sum(axis=1), small=4)
    >>> _ = model.fit(x, x.sum(axis=1), epochs=2, verbose=0, callbacks=[noise])
    >>> noise.table[["epoch", "small", "big"]].values.tolist()
    [[1, 4, 64], [2, 4, 64]]
    """

    def __init__(
        self,
        x,
        y=None,
        *,
        small: int = 8,
        big: int | None = None,
        every: int = 1,
        seed: int = 0,
    ):
        super().__init__()
        self._x, self._y = x, y
        self._small = whole("small", small, least=1, mend="mend by a batch size such as 8")
        self._every = whole("every", every, least=1, mend="mend by every=1 for each epoch")
        self._seed = whole("seed", seed, least=0, mend="mend by seed=0")
        self._big = big
        self._rows, self._gradient = [], None

    def on_train_begin(self, logs=None):
        self._rows = []
        self._gradient = LossGradient(self.model)

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self._every:
            return
        _ = self.model  # on JAX, the access that brings the weights up to date
        found = noise_scale_of(
            self._gradient, self._x, self._y, small=self._small, big=self._big, seed=[self._seed, epoch]
        )
        self._rows.append({"epoch": epoch + 1, **asdict(found)})

    @property
    def table(self) -> pd.DataFrame:
        names = ["epoch", "small", "big", "gradient_squared", "noise", "noise_scale", "low", "high"]
        return pd.DataFrame(self._rows, columns=names)
