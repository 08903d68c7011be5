"""8.1 Iterations of an epoch: floor or ceiling (이터레이션과 에포크)

With N rows and mini-batches of k, an epoch has ⌊N/k⌋ iterations, says the text. N is seldom a multiple of k, and then
r = N mod k rows are left over. Keras's `fit` makes a smaller last mini-batch of them, as torch's DataLoader does: ⌈N/k⌉
updates. Only whoever drops it (`drop_remainder=True`, torch's `drop_last=True`) gets the floor, and then r rows wait
for another epoch. Neither is free. The loss is a mean over the mini-batch, so each of the r rows in a small last one
moves the weights k/r times as far as another row does.
"""

import math
import warnings

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, VIOLATED, Claim, Run, exact
from textbook.seeding import word

ENTRIES = ("8.1-c",)
DATA = "none"
_MANY = 1000  # updates an epoch: a second one would only take its time


def measure(
    run: Run,
    *,
    rows: int = 1797,
    batch_sizes: tuple[int, ...] = (1, 7, 32, 256, 898, 1797, 2000),
    epochs: int = 2,
) -> dict[str, pd.DataFrame]:
    """Count the updates that Keras's `fit` makes, and how far each row moves the weights, with and without dropping.

    The network has one weight a row and its output is that weight, so that a weight tells how its row was used: an
    update by a mini-batch of b rows at rate 1 takes 1/b from each of them.

    Args:
        rows: N, at least 2; 1,797 are all of digits.
        batch_sizes: k, each from 1 up.
        epochs: trained at every size, but one only at sizes that make more than 1,000 updates of it.
    """
    if rows < 2 or min(batch_sizes) < 1 or epochs < 1:
        raise ValueError(
            f"expected rows ≥ 2, batch sizes ≥ 1, epochs ≥ 1, got {rows}, {batch_sizes}, {epochs}; mend by the defaults"
        )
    model, updates, totals, weights, dropped = _model(rows), [], [], [], []
    for size in batch_sizes:
        whole, rest = divmod(rows, size)
        passes = epochs if whole <= _MANY else 1
        counts, made, used = _fit(model, rows, size, epochs=passes)
        updates += [(size, epoch, count, whole, math.ceil(rows / size)) for epoch, count in enumerate(counts, start=1)]
        totals.append((size, passes, made, math.ceil(rows / size) * passes))
        if rest and whole:
            weights.append((size, rest, used.max() / used.min(), size / rest))
        if rest:  # where the size divides the rows there is nothing to drop
            # an identity: one order of the rows shows it as well as sixteen
            (count,), _, used = _fit(model, rows, size, epochs=1, drop=word(run.seeds[0], "order"))
            dropped.append((size, count, whole, int((used == 0).sum()), rest))
    return {
        "updates": pd.DataFrame(updates, columns=["batch_size", "epoch", "updates", "floor", "ceiling"]),
        "totals": pd.DataFrame(totals, columns=["batch_size", "epochs", "updates", "closed_form"]),
        "weights": pd.DataFrame(weights, columns=["batch_size", "last", "measured", "closed_form"]),
        "dropped": pd.DataFrame(dropped, columns=["batch_size", "updates", "floor", "unseen", "left_over"]),
        "settings": pd.DataFrame([(rows, epochs)], columns=["rows", "epochs"]),
    }


def _model(rows: int):
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    weights = keras.layers.Embedding(rows, 1, embeddings_initializer="zeros")
    model = keras.Sequential([keras.Input((), dtype="int32"), weights])
    model.compile(keras.optimizers.SGD(1.0), loss=lambda y, output: output[:, 0])
    return model


