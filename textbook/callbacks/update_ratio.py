"""How far an update moves each layer's kernel, in proportion to the kernel."""

import math

import keras
import numpy as np
import pandas as pd

from textbook.schedules.arguments import whole


class UpdateRatio(keras.callbacks.Callback):
    """‖w after − w before‖ / ‖w before‖ of every kernel, for one update in `every`.

    About 10⁻³ is the rule of thumb: a layer far above it is thrown about, one far below it learns next to nothing. It
    is a hint to look there, not a law. Training is left as it is, bit for bit.

    Args:
        every: updates from one measurement to the next. Each copies the kernels to the host twice, so that 1 slows
            small models markedly.
        layers: names of layers to look at (`layer.name`); by default all that have a kernel, which is any
            trainable weight of two axes or more.

    Attributes:
        table: a DataFrame, one row per measurement and kernel: update (counted from 0; the first one measured), epoch
            (counted from 1), layer (the weight's path), updates (how many the difference spans), weight_norm,
            update_norm, ratio. With `steps_per_execution=n` Keras shows the weights after every n-th update only, so a
            row spans n updates; a n-th of it is never above the mean of the single updates. With gradient accumulation
            a row spans the batches of one update.

    Raises: ValueError for a layer that is not there or has no kernel.

    Source: Karpathy, CS231n notes, Neural Networks Part 3, "Ratio of weights:updates" (2015).

    One update of w = 2 with rate 0.1 at L = w² moves it by 0.1·2w = 0.4:

    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, name="out")])
    >>> model.layers[0].kernel.assign([[2.0]]) and None
    >>> model.compile(keras.optimizers.SGD(0.1), "mse")
    >>> ratios = UpdateRatio(every=1)
    >>> _ = model.fit(np.ones((1, 1)), np.zeros((1, 1)), verbose=0, callbacks=[ratios])
    >>> [round(ratio, 6) for ratio in ratios.table.ratio]
    [0.2]
    """

    def __init__(self, every: int = 10, layers=None):
        super().__init__()
        self._every = whole("every", every, least=1, mend="mend by every=1 for each update")
        self._layers = None if layers is None else list(layers)
        self._rows, self._kernels = [], []

    def on_train_begin(self, logs=None):
        self._rows, self._before = [], None
        self._kernels = self._chosen()
        self._batches, self._due = 0, 0
        self._period = self._every * (getattr(self._optimizer(), "gradient_accumulation_steps", None) or 1)

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch + 1

    def on_train_batch_begin(self, batch, logs=None):
        self._first = batch
        if self._before is None and self._batches >= self._due:
            self._update, self._before = self._iterations(), self._values()

    def on_train_batch_end(self, batch, logs=None):
        self._batches += batch - self._first + 1
        if self._before is None:
            return
        updates = self._iterations() - self._update
        if not updates:  # gradients are being accumulated
            return
        for kernel, before, after in zip(self._kernels, self._before, self._values(), strict=True):
            weight, moved = np.linalg.norm(before), np.linalg.norm(after - before)
            ratio = moved / weight if weight else (np.inf if moved else np.nan)
            self._rows.append(
                (self._update, self._epoch, kernel.path, updates, float(weight), float(moved), float(ratio))
            )
        self._before = None
        self._due += self._period * max(1, math.ceil((self._batches - self._due) / self._period))

    @property
    def table(self) -> pd.DataFrame:
        names = ["update", "epoch", "layer", "updates", "weight_norm", "update_norm", "ratio"]
        return pd.DataFrame(self._rows, columns=names)

    def _iterations(self) -> int:
        return int(self._optimizer().iterations)

    def _optimizer(self):
        optimizer = self.model.optimizer
        return getattr(optimizer, "inner_optimizer", optimizer)  # under a loss scale, the one that updates

    def _values(self) -> list[np.ndarray]:
        _ = self.model  # on JAX, the access that brings the weights up to date
        # copies: a backend may hand out its own memory, which the update then overwrites
        return [
            np.array(keras.ops.convert_to_numpy(kernel.value), dtype=np.float64).ravel() for kernel in self._kernels
        ]

    def _chosen(self) -> list:
        layers = list(self.model._flatten_layers(include_self=True, recursive=True))
        if self._layers is not None:
            names = {layer.name for layer in layers}
            for name in self._layers:
                if name not in names:
                    raise ValueError(
                        f"expected layers of the model ({', '.join(sorted(names))}), got {name!r}; mend by one of these"
                    )
            layers = [layer for layer in layers if layer.name in self._layers]
        kernels = {
            id(variable): variable
            for layer in layers
            for variable in layer.trainable_variables
            if len(variable.shape) >= 2
        }
        if not kernels:
            raise ValueError(
                f"expected a trainable kernel, got none in {self._layers or self.model.name!r}; "
                "mend by naming layers that have one"
            )
        return list(kernels.values())
