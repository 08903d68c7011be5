"""The plain engine: the same replicas, one by one, by `model.fit` on the same batches in the same order.

It is the oracle that the fast engine is compared with, and the baseline of every speed that is quoted.
"""

import time

import keras
import numpy as np

from textbook.replicas.outcome import Outcome
from textbook.replicas.plan import Group, Replica


def ordered_batches(x, y, *, orders, batch_size: int):
    """Batches without end, each epoch in the order that the replica's stream gives.

    A generator, because Keras fetches ahead: what it asks for next is then always the next batch.
    """
    for order in orders:
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            yield x[rows], y[rows]


class RatePerUpdate(keras.callbacks.Callback):
    """Sets the learning rate before every update."""

    def __init__(self, rates: np.ndarray):
        super().__init__()
        self._rates = iter(rates.ravel())

    def on_train_batch_begin(self, batch, logs=None):
        self.model.optimizer.learning_rate = float(next(self._rates))


class _Record(keras.callbacks.Callback):
    """Evaluates after each epoch what `fit` does not report."""

    def __init__(self, outcome: Outcome, group: Group, replica: Replica, index: int, test_every_epoch: bool):
        super().__init__()
        self._outcome, self._group, self._replica, self._index = outcome, group, replica, index
        self._test_every_epoch = test_every_epoch
        self._started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        columns, at = self._outcome.columns, (self._index, epoch)
        for name in ("loss", *self._outcome.metrics):
            columns[name][at] = logs[name]
        now = time.perf_counter()
        columns["seconds"][at] = now - self._started
        self._write("clean", self._replica.split.train, at)
        self._write("val", self._replica.split.validation, at)
        for name in ("loss", *self._outcome.metrics):
            if f"val_{name}" in logs:
                columns[f"val_{name}"][at] = logs[f"val_{name}"]
        if self._test_every_epoch or epoch == self._group.epochs - 1:
            self._write("test", self._replica.split.test, at)
        self._started = time.perf_counter()

    def _write(self, part: str, data, at):
        if not len(data.indices):
            return
        outputs = self.model(np.asarray(data.x, np.float32), training=False)
        columns, y = self._outcome.columns, _labels(data)
        loss = float(self._group.blueprint.loss(y, outputs))
        penalty = float(sum(self.model.losses))
        if part == "clean":
            columns["clean_loss"][at], columns["penalty"][at] = loss, penalty
        else:
            columns[f"{part}_clean_loss"][at], columns[f"{part}_loss"][at] = loss, loss + penalty
        for name, metric in self._group.blueprint.metrics.items():
            columns[f"{part}_{name}"][at] = float(np.mean(metric(y, outputs)))


def optimizer_of(group: Group, replica: Replica) -> keras.optimizers.Optimizer:
    """The group's optimizer with this replica's own numbers."""
    config = group.optimizer.get_config()
    config["learning_rate"] = float(replica.rates[0, 0])
    config["weight_decay"] = replica.weight_decay
    if "momentum" in config:
        config["momentum"] = float(replica.momentum)
    return type(group.optimizer).from_config(config)


def _labels(data) -> np.ndarray:
    """Classes as (rows,), a regression's values as (rows, 1), the shape of the outputs."""
    y = np.asarray(data.y)
    return y[:, np.newaxis] if y.dtype.kind == "f" else y


def train(group: Group, *, test_every_epoch: bool, progress) -> Outcome:
    """Train the replicas of a group one after another."""
    blueprint = group.blueprint
    outcome = Outcome.empty(len(group.replicas), group.epochs, list(blueprint.metrics))
    weights = []
    model = blueprint.model
    for index, replica in enumerate(group.replicas):
        blueprint.initializer.set(replica.seeds)
        model.compile(
            optimizer_of(group, replica),
            loss=blueprint.loss,
            metrics=[keras.metrics.MeanMetricWrapper(metric, name=name) for name, metric in blueprint.metrics.items()],
        )
        held = (replica.rates == replica.rates[:, :1]).all()
        rates = replica.rates
        callbacks = [
            keras.callbacks.LearningRateScheduler(lambda epoch, rates=rates: float(rates[epoch, 0]))
            if held
            else RatePerUpdate(rates),
            _Record(outcome, group, replica, index, test_every_epoch),
        ]
        split = replica.split
        batches = ordered_batches(
            np.asarray(split.train.x, np.float32), _labels(split.train),
            orders=replica.orders(), batch_size=group.batch_size,
        )  # fmt: skip
        validation = (np.asarray(split.validation.x, np.float32), _labels(split.validation))
        model.fit(
            batches, epochs=group.epochs, steps_per_epoch=group.updates_per_epoch, shuffle=False, callbacks=callbacks,
            validation_data=validation if len(validation[0]) else None, verbose=0,
        )  # fmt: skip
        weights.append([v.numpy() for v in blueprint.initializer.variables])
        progress(group.epochs * group.updates_per_epoch)
    outcome.weights = [np.stack(values) for values in zip(*weights, strict=True)]
    return outcome