def _fit(model, rows: int, size: int, *, epochs: int, drop: int | None = None):
    """Updates of each epoch, counted by a callback; those the optimizer counted; 1/b of each row's in the first epoch.

    Args:
        drop: the seed of the order in which `tf.data` deals rows out, if the remainder is to be dropped.
    """
    import keras
    import tensorflow as tf

    class Counter(keras.callbacks.Callback):
        counts, used = (), None

        def on_epoch_begin(self, epoch, logs=None):
            self.counts = (*self.counts, 0)

        def on_train_batch_end(self, batch, logs=None):
            self.counts = (*self.counts[:-1], self.counts[-1] + 1)

        def on_epoch_end(self, epoch, logs=None):
            if self.used is None:
                self.used = -keras.ops.convert_to_numpy(self.model.layers[0].embeddings)[:, 0]

    model.layers[0].embeddings.assign(np.zeros((rows, 1)))
    before, counter = int(model.optimizer.iterations), Counter()
    numbers, none = np.arange(rows), np.zeros(rows)
    if drop is None:
        model.fit(numbers, none, batch_size=size, epochs=epochs, verbose=0, callbacks=[counter])
    else:
        data = tf.data.Dataset.from_tensor_slices((numbers, none)).shuffle(rows, seed=drop)
        with warnings.catch_warnings():
            # more rows a mini-batch than there are: an epoch without any update is what is to be counted
            warnings.filterwarnings("ignore", message="Your input ran out of data")
            data = data.batch(size, drop_remainder=True)
            model.fit(data, epochs=epochs, shuffle=False, verbose=0, callbacks=[counter])
    return counter.counts, int(model.optimizer.iterations) - before, counter.used


