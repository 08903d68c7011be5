"""The plain engine: the same replicas, one by one, by `model.fit` on the same batches in the same order.

It is the oracle that the fast engine is compared with, the baseline of every speed that is quoted, and what trains the
models that cannot be stacked.
"""

import time

import keras
import numpy as np

from textbook.replicas import numbers
from textbook.replicas.blueprint import calling, flat_inputs, packer
from textbook.replicas.data import sample_weights
from textbook.replicas.going_on import build_slots
from textbook.replicas.outcome import Asked, Outcome
from textbook.replicas.plan import Group, Replica


def train(group: Group, asked: Asked, progress) -> Outcome:
    """Train the replicas of a group one after another."""
    names = list(group.blueprint.objective.metrics)
    outcome = Outcome.empty("fit", len(group.replicas), group.epochs, names)
    for index, replica in enumerate(group.replicas):
        _Fit(group, replica, outcome, index, asked).run()
        progress(len(replica.rates) - replica.begun)
    return outcome


class _Fit:
    """One replica, trained by `model.fit`."""

    def __init__(self, group: Group, replica: Replica, outcome: Outcome, index: int, asked: Asked):
        self.group, self.replica, self.outcome, self.index, self.asked = group, replica, outcome, index, asked
        self.blueprint, self.model = group.blueprint, group.blueprint.model
        self.data = {name: self._part(name) for name in ("train", "validation", "test")}

    def run(self) -> None:
        """Train, evaluate after each epoch, and write everything into the outcome."""
        group, replica, blueprint, model = self.group, self.replica, self.blueprint, self.model
        blueprint.initializer.set(replica.seeds, replica.initial_weights)
        configure(model, blueprint.objective, replica)
        objective = blueprint.objective
        metrics = [[keras.metrics.MeanMetricWrapper(f, name=n) for n, f in one] for one in objective.by_output()]
        optimizer = optimizer_of(group, replica)
        model.compile(
            optimizer,
            loss=self._packed(objective.losses),
            loss_weights=None if objective.weights == (1.0,) else self._packed(objective.weights),
            metrics=self._packed(metrics),
        )
        if replica.start or self.asked.keep_state:
            build_slots(optimizer, model.trainable_variables, group.varying)
        if replica.start:
            own = [*blueprint.initializer.variables, *optimizer.variables]
            for variable, values in zip(own, (*replica.start.weights, *replica.start.slots), strict=True):
                variable.assign(values)
        record = _Record(self)
        stopping = [_Arrival(replica.stop), _early_stopping(replica.stop)] if replica.stop else []
        model.fit(
            self._batches(), epochs=group.epochs, initial_epoch=group.begun,
            steps_per_epoch=group.updates_per_epoch, shuffle=False, verbose=0,
            callbacks=[*_rates(replica, group.updates_per_epoch), _Budget(replica, group.seconds), record, *stopping],
            validation_data=self.data["validation"] if len(replica.split.validation.indices) else None,
        )  # fmt: skip
        kept = record.epochs
        if replica.stop and stopping[-1].best_weights is not None:
            kept = stopping[-1].best_epoch + 1
        self.outcome.kept[self.index] = kept
        if not self.asked.test_every_epoch:
            record.write("test", kept - 1)
        self.outcome.keep(self.outcome.weights, [self.index], self.weights())

    def _packed(self, by_output):
        """Something for each output in the structure of the model's outputs, as `compile` and `fit` want it."""
        outputs, names = self.blueprint.outputs, self.blueprint.objective.names
        if isinstance(outputs, dict):
            return dict(zip(names, by_output, strict=True))
        return list(by_output) if isinstance(outputs, list | tuple) else by_output[0]

    def weights(self) -> list[np.ndarray]:
        """The model's variables now, each as a stack of one."""
        return [keras.ops.convert_to_numpy(v.value)[np.newaxis] for v in self.blueprint.initializer.variables]

    def _part(self, name: str) -> tuple:
        rows = getattr(self.replica.split, name)
        x = packer(self.replica.split.x)(self.blueprint.inputs(rows.x))
        y = self._packed(self.blueprint.labels(rows.y))
        y = tuple(y) if isinstance(y, list) else y  # what generators may yield
        return (x, y, sample_weights(self.replica, name)) if self.group.weighted else (x, y)

    def _batches(self):
        """Batches without end, each epoch in the order that the replica's stream gives.

        A generator, because Keras fetches ahead: what it asks for next is then always the next batch.
        """
        size = self.group.batch_size
        for order in self.replica.orders():
            for start in range(0, len(order), size):
                rows = order[start : start + size]
                yield keras.tree.map_structure(lambda leaf, rows=rows: leaf[rows], self.data["train"])


def configure(model, objective, replica: Replica) -> None:
    """Put a replica's own numbers into the model and its losses."""
    numbers.assign(model, {n: v for n, v in replica.numbers.items() if n[0].isdigit()})
    for loss in objective.losses if len(objective.losses) == 1 else ():
        numbers.assign(loss, {n: v for n, v in replica.numbers.items() if n.startswith("loss.")})


