"""The training loss after the epoch, without dropout, with and without penalties."""

import keras
import numpy as np

from textbook.callbacks.inference_step import InferenceStep
from textbook.callbacks.training_rows import batches_of, rows_in


class CleanTrainLoss(keras.callbacks.Callback):
    """Adds to each epoch's logs the training loss of the weights as they are after it, in inference mode.

    clean_objective = clean_loss + penalty, where clean_loss = Σ n_b·L_b / Σ n_b over batches b of n_b rows. Keras's own
    `loss` is a mean over an epoch of changing weights with dropout on and penalties in; `evaluate` gives
    clean_objective; `clean_loss` is what an unpenalised validation loss may be compared with.

    Nothing of the model is assigned: metrics, batch-norm statistics and dropout's seeds stay as they are, so training
    goes on, bit for bit, as it does without this callback. Callbacks that monitor one of its keys, such as
    `EarlyStopping("clean_loss", mode="min")`, come after it in the list; Keras cannot guess their mode.

    Args:
        x, y: the training data as given to `fit`; x alone as a `PyDataset`, a `DataLoader` over indexed rows, or a
            `tf.data.Dataset`, which should be handed over before `.shuffle()`: reading a shuffled one moves its order.
        sample_weight: as given to `fit`. With `class_weight={0: 1.0, 1: 5.0}` pass the weight of each row's class,
            `numpy.array([1.0, 5.0])[y]`.
        metrics: also log the compiled metrics, as `clean_accuracy` and the like, and each output's loss.
        subset: rows (an int), share of the rows (a float), None for all, or "auto": a quarter of the rows, but at
            least 1,000. The same rows every epoch. The first epoch of a `fit` also pays for compiling.
        batch_size: rows a batch, of arrays; by default 1,024 or 8 MiB of x.
        seed: of the draw of the subset.

    Raises: ValueError for data that cannot be read again, a model compiled without a loss, a model with a `test_step`
        of its own, and a log that has one of the keys already.
    Source: chapter 4, 4.8. The names are those of `textbook.replicas`.

    >>> import keras, numpy as np
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, "linear", False, "ones", None, "l2")])
    >>> model.compile(keras.optimizers.SGD(0.0), "mse")
    >>> x = np.array([[1.0], [3.0]])
    >>> history = model.fit(x, 0 * x, verbose=0, callbacks=[CleanTrainLoss(x, 0 * x)]).history
    >>> [round(history[name][0], 6) for name in ("clean_loss", "penalty", "clean_objective")]
    [5.0, 0.01, 5.01]
    """

    def __init__(
        self,
        x,
        y=None,
        *,
        sample_weight=None,
        metrics: bool = False,
        subset: int | float | str | None = "auto",
        batch_size: int | None = None,
        seed: int = 0,
    ):
        super().__init__()
        self._data = batches_of(x, y, sample_weight=sample_weight, subset=subset, batch_size=batch_size, seed=seed)
        self._metrics = metrics
        self._step = None

    def on_train_begin(self, logs=None):
        model = self.model
        if type(model).test_step is not keras.Model.test_step:
            raise ValueError(
                f"expected a model that is evaluated as Keras does it, got {type(model).__name__} with a test_step of "
                "its own; mend by moving its loss into compute_loss, which this callback calls"
            )
        if model.loss is None and type(model).compute_loss is keras.Model.compute_loss:
            raise ValueError(
                "expected a model compiled with a loss, got one with penalties alone; mend by compile(loss=…)"
            )
        self._step = InferenceStep(model, metrics=self._metrics)

    def on_epoch_end(self, epoch, logs=None):
        values = self._measure()
        taken = sorted(set(values) & set(logs or {}))
        if taken:
            raise ValueError(
                f"expected logs without {', '.join(taken)}, got them from a metric or another CleanTrainLoss; "
                "mend by renaming the metric or by keeping one CleanTrainLoss"
            )
        if logs is not None:
            logs.update(values)

    def _measure(self) -> dict[str, float]:
        variables, metrics = self._step.start()
        results, rows, sums = {}, 0, np.zeros(2)
        for batch in self._data.batches():
            *losses, results, metrics = self._step(variables, metrics, batch)
            count = rows_in(batch[0])
            rows += count
            sums += count * np.array([_number(loss) for loss in losses])
        if not rows:
            raise ValueError("expected training data with at least one row, got none; mend by passing some")
        objective, penalty = sums / rows
        named = {"clean_loss": objective - penalty, "penalty": penalty, "clean_objective": objective}
        values = {name: float(value) for name, value in named.items()}
        # the model's own mean of the loss is among its metrics, and was not fed here
        return values | {f"clean_{name}": _number(value) for name, value in results.items() if name != "loss"}


def _number(tensor) -> float:
    return float(keras.ops.convert_to_numpy(tensor))
