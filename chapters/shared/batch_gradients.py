"""Mini-batch gradients of trained networks beside the full gradient: their directions, their scatter, their mean."""

import numpy as np
import pandas as pd

from textbook.models import mlp
from textbook.replicas import Condition
from textbook.seeding import stream

PLAIN, NORMALISED = "MLP", "MLP with batch norm"
START, EARLY, LATE = "before training", "early", "late"
_MOST_ROWS = 2048  # rows of batches held at once


def batch_gradients(
    run,
    *,
    sizes: tuple[int, ...] = (1, 4, 16, 64, 256),
    draws: int = 40,
    averaged: tuple[int, ...] = (1, 4, 16),
    normalised: tuple[int, ...] = (4, 16),
    most: int = 1024,
) -> dict[str, pd.DataFrame]:
    """Gradients of batches drawn without replacement, at three stages of a training, and means of many of them.

    Args:
        sizes: batch sizes whose gradients are compared one by one with the full one, `draws` of each.
        averaged: batch sizes of which up to `most` gradients are averaged, in the early network.
        normalised: the same with batch norm, whose full gradient has the statistics of all rows.

    Returns: {"single": condition, seed, epochs, batch_size, cosine (mean over draws), variance (mean ‖g_B − g‖²/‖g‖²);
    "means": network, condition, seed, batch_size, batches, distance (root mean square of ‖mean − g‖/‖g‖, over as
    many disjoint groups of so many batches as there are)}.
    """
    plain = _Networks(run, mlp, {START: 0.0, EARLY: 0.1, LATE: 0.1}, {START: 1, EARLY: 3, LATE: 20})
    single = [
        _single(model, plain, part, sizes, draws, seed).assign(condition=stage, seed=seed, epochs=plain.last[stage])
        for stage, seed, model, part in plain.all()
    ]
    with_norm = _Networks(run, _normalised_mlp, {EARLY: 0.1}, {EARLY: 3})
    means = [
        _means(model, networks, part, size, most, seed).assign(network=name, seed=seed)
        for name, networks, chosen in ((PLAIN, plain, averaged), (NORMALISED, with_norm, normalised))
        for stage, seed, model, part in networks.all()
        if stage == EARLY
        for size in chosen
    ]
    means = pd.concat(means)
    means["condition"] = means.network + ", B = " + means.batch_size.astype(str)
    return {"single": pd.concat(single), "means": means.assign(epochs=plain.last[EARLY])}


def _normalised_mlp(input_shape, outputs):
    return mlp(input_shape, outputs, batch_norm=True)


class _Networks:
    """One network for each seed and stage, and the gradients of its loss for many batches at once."""

    def __init__(self, run, build, rates, epochs):
        import keras
        import tensorflow as tf

        from textbook.replicas.trainer import ReplicaTrainer  # here, because a cached run loads no TensorFlow

        self._splits = run.splits("digits")
        conditions = {
            stage: Condition(learning_rate=rate, momentum=0.9 if rate else 0.0, epochs=run.epochs(epochs[stage]))
            for stage, rate in rates.items()
        }
        longest = run.epochs(max(epochs.values()))
        trainer = ReplicaTrainer(build, self._splits, conditions=conditions, seeds=run.seeds, epochs=longest)
        result = trainer.run()
        self.last = result.table.groupby("condition").epoch.max()
        self._trained = {(stage, seed): result.trained(stage, seed) for stage in rates for seed in run.seeds}
        split = self._splits(run.seeds[0])
        self._model = build(split.x.shape[1:], split.classes)
        self._loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self._many = tf.function(self._vectorised, reduce_retracing=True)

    def all(self):
        """(stage, seed, model, training part) of every network."""
        for (stage, seed), model in self._trained.items():
            yield stage, seed, model, self._splits(seed).train

    def gradients(self, model, part, batches) -> np.ndarray:
        """(draws, weights) for batches of row numbers (draws, size), as in training: batch norm by the batch's own."""
        import tensorflow as tf

        weights = [tf.convert_to_tensor(w) for w in model.trainable_variables]
        state = [tf.convert_to_tensor(w) for w in model.non_trainable_variables]
        x, y = tf.constant(np.asarray(part.x, np.float32)), tf.constant(part.y)
        at_once = max(1, _MOST_ROWS // batches.shape[1])
        pieces = [batches[at : at + at_once] for at in range(0, len(batches), at_once)]
        found = [self._many(weights, state, x, y, tf.constant(piece.astype(np.int32))).numpy() for piece in pieces]
        return np.concatenate(found)

    def _vectorised(self, weights, state, x, y, batches):
        import tensorflow as tf

        def one(rows):
            with tf.GradientTape() as tape:
                tape.watch(weights)
                outputs, _ = self._model.stateless_call(weights, state, tf.gather(x, rows), training=True)
                loss = self._loss(tf.gather(y, rows), outputs)
            return tf.concat([tf.reshape(g, [-1]) for g in tape.gradient(loss, weights)], axis=0)

        return tf.vectorized_map(one, batches)


def _drawn(part, size: int, draws: int, random) -> np.ndarray:
    """(draws, size) row numbers: each batch without replacement, the batches independent of one another."""
    size = min(size, len(part))
    if size == 1:
        return random.integers(len(part), size=(draws, 1))
    return np.stack([random.choice(len(part), size, replace=False) for _ in range(draws)])


def _full(networks, model, part) -> np.ndarray:
    return networks.gradients(model, part, np.arange(len(part))[None])[0]


def _single(model, networks, part, sizes, draws, seed) -> pd.DataFrame:
    full, rows = _full(networks, model, part), []
    length, random = np.linalg.norm(full), stream(seed, "single batches")
    for size in sizes:
        found = networks.gradients(model, part, _drawn(part, size, draws, random))
        cosine = found @ full / (np.linalg.norm(found, axis=1) * length)
        variance = ((found - full) ** 2).sum(axis=1).mean() / length**2
        rows.append((size, cosine.mean(), variance))
    return pd.DataFrame(rows, columns=["batch_size", "cosine", "variance"])


def _means(model, networks, part, size, most, seed) -> pd.DataFrame:
    full = _full(networks, model, part)
    groups = networks.gradients(model, part, _drawn(part, size, most, stream(seed, "averaged batches")))
    rows, batches = [], 1
    while len(groups):
        distance = np.sqrt(((groups - full) ** 2).sum(axis=1).mean()) / np.linalg.norm(full)
        rows.append({"batch_size": size, "batches": batches, "distance": distance})
        groups = groups[: len(groups) // 4 * 4].reshape(-1, 4, len(full)).mean(axis=1)
        batches *= 4
    return pd.DataFrame(rows)
