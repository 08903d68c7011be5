"""The average of the weights that training passes through: stochastic weight averaging, or a moving average."""

import contextlib
import warnings
from dataclasses import dataclass, field

import keras
import numpy as np

from textbook.batch_statistics import batch_norms, estimate_batch_statistics
from textbook.callbacks.last_word import after_all_callbacks
from textbook.gradients import no_gradients, untouched_randomness
from textbook.schedules.arguments import weight, whole


@dataclass(frozen=True)
class _State:
    """The average after so many epochs; never changed, so that an older one can be gone back to."""

    epochs: int = 0
    updates: int = 0
    count: int = 0
    average: list = field(default_factory=list)


class WeightAverage(keras.callbacks.Callback):
    """SWA, avg += (w − avg)/(n + 1) after epochs; or with `decay` d an EMA, avg = d·avg + (1 − d)·w after updates.

    Training itself is left as it is, bit for bit: the model holds its own weights all the while, so checkpoints can
    be resumed from and `EarlyStopping` judges what it trains. At the end, after every other callback wherever it stands
    in the list, the average is put into the model (`swap`), with batch-norm statistics estimated anew.

    Only trainable weights are averaged. Other ones, such as those of frozen layers, are as training left them.

    Args:
        data: training inputs for the batch-norm statistics, as `estimate_batch_statistics` takes them; needed where
            the model has batch norm, since statistics of other weights do not fit the averaged ones.
        decay: None for SWA; for an EMA its d, 0 ≤ d < 1, such as 0.999. The EMA begins at the first weights it takes.
        start: how much training comes before, in epochs for SWA, in updates for an EMA.
        every: the distance from then on, in epochs or updates: weights are taken after start + every, start + 2·every …
        swap: put the average into the model at the end of training.
        validation: (x, y) or (x, y, sample_weight) to evaluate the average on.
        evaluate_every: evaluate every so many epochs, under `average_val_loss` and the like in the logs; callbacks
            that read these (`EarlyStopping(monitor="average_val_loss")`) have to stand behind this one.
        batch_size: rows at once, for `data` and `validation`.

    Attributes:
        count: how many weights the average is of.
        average: a list of arrays, one for each of `model.trainable_variables`.
        original_weights: after a swap, what `model.get_weights()` gave before it: the last weights, or the best
            ones where `EarlyStopping` restored them.

    Raises: ValueError for a model with batch norm and no data, a `start` that the epochs never reach, updates that
        Keras does not show (`steps_per_execution`, gradient accumulation), and a resumed run without its state.

    A run from epoch 0 begins anew. One with `initial_epoch` goes on; in another process, after `set_state(…)`. An
    average lives where the weights do and takes as much room; evaluation takes two copies on the host for a while.

    Source: Izmailov et al. (2018), Averaging Weights Leads to Wider Optima and Better Generalization; Polyak and
    Juditsky (1992).

    With a rate of ¼ on L = w², w goes 4, 2, 1, ½; the average is that of 1 and ½:

    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    >>> model.layers[0].kernel.assign([[4.0]]) and None
    >>> model.compile(keras.optimizers.SGD(0.25), "mse")
    >>> swa = WeightAverage(start=1)
    >>> _ = model.fit(np.ones((1, 1)), np.zeros((1, 1)), epochs=3, verbose=0, callbacks=[swa])
    >>> swa.count, model.get_weights()[0].tolist(), swa.original_weights[0].tolist()
    (2, [[0.75]], [[0.5]])
    """

    def __init__(
        self,
        data=None,
        *,
        decay: float | None = None,
        start: int = 0,
        every: int = 1,
        swap: bool = True,
        validation: tuple | None = None,
        evaluate_every: int | None = None,
        batch_size: int = 256,
    ):
        super().__init__()
        self._decay = None if decay is None else weight("decay", decay)
        self._start = whole("start", start, least=0, mend="mend by start=0 to average from the beginning")
        self._every = whole("every", every, least=1, mend="mend by every=1")
        self._batch_size = whole("batch_size", batch_size, least=1, mend="mend by that of training, such as 32")
        if evaluate_every is not None:
            whole("evaluate_every", evaluate_every, least=1, mend="mend by 1 for each epoch, or None for never")
        if (evaluate_every is None) != (validation is None):
            raise ValueError(
                f"expected validation and evaluate_every together, got {'one' if validation is None else 'validation'} "
                "alone; mend by validation=(x, y), evaluate_every=1"
            )
        self._data, self._swap = data, bool(swap)
        self._validation, self._evaluate_every = validation, evaluate_every
        self._now = self._kept = _State()
        self._given = False
        self.original_weights: list[np.ndarray] | None = None

    # --- what came of it ---

    @property
    def count(self) -> int:
        return self._now.count

    @property
    def average(self) -> list[np.ndarray]:
        return [np.array(keras.ops.convert_to_numpy(part)) for part in self._now.average]

    def get_state(self) -> dict:
        """The state after the last whole epoch: three numbers, and a list of arrays under "average"."""
        kept = self._kept
        average = [np.array(keras.ops.convert_to_numpy(part)) for part in kept.average]
        return {"epochs": kept.epochs, "updates": kept.updates, "count": kept.count, "average": average}

    def set_state(self, state: dict) -> None:
        """Take up what `get_state` gave; `fit(initial_epoch=state["epochs"], …)` then goes on as if never stopped."""
        missing = {"epochs", "updates", "count", "average"} - set(state)
        if missing:
            raise ValueError(
                f"expected the dict that get_state() gives, got one without {sorted(missing)}; mend by that dict"
            )
        numbers = {name: int(state[name]) for name in ("epochs", "updates", "count")}
        average = [keras.ops.convert_to_tensor(part) for part in state["average"]]
        self._now = self._kept = _State(**numbers, average=average)
        self._given = True

    # --- training ---

    def on_train_begin(self, logs=None):
        self._first_epoch, self.original_weights = True, None
        self._refuse_what_cannot_work()
        self._last = self._swap and after_all_callbacks(self, self._finish)

    def on_epoch_begin(self, epoch, logs=None):
        if not self._first_epoch:
            return
        self._first_epoch = False
        self._now = self._kept if epoch or self._given else _State()
        self._kept, self._given = self._now, False
        known = self._now.epochs
        if epoch == known:
            return
        if self._decay is not None or epoch < known or any(self._due(e) for e in range(known + 1, epoch + 1)):
            raise ValueError(
                f"expected the average after {epoch} epochs to go on from, got one after {known}; "
                f"mend by set_state(…) of that epoch, or by fit(initial_epoch={known})"
            )

    def on_train_batch_begin(self, batch, logs=None):
        self._first_batch = batch

    def on_train_batch_end(self, batch, logs=None):
        if self._decay is None:
            return
        now = self._now
        updates = now.updates + batch - self._first_batch + 1
        self._now = _State(now.epochs, updates, now.count, now.average)
        if self._due(updates):
            self._take()

    def on_epoch_end(self, epoch, logs=None):
        if self._decay is None and self._due(epoch + 1):
            self._take()
        now = self._now
        self._now = self._kept = _State(epoch + 1, now.updates, now.count, now.average)
        if self._evaluate_every and (epoch + 1) % self._evaluate_every == 0 and self.count and logs is not None:
            logs.update(self._evaluated())

    def on_train_end(self, logs=None):
        if self._swap and not self._last:
            self._finish()

    # --- the parts ---

    def _due(self, at: int) -> bool:
        return at > self._start and (at - self._start) % self._every == 0

    def _take(self) -> None:
        now = self._now
        share = 1 / (now.count + 1) if self._decay is None or not now.count else 1 - self._decay
        with no_gradients():
            weights = [keras.ops.cast(own.value, _precision(own)) for own in self.model.trainable_variables]
            if now.count:
                pairs = zip(now.average, weights, strict=True)
                average = [mean + (own - mean) * share for mean, own in pairs]
            else:
                average = [
                    keras.ops.copy(own) for own in weights
                ]  # the next update would overwrite the weights themselves
        self._now = _State(now.epochs, now.updates, now.count + 1, average)

    def _put(self) -> None:
        model = self.model
        for own, mean in zip(model.trainable_variables, self._now.average, strict=True):
            # a copy, since JAX gives the memory of the model's weights to the next step
            own.assign(keras.ops.copy(keras.ops.cast(mean, own.dtype)))
        if batch_norms(model):
            estimate_batch_statistics(model, self._data, batch_size=self._batch_size)

    def _evaluated(self) -> dict:
        model = self.model
        with _undisturbed(model):
            self._put()
            x, y, sample_weight = (*self._validation, None, None)[:3]
            found = model.evaluate(
                x, y, sample_weight=sample_weight, batch_size=self._batch_size, verbose=0, return_dict=True
            )
        return {f"average_val_{name}": value for name, value in found.items()}

    def _finish(self) -> None:
        if not self.count:
            warnings.warn(
                f"no weights were averaged, since training ended before start={self._start}; "
                "the model keeps those of training",
                stacklevel=2,
            )
            return
        self.original_weights = [np.array(own) for own in self.model.get_weights()]
        self._put()

    def _refuse_what_cannot_work(self) -> None:
        model, steps, epochs = self.model, self.params.get("steps"), self.params.get("epochs")
        if self._data is None and (self._swap or self._evaluate_every) and (found := batch_norms(model)):
            raise ValueError(
                f"expected the training data, since {found[0].name!r} is a batch norm, whose statistics belong to "
                "other weights than the averaged ones; mend by WeightAverage(data=x, …)"
            )
        if self._decay is None:
            if epochs is not None and self._start + self._every > epochs:
                raise ValueError(
                    f"expected weights to average within {epochs} epochs, got start={self._start}, "
                    f"every={self._every}; mend by an earlier start or more epochs"
                )
            return
        optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
        if (getattr(optimizer, "gradient_accumulation_steps", None) or 1) > 1:
            raise ValueError(
                f"expected an update after each batch, got gradient_accumulation_steps="
                f"{optimizer.gradient_accumulation_steps}; mend by decay=None, which takes weights after epochs"
            )
        block = model.steps_per_execution
        if block > 1 and (self._every % block or self._start % block or steps is None or steps % block):
            raise ValueError(
                f"expected start={self._start}, every={self._every} and {steps} batches an epoch to be multiples of "
                f"steps_per_execution={block}, since Keras shows the weights only then; mend by such numbers"
            )


def _precision(variable) -> str:
    """At least float32: an average of float16 would stand still once its steps are below its resolution."""
    return keras.backend.result_type(variable.dtype, "float32")


@contextlib.contextmanager
def _undisturbed(model):
    """Put weights, seed states, metrics and, on torch, its random stream back to what they were."""
    variables = [*model.variables, *model.metrics_variables]
    own = [np.array(keras.ops.convert_to_numpy(variable.value)) for variable in variables]
    try:
        with untouched_randomness():
            yield
    finally:
        for variable, value in zip(variables, own, strict=True):
            variable.assign(value)
