"""4.6 Steps the wrong way (확률적 경사 하강법)

Stochastic gradient descent updates after a single random row, whose gradient is a rough guess at the full one. Some
guesses point away from it, so that the step climbs the full loss; the more rows a batch averages, the rarer that is.
Chapter 8 calls small batches "SGD" as well, and Keras's `SGD` is the update rule alone: the number of rows per
update is `fit`'s batch_size.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import HOLDS, Claim, Run, trend
from textbook.models import mlp
from textbook.replicas import Condition
from textbook.seeding import stream

ENTRIES = ("4.6-b",)
DATA = "any"

DRAWS = 32  # batches drawn at each probe


def measure(
    run: Run, *, learning_rate: float = 0.1, batch_sizes: tuple[int, ...] = (1, 4, 16, 64, 256, 1024)
) -> pd.DataFrame:
    """Stop training at three points and try one step of plain SGD from each, with many batches of each size.

    The points lie on runs of the book's settings, with momentum; the steps tried there are without.
    """
    from textbook.replicas.trainer import ReplicaTrainer  # here, because a cached run loads no TensorFlow

    splits = run.splits("digits")
    conditions = {
        "before training": Condition(learning_rate=0.0, epochs=1),
        "early": Condition(learning_rate=0.1, momentum=0.9, epochs=run.epochs(3)),
        "late": Condition(learning_rate=0.1, momentum=0.9, epochs=run.epochs(20)),
    }
    trainer = ReplicaTrainer(mlp, splits, conditions=conditions, seeds=run.seeds, epochs=20)
    result, probe, tables = trainer.run(), _Probe(mlp, splits(run.seeds[0])), []
    last = result.table.groupby("condition").epoch.max()
    for seed in run.seeds:
        part = splits(seed).train
        sizes = sorted({min(size, len(part)) for size in batch_sizes})
        for name in conditions:
            weights = result.trained(name, seed).trainable_variables
            shares = probe(weights, part, sizes, learning_rate=learning_rate, random=stream(seed, "probe"))
            tables.append(shares.assign(condition=name, seed=seed, epochs=last[name]))
    return pd.concat(tables)


class _Probe:
    """Tries steps of plain SGD from given weights, many batches at once, on one compiled graph."""

    def __init__(self, build, split):
        import keras
        import tensorflow as tf

        self._model = build(split.x.shape[1:], split.classes)
        self._loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self._try = tf.function(self._steps, reduce_retracing=True)

    def __call__(self, weights, part, sizes, *, learning_rate, random) -> pd.DataFrame:
        """For each batch size, the shares of steps against the full gradient, and of steps that raise the full loss."""
        import tensorflow as tf

        weights = [tf.convert_to_tensor(w) for w in weights]
        x, y = tf.constant(np.asarray(part.x, np.float32)), tf.constant(part.y)
        rate, table = tf.constant(learning_rate, tf.float32), []
        for size in sizes:
            batches = np.stack([random.choice(len(part), size, replace=False) for _ in range(DRAWS)]).astype(np.int32)
            agreement, rise = self._try(weights, x, y, tf.constant(batches), rate)
            table.append((size, np.mean(agreement.numpy() < 0), np.mean(rise.numpy() > 0)))
        return pd.DataFrame(table, columns=["batch_size", "opposed", "raised"])

    def _mean_loss(self, weights, x, y):
        outputs, _ = self._model.stateless_call(weights, [], x, training=True)
        return self._loss(y, outputs)

    def _gradient(self, weights, x, y):
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(weights)
            loss = self._mean_loss(weights, x, y)
        return loss, tape.gradient(loss, weights)

    def _steps(self, weights, x, y, batches, rate):
        """Each batch's dot product with the full gradient, and the change of the full loss by its step: (draws,)."""
        import tensorflow as tf

        before, full = self._gradient(weights, x, y)

        def one(rows):
            _, gradient = self._gradient(weights, tf.gather(x, rows), tf.gather(y, rows))
            agreement = tf.add_n([tf.reduce_sum(g * f) for g, f in zip(gradient, full, strict=True)])
            stepped = [w - rate * g for w, g in zip(weights, gradient, strict=True)]
            return agreement, self._mean_loss(stepped, x, y) - before

        return tf.vectorized_map(one, batches)


def draw(table: pd.DataFrame):
    """By batch size, the share of steps that point against the full gradient and, beside it, of steps that raise the
    full loss, before training, early and late.
    """
    fig, (left, right) = plots.figure(1, 2, sharey=True)
    shown = table.assign(opposed=100 * table.opposed, raised=100 * table.raised)
    for ax, share, title in (
        (left, "opposed", "points against the full gradient"),
        (right, "raised", "raises the full loss"),
    ):
        plots.band(ax, shown, x="batch_size", y=share, names="legend" if ax is right else "none")
        plots.log_axis(ax, "x")
        ax.set(xlabel="batch size (rows)", title=title)
    left.set(ylabel="share of steps (%)", ylim=(0, None))
    epochs = table.groupby("condition").epochs.first()
    plots.caption(
        fig,
        f"Digits, MLP 64-64-10 before training, early (epoch {epochs['early']}) and late (epoch {epochs['late']}): "
        f"{DRAWS} batches of each size, each tried with one step of plain SGD. {plots.seeds_text(table)}",
    )
    return fig


CLAIMS = (
    Claim(
        "4.6-b/direction",
        "Steps that point against the full gradient grow rarer as the batch grows.",
        trend("opposed", over="batch_size", direction="falls", mean_over="condition", unit="points", delta=0.5),
        expected=HOLDS,
        ask="From one row to all rows: how quickly do batches stop pointing the wrong way, early in training and late?",
        why="A batch's gradient is the full one plus noise, and the noise shrinks as 1/√B. Late in training the full "
        "gradient is short, so the same noise turns it round more often.",
        beware="Pointing away now and then is not going astray: on average those steps follow the full gradient.",
        correction="One row per update is SGD in the narrow sense. Chapter 8 means k random rows by it, and Keras's "
        "`SGD` names the update rule, whatever the batch size.",
        reference="Keras 3 API: optimizers.SGD and Model.fit(batch_size=…)",
    ),
    Claim(
        "4.6-b/loss",
        "Steps that raise the loss over all training rows grow rarer as the batch grows.",
        trend("raised", over="batch_size", direction="falls", mean_over="condition", unit="points", delta=0.5),
        expected=HOLDS,
        ask="How often does one update make the full training loss worse, with one row and with 64?",
        why="A step climbs if it points uphill, or if it points downhill and is so long that it lands higher up on the "
        "far side.",
        beware="Before training most single-row steps point downhill and still raise the loss: there a smaller rate "
        "mends it.",
    ),
)
