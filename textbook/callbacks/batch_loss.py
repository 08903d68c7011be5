"""Each batch's own loss, where Keras logs the running mean of the epoch."""

import keras
import numpy as np
import pandas as pd


class BatchLoss(keras.callbacks.Callback):
    """Keeps the loss of every batch, measured before the update that it causes.

    Keras adds up total_k = total_{k−1} + n_k·L_k and count_k = count_{k−1} + n_k over the n_k rows of batch k, and logs
    total_k / count_k. Before each batch the total is set aside and put to 0, so that L_k = total / n_k without a
    difference of large numbers; after it the sum is put back, rounded as Keras rounds it, so that the epoch's loss is
    what it is without this callback. L_k is the loss that is trained on: with penalties, dropout and sample weights.

    Put it first in the list: it also puts the running mean back into the `logs` that later callbacks see.

    Args:
        blocks: with `steps_per_execution=s` a callback is called once for s batches. False refuses that; True keeps the
            mean over the rows of each block, as the column `batches` of the table then says.

    Attributes:
        table: a row per batch: `update` (training steps since `fit` began, from 1), `epoch` and `batch` (from 0, as
            Keras counts; of a block, its last batch), `batches` (in this row), `rows`, `loss`.
        history: {"batch_loss": one array per epoch}, to stand beside `History.history`.

    Against losses computed in NumPy the error is that of one float32 loss, below 2e-6 of it. With an iterator of
    unknown length nothing can be set aside safely, and the loss is a difference of two totals; its error is then up to
    1.2e-7 of the total, that is, of the mean loss times the number of batches so far.

    Raises: ValueError for `steps_per_execution` above 1 unless `blocks=True`; for a model that keeps no running loss.

    >>> import keras, numpy as np
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
    >>> model.compile(keras.optimizers.SGD(0.0), "mse")
    >>> x, each = np.array([[1.0], [2.0], [3.0]]), BatchLoss()
    >>> history = model.fit(x, 0 * x, batch_size=1, shuffle=False, verbose=0, callbacks=[each])
    >>> each.table.loss.round(6).tolist(), round(history.history["loss"][0], 4)
    ([1.0, 4.0, 9.0], 4.6667)
    """

    def __init__(self, *, blocks: bool = False):
        super().__init__()
        self._blocks = blocks
        self._records: list[tuple] = []

    @property
    def table(self) -> pd.DataFrame:
        columns = {"update": int, "epoch": int, "batch": int, "batches": int, "rows": int, "loss": float}
        return pd.DataFrame(self._records, columns=list(columns)).astype(columns)

    @property
    def history(self) -> dict[str, list[np.ndarray]]:
        return {"batch_loss": [rows.loss.to_numpy() for _, rows in self.table.groupby("epoch")]}

    def on_train_begin(self, logs=None):
        model = self.model
        self._records, self._update = [], 0
        self._steps = self.params.get("steps")
        block = int(model.steps_per_execution)
        if block > 1 and not self._blocks:
            raise ValueError(
                f"expected steps_per_execution=1, got {block}, with which callbacks see {block} batches at once; "
                "mend by compile(steps_per_execution=1), or by BatchLoss(blocks=True) for the means of blocks"
            )
        if block > 1 and not self._steps:
            raise ValueError(
                "expected data of known length to tell how many batches a block has, got an iterator without; mend by "
                "fit(steps_per_epoch=…) or by steps_per_execution=1"
            )
        means = [metric for metric in model.metrics if metric.name == "loss" and isinstance(metric, keras.metrics.Mean)]
        if len(means) != 1:
            raise ValueError(
                f"expected a model with one running mean of its loss, got {len(means)}; mend by compile(loss=…) and, "
                "in a train_step of one's own, by a keras.metrics.Mean named 'loss'"
            )
        self._mean = means[0]

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch, self._begun = epoch, None
        self._total, self._count = np.float32(0), np.float32(0)

    def on_train_batch_begin(self, batch, logs=None):
        self._begun = batch
        if self._steps:
            self._mean_of_the_model().total.assign(0.0)

    def on_train_batch_end(self, batch, logs=None):
        mean = self._mean_of_the_model()
        total, count = _read(mean.total), _read(mean.count)
        rows = float(count - self._count)
        if not rows:
            raise ValueError(
                "expected a training step that feeds the running mean of the loss, got one that did not; mend by "
                "compute_loss in place of a train_step of one's own"
            )
        with np.errstate(over="ignore", invalid="ignore"):  # a diverging loss is recorded, not complained about
            own = total if self._steps else total - self._total
            # the same float32 sum as the one that Keras would have made
            self._total, self._count = self._total + own if self._steps else total, count
        if self._steps:
            self._put_back(logs)
        # of a full block Keras names the last batch even where the data end within it
        batch = min(batch, self._steps - 1) if self._steps else batch
        batches = batch + 1 - self._begun
        self._update += batches
        self._records.append((self._update, self._epoch, batch, batches, int(rows), float(own) / rows))
        self._begun = None

    def on_epoch_end(self, epoch, logs=None):
        if self._begun is not None and self._steps:  # the data ended early, after a batch was announced
            self._put_back(logs)

    def _put_back(self, logs) -> None:
        self._mean_of_the_model().total.assign(self._total)
        if logs is not None and "loss" in logs and self._count:
            logs["loss"] = float(self._total) / float(self._count)

    def _mean_of_the_model(self) -> keras.metrics.Mean:
        _ = self.model  # on JAX, reading it brings the state of the training step back into the variables
        return self._mean


def _read(variable) -> np.float32:
    return np.float32(keras.ops.convert_to_numpy(variable.value))