def draw(tables: dict[str, pd.DataFrame]):
    """Above, the updates of an epoch by batch size, counted, beside N/k rounded up and down; below, how much more a row
    of the last mini-batch weighs.
    """
    updates, dropped, weights = tables["updates"], tables["dropped"], tables["weights"]
    rows = tables["settings"]["rows"].iloc[0]
    fig, (above, below) = plots.figure(2, 1, size=(7, 6.6), sharex=True)
    made = updates.groupby("batch_size").updates.max()
    sizes = np.arange(1, max(rows, made.index.max()) + 1)
    above.plot(sizes, -(-rows // sizes), **{**plots.look(0), "marker": ""}, label="N/k rounded up")
    floor = np.where(rows // sizes > 0, rows // sizes, np.nan)
    above.plot(sizes, floor, **{**plots.look(1), "marker": "", "linewidth": 1.4}, label="N/k rounded down")
    above.plot(made.index, made, "o", color=plots.COLOURS[0], markersize=8, label="fit, counted")
    # none at all has no place on a logarithmic axis
    shown = dropped.updates.clip(lower=0.5)
    above.plot(dropped.batch_size, shown, "s", color=plots.COLOURS[1], mfc="white", mew=1.8, label="dropping, counted")
    for row in dropped.itertuples():
        text = f"{made[row.batch_size]:,} | {row.updates:,}"
        above.annotate(text, (row.batch_size, made[row.batch_size]), (6, 7), textcoords="offset points", fontsize=10)
    above.set(xscale="log", yscale="log", ylim=(0.35, 3 * rows), ylabel="updates in an epoch")
    plots.log_axis(above, "y")
    above.legend(loc="lower left", fontsize=10, ncols=2)
    above.set_title(f"{rows:,} rows in mini-batches: kept | dropped")
    rest = rows % sizes
    ratio = np.where((rest > 0) & (sizes < rows), sizes / np.maximum(rest, 1), 1.0)
    below.plot(sizes, ratio, color="#9a9a9a", linewidth=0.8, marker="", label="k/r, every k")
    below.plot(weights.batch_size, weights.measured, "o", color=plots.COLOURS[0], markersize=8, label="measured")
    for row in weights.itertuples():
        text = f"r = {row.last}: {row.measured:.3g}"
        below.annotate(
            text, (row.batch_size, row.measured), (-8, 5), textcoords="offset points", fontsize=10, ha="right"
        )
    below.set(yscale="log", ylabel="weight of a row in the last\nmini-batch ÷ of another row")
    below.set(xlabel="rows of a mini-batch, k", ylim=(0.7, 2 * max(ratio.max(), 2)))
    for axis in "xy":
        plots.log_axis(below, axis)
    below.legend(loc="upper left", fontsize=10)
    plots.caption(
        fig,
        f"Updates counted by a callback in Keras's fit, the remainder kept (default) or dropped by tf.data; "
        f"{', '.join(f'{size:,}' for size in made.index)} rows a mini-batch; a square below 1 is no update. Below: the "
        "remainder kept, one epoch; no seeds, as no order of the rows changes these numbers.",
    )
    return fig


_KERAS = "Keras 3 documentation of Model.fit (batch_size) and of tf.data.Dataset.batch (drop_remainder)"

CLAIMS = (
    Claim(
        "8.1-c",
        "An epoch has ⌊N/k⌋ iterations.",
        exact(measured="updates", expected="floor", table="updates"),
        expected=VIOLATED,
        ask="1,797 rows in mini-batches of 32: after 56 of them 5 are left over. How many updates does `fit` make?",
        why="What is left over is a mini-batch as well, only a smaller one; a mean can be taken over 5 rows too.",
        beware="Where k divides N both formulas agree, so that examples in round numbers hide the question.",
        correction="⌈N/k⌉, the default of Keras's fit and of torch's DataLoader. ⌊N/k⌋ holds where the last, smaller "
        "mini-batch is dropped.",
        reference=_KERAS,
    ),
    Claim(
        "8.1-c/ceiling",
        "Keras's fit makes ⌈N/k⌉ updates in every epoch.",
        exact(measured="updates", expected="ceiling", table="updates"),
        expected=EXACT,
        ask="And if a mini-batch has 2,000 rows, more than there are?",
        why="All the rows make one smaller mini-batch: one update.",
        beware="A schedule that counts ⌊N/k⌋ updates an epoch comes too early by one update in every epoch.",
    ),
    Claim(
        "8.1-c/total",
        "The optimizer counts ⌈N/k⌉ times the number of epochs.",
        exact(measured="updates", expected="closed_form", table="totals"),
        expected=EXACT,
        ask="Is the rest of one epoch filled up with rows of the next, or does every epoch end with its own rest?",
        why="Every epoch deals all rows out anew, so every one has a small last mini-batch of its own.",
        beware="Not so with data that are repeated before they are put into mini-batches: `.repeat().batch(k)` has no "
        "rest until the very end.",
    ),
    Claim(
        "8.1-c/drop",
        "With the remainder dropped an epoch has ⌊N/k⌋ updates.",
        exact(measured="updates", expected="floor", table="dropped"),
        expected=EXACT,
        ask="With which setting is the text's formula right, and what does it give for more rows a mini-batch than "
        "there are?",
        why="`drop_remainder=True` deals out full mini-batches alone.",
        beware="Where k exceeds N nothing is trained at all; Keras only warns that it ran out of data.",
    ),
    Claim(
        "8.1-c/unseen",
        "With the remainder dropped, N mod k rows of an epoch move no weight.",
        exact(measured="unseen", expected="left_over", table="dropped"),
        expected=EXACT,
        ask="How many of 1,797 rows does an epoch pass over, with mini-batches of 898 and with mini-batches of 7?",
        why="They are the rows that came last in this epoch's order.",
        beware="Shuffled anew they are others in every epoch. In a fixed order the same rows are never seen.",
    ),
    Claim(
        "8.1-c/weight",
        "A row in a last mini-batch of r rows moves the weights k/r times as far as any other row.",
        exact(measured="measured", expected="closed_form", tolerance=1e-4, relative=True, table="weights"),
        expected=EXACT,
        ask="1,797 rows in two mini-batches of 898, and one row is left over. How much does this one count?",
        why="The loss is a mean over the mini-batch, and the rate is the same for every mini-batch.",
        beware="A gradient of one row is noisy as well, and batch norm turns a single row into β. Choose k so that r "
        "is 0 or large, or drop the rest.",
    ),
)
