"""The fast engine: a group of replicas trained at once by one compiled program."""

import contextlib
import functools
import time

import keras
import numpy as np
import tensorflow as tf

from textbook.replicas.outcome import Outcome
from textbook.replicas.plan import Group, Replica
from textbook.replicas.program import Program, Recipe

# Replicas per wave: past this size the time per replica no longer falls on a CPU, while the memory goes on rising.
WAVE = 128

# Tracing a program takes longer than training a small model, so sections that train the same network share one.
_PROGRAMS: dict[tuple, Program] = {}


def train(group: Group, *, test_every_epoch: bool, progress) -> Outcome:
    """Train all replicas of a group, in waves of at most `WAVE`; results do not depend on the size of a wave."""
    data = tf.constant(np.asarray(group.replicas[0].split.x, np.float32))
    # conditions share their seeds' weights, so each is drawn once
    drawn = functools.cache(lambda weights, masks: group.blueprint.initializer.draw(weights=weights, masks=masks))
    waves = [group.replicas[i : i + WAVE] for i in range(0, len(group.replicas), WAVE)]
    with _quiet():
        return Outcome.joined(
            [_Wave(group, replicas, data, drawn).run(test_every_epoch, progress) for replicas in waves]
        )


def _program(group: Group, sample_shape) -> Program:
    if group.graph not in _PROGRAMS:
        blueprint, split = group.blueprint, group.replicas[0].split
        recipe = Recipe(
            model=blueprint.model,
            optimizer=group.optimizer,
            loss=_cross_entropy if blueprint.default_loss and split.classes else blueprint.loss,
            metrics=tuple(
                _accuracy if metric is keras.metrics.sparse_categorical_accuracy else metric
                for metric in blueprint.metrics.values()
            ),
            weight_decay=group.replicas[0].weight_decay is not None,
            scaled=split.scale is not None,
        )
        kind = tf.int64 if split.classes else tf.float32
        _PROGRAMS[group.graph] = Program(recipe, sample_shape=sample_shape, label_type=kind)
    return _PROGRAMS[group.graph]


def _cross_entropy(y, outputs):
    """Keras's sparse cross-entropy from logits, without its casts of y to floating point and back."""
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, outputs))


def _accuracy(y, outputs):
    """Keras's sparse accuracy; its own argmax looks at the bits of −0, which runs as a loop over replicas."""
    return tf.cast(tf.equal(tf.argmax(outputs, axis=-1), y), tf.float32)


@contextlib.contextmanager
def _quiet():
    """Keep TensorFlow from logging, at the first trace, which operations run as loops over replicas."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        yield
    finally:
        logger.setLevel(level)


class _Wave:
    """The tensors of some replicas of a group."""

    def __init__(self, group: Group, replicas: list[Replica], data: tf.Tensor, drawn):
        self.group, self.data = group, data
        # A stack of one takes another kernel in the matrix product and differs in the last bit; a pair does not.
        self.count = len(replicas)
        self.replicas = replicas * 2 if self.count == 1 else replicas
        self.program = _program(group, data.shape[1:])
        self.parts = {name: self._part(name) for name in ("train", "validation", "test")}
        self.scaler = self._scaler(data.shape[1:])
        self.hyperparameters = {
            name: tf.constant([getattr(r, name) for r in self.replicas], tf.float32)
            for name in self.program.optimizer.mapped
        }
        self.state = self._initial_state(drawn)

    def _part(self, name: str):
        parts = [getattr(r.split, name) for r in self.replicas]
        kind = np.int64 if self.replicas[0].split.classes else np.float32
        return (
            tf.constant(np.stack([p.indices for p in parts]).astype(np.int32)),
            tf.constant(np.stack([np.asarray(p.y) for p in parts]).astype(kind)),
        )

    def _scaler(self, shape):
        if self.replicas[0].split.scale is None:
            empty = tf.zeros([0, *shape])
            return empty, empty
        return tuple(
            tf.constant(np.stack([getattr(r.split, name) for r in self.replicas]).astype(np.float32))
            for name in ("offset", "scale")
        )

    def _initial_state(self, drawn):
        values = [drawn(r.seeds.weights, r.seeds.masks) for r in self.replicas]
        stacked = ([tf.constant(np.stack(one)) for one in zip(*(v[i] for v in values), strict=True)] for i in (0, 1))
        return (*stacked, self.program.optimizer.initial(len(self.replicas)))

    def run(self, test_every_epoch: bool, progress) -> Outcome:
        """Train every epoch, and evaluate after each."""
        group, metrics = self.group, list(self.group.blueprint.metrics)
        outcome = Outcome.empty(self.count, group.epochs, metrics)
        state = self.state
        orders = [r.orders() for r in self.replicas]
        rates = np.stack([r.rates for r in self.replicas], axis=-1)  # (epochs, updates, replicas)
        data = (self.data, self.scaler)
        started = time.perf_counter()
        for epoch in range(group.epochs):
            state, sums, clean, validation = self.program.epoch(
                state,
                *data,
                self.parts["train"],
                self.parts["validation"],
                tf.constant(np.stack([next(o) for o in orders])),
                group.batch_size,
                tf.constant(rates[epoch], tf.float32),
                self.hyperparameters,
            )
            outcome.record_training(epoch, sums.numpy()[: self.count])
            outcome.record("clean", epoch, clean.numpy()[: self.count])
            outcome.record("val", epoch, validation.numpy()[: self.count])
            if test_every_epoch or epoch == group.epochs - 1:
                test = self.program.evaluate(state, *data, self.parts["test"])
                outcome.record("test", epoch, test.numpy()[: self.count])
            now = time.perf_counter()
            outcome.columns["seconds"][:, epoch] = (now - started) / self.count
            started = now
            progress(self.count * group.updates_per_epoch)
        outcome.weights = [v.numpy()[: self.count] for v in (*state[0], *state[1])]
        return outcome