def optimizer_of(group: Group, replica: Replica) -> keras.optimizers.Optimizer:
    """The group's optimizer with this replica's own numbers."""
    config = group.optimizer.get_config()
    own = {n.removeprefix("optimizer."): v for n, v in replica.numbers.items() if n.startswith("optimizer.")}
    return type(group.optimizer).from_config(config | own | {"learning_rate": float(replica.rates[0])})


def _rates(replica: Replica, per_epoch: int) -> list[keras.callbacks.Callback]:
    """Callbacks that set the learning rate: by epoch where it is held within one."""
    rates = replica.rates
    by_epoch = rates[::per_epoch]
    if (rates == np.repeat(by_epoch, per_epoch)[: len(rates)]).all():
        return [keras.callbacks.LearningRateScheduler(lambda epoch: float(by_epoch[epoch]))]
    return [_RatePerUpdate(rates[replica.begun :])]


class _RatePerUpdate(keras.callbacks.Callback):
    """Sets the learning rate before every update."""

    def __init__(self, rates: np.ndarray):
        super().__init__()
        self._rates = iter(rates)

    def on_train_batch_begin(self, batch, logs=None):
        self.model.optimizer.learning_rate = float(next(self._rates))


class _Budget(keras.callbacks.Callback):
    """Ends the training when updates or seconds are used up; the first update, which compiles, is not timed."""

    def __init__(self, replica: Replica, seconds: float | None):
        super().__init__()
        self.updates, self._most, self._seconds = 0, len(replica.rates) - replica.begun, seconds
        self._spent, self._started = 0.0, None

    def on_train_batch_begin(self, batch, logs=None):
        self._started = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        if self.updates:
            self._spent += time.perf_counter() - self._started
        self.updates += 1
        out_of_time = self._seconds is not None and self._spent >= self._seconds
        self.model.stop_training |= self.updates >= self._most or out_of_time


def _early_stopping(stop) -> keras.callbacks.EarlyStopping:
    """Keras's own."""
    return keras.callbacks.EarlyStopping(
        monitor=stop.monitor,
        patience=2**62 if stop.patience is None else stop.patience,
        min_delta=stop.min_delta,
        mode="max" if stop.rises else "min",
        baseline=stop.baseline,
        restore_best_weights=stop.restore_best_weights,
        start_from_epoch=stop.start_from_epoch,
    )


class _Arrival(keras.callbacks.Callback):
    """Ends the training where the monitored value has reached the target."""

    def __init__(self, stop):
        super().__init__()
        self._stop = stop

    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training |= self._stop.arrived(logs[self._stop.monitor])


class _Record(keras.callbacks.Callback):
    """Evaluates after each epoch what `fit` does not report, and adds it to the logs for the callbacks that follow."""

    def __init__(self, fit: _Fit):
        super().__init__()
        self._fit, self.epochs, self._updates = fit, 0, fit.replica.begun
        self._started = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        self._updates += 1

    def on_epoch_end(self, epoch, logs=None):
        outcome, index, asked = self._fit.outcome, self._fit.index, self._fit.asked
        self.epochs = epoch + 1
        at = (index, epoch)
        outcome.updates[at] = self._updates
        outcome.columns["seconds"][at] = time.perf_counter() - self._started
        self.write("clean", epoch)
        self.write("val", epoch)
        if asked.test_every_epoch:
            self.write("test", epoch)
        for name in ("loss", *outcome.metrics):  # as Keras itself reports them
            outcome.columns[name][at] = logs[name]
            if f"val_{name}" in logs:
                outcome.columns[f"val_{name}"][at] = logs[f"val_{name}"]
        logs |= {name: values[at] for name, values in outcome.columns.items()}
        if epoch + 1 in asked.snapshots:
            outcome.keep(outcome.snapshots.setdefault(epoch + 1, []), [index], self._fit.weights())
        if asked.keep_state:  # the epoch may be the last, and after it Keras puts averages in the weights' place
            slots = [keras.ops.convert_to_numpy(v.value)[np.newaxis] for v in self.model.optimizer.variables]
            outcome.keep(outcome.states, [index], [*self._fit.weights(), *slots])
        self._started = time.perf_counter()

    def write(self, part: str, epoch: int) -> None:
        """Evaluate a part without dropout, all its rows at once."""
        x, y, *weights = self._fit.data[{"clean": "train", "val": "validation"}.get(part, part)]
        if not len(flat_inputs(x)[0]):
            return
        objective, outputs = (
            self._fit.blueprint.objective,
            self._fit.model(x, **calling(self._fit.model, training=False)),
        )
        y = keras.tree.flatten(y)
        values = [float(objective(y, outputs, *weights)), float(sum(self._fit.model.losses))]
        values += [float(np.mean(keras.ops.convert_to_numpy(f(y, outputs)))) for f in objective.functions().values()]
        self._fit.outcome.record(part, [self._fit.index], epoch, np.array([values]))
