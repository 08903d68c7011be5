"""What schedules, scheduled optimizers, callbacks and the range test cost, against a bare `fit`.

One network (64-64-10 on the digits, batch 32), one compiled model a way, each warm before it is timed. Every round fits
every way, in an order drawn by chance, and divides an epoch's time by that of the bare fit of the same round; medians
of the ratios, with the interval between their quartiles. The first epoch of each fit compiles and is left out. Keras's
own `LearningRateScheduler`, a callback that sets the rate at every batch, and `evaluate` on the training data are
measured beside ours.

    python benchmarks/callbacks.py [--rounds 20]
"""

import argparse
import os
import time

# one thread an operation, as in the other benchmarks: a second one is woken for nothing by operations this small
os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}

import keras
import numpy as np

from textbook import datasets, optimizers, schedules, splits
from textbook.callbacks import BatchLoss, CleanTrainLoss, UpdateRatio
from textbook.models import mlp
from textbook.range_test import learning_rate_range_test

BATCH, RATE = 32, 0.05
REPEATS, EPOCHS = 4, 3  # the 1,024 rows so often make an epoch; so many epochs make a fit
TEST_RATES = 100


def compiled(optimizer) -> keras.Model:
    model = mlp((64,), 10)
    model.compile(
        optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"], jit_compile=False
    )
    return model


class RateEveryBatch(keras.callbacks.Callback):
    """The usual recipe: the same cycle as ours, set from Python before every batch."""

    def __init__(self, schedule):
        super().__init__()
        self.schedule, self.update = schedule, 0

    def on_train_batch_begin(self, batch, logs=None):
        self.model.optimizer.learning_rate = self.schedule(self.update)
        self.update += 1


class Evaluate(keras.callbacks.Callback):
    """The plain way to a training loss without dropout, penalties included: `evaluate` on all training rows."""

    def __init__(self, x, y):
        super().__init__()
        self.x, self.y = x, y

    def on_epoch_end(self, epoch, logs=None):
        self.model.evaluate(self.x, self.y, batch_size=BATCH, verbose=0)


class Clock(keras.callbacks.Callback):
    """Seconds of all epochs but the first, which compiles; stands last, so that it sees the others' work too."""

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 0:
            self._started = time.perf_counter()
        self.seconds = time.perf_counter() - self._started


def ways(x, y, updates: int) -> dict:
    """Name → (model, callbacks); `updates` is as long as the whole benchmark trains."""
    cycle = schedules.OneCycle(RATE, total=updates)
    in_graph = cycle.in_steps(1)
    plain = keras.optimizers.SGD
    return {
        "bare fit": (compiled(plain(RATE, momentum=0.9)), []),
        "bare fit, again": (compiled(plain(RATE, momentum=0.9)), []),
        "OneCycle rate in compile": (compiled(plain(in_graph, momentum=0.9)), []),
        "textbook SGD, OneCycle rate and momentum": (
            compiled(optimizers.SGD(learning_rate=in_graph, momentum=in_graph.momentum)), []
        ),
        "bare Adam": (compiled(keras.optimizers.Adam(1e-3)), []),
        "textbook Adam, scheduled beta_1": (
            compiled(optimizers.Adam(learning_rate=1e-3, beta_1=in_graph.momentum)), []
        ),
        "Keras LearningRateScheduler, by epoch": (
            compiled(plain(RATE, momentum=0.9)),
            [keras.callbacks.LearningRateScheduler(schedules.StepDecay(RATE, factor=0.5, every=updates))],
        ),
        "rate set from Python at every batch": (compiled(plain(RATE, momentum=0.9)), [RateEveryBatch(cycle)]),
        "CleanTrainLoss": (compiled(plain(RATE, momentum=0.9)), [CleanTrainLoss(x, y)]),
        "evaluate(x, y) after the epoch": (compiled(plain(RATE, momentum=0.9)), [Evaluate(x, y)]),
        "BatchLoss": (compiled(plain(RATE, momentum=0.9)), [BatchLoss()]),
        "UpdateRatio, every 10": (compiled(plain(RATE, momentum=0.9)), [UpdateRatio(every=10)]),
    }  # fmt: skip


BASIS = {"textbook Adam, scheduled beta_1": "bare Adam"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    train = splits.split(datasets.load("digits"), seed=0, sizes=(1024, 473, 300)).train
    x, y = np.tile(train.x, (REPEATS, 1)), np.tile(train.y, REPEATS)
    steps = -(-len(x) // BATCH)

    measured = ways(x, y, updates=steps * EPOCHS * (arguments.rounds + 1))

    def fit(name: str) -> float:
        model, callbacks = measured[name]
        clock = Clock()
        model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, callbacks=[*callbacks, clock], verbose=0)
        return clock.seconds / (EPOCHS - 1)

    for name in measured:
        fit(name)
    times = {name: [] for name in measured}
    order = np.random.default_rng(0)
    for _ in range(arguments.rounds):
        for name in order.permutation(list(measured)):  # nobody always follows the same neighbour
            times[name].append(fit(name))
    engine = f"keras {keras.__version__} on {keras.backend.backend()}"
    print(f"{engine}; {steps} updates an epoch, {EPOCHS} epochs a fit, {arguments.rounds} rounds")
    print(f"{'way':<42} {'ms a step':>9} {'of bare':>8} {'quartiles':>16}")
    for name, seconds in times.items():
        ratios = np.array(seconds) / np.array(times[BASIS.get(name, "bare fit")])
        low, middle, high = np.percentile(ratios, [25, 50, 75])
        print(f"{name:<42} {1e3 * np.median(seconds) / steps:>9.3f} {middle:>8.3f} {low:>7.3f} – {high:.3f}")

    model, rows = compiled(keras.optimizers.SGD(RATE, momentum=0.9)), BATCH * TEST_RATES
    model.fit(x[:rows], y[:rows], batch_size=BATCH, verbose=0)
    learning_rate_range_test(model, x, y, batch_size=BATCH, rates=TEST_RATES)
    ratios = []
    for _ in range(arguments.rounds):
        started = time.perf_counter()
        model.fit(x[:rows], y[:rows], batch_size=BATCH, verbose=0)
        bare = time.perf_counter() - started
        started = time.perf_counter()
        result = learning_rate_range_test(model, x, y, batch_size=BATCH, rates=TEST_RATES, stop_factor=None)
        ratios.append((time.perf_counter() - started) / bare)
        assert len(result.table) == TEST_RATES
    low, middle, high = np.percentile(ratios, [25, 50, 75])
    print(f"{'range test of 100 rates / 100 bare steps':<42} {'':>9} {middle:>8.3f} {low:>7.3f} – {high:.3f}")


if __name__ == "__main__":
    main()
