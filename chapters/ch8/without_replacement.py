"""8.1 Every row once an epoch: sampling without replacement (비복원 추출과 미니배치)

The text's SGD takes k random rows for an update, its mini-batch, and then k of those that are left, until all have had
their turn; then it shuffles anew. (Elsewhere in these texts SGD means one row an update. In Keras it is the optimizer,
whatever the mini-batch.) The other way is to draw every mini-batch from all rows, with replacement, which is what most
proofs assume. Then the N draws of an epoch miss a share of (1 − 1/N)ᴺ of the rows, 36.8 percent, and take others twice
or more. What is the even deal worth? And is it dealt anew? Not always: on TensorFlow, once a program has called
`keras.utils.set_random_seed`, Keras's `fit` deals the same mini-batches in every epoch.
"""

import dataclasses

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, HOLDS, INCONCLUSIVE, Claim, Run, exact, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.seeding import stream, word

ENTRIES = ("8.1-a",)
DATA = "any"
WITHOUT, WITH = "without replacement", "with replacement"
FIT, PIPELINE = "fit, seeded", "tf.data, seeded"


def measure(
    run: Run,
    *,
    epochs: int = 8,
    batch_size: int = 32,
    learning_rate: float = 0.1,
    momentum: float = 0.9,
    shown: int = 64,
    shown_batch: int = 8,
) -> dict[str, pd.DataFrame]:
    """Watch which rows Keras's `fit` takes, and train with mini-batches drawn either way for as many updates.

    Args:
        epochs: of training; judged at the end.
        batch_size, learning_rate, momentum: of SGD, the same either way.
        shown, shown_batch: rows and mini-batch size of the picture of what is drawn, the second dividing the first.
    """
    if shown_batch < 1 or shown % shown_batch:
        raise ValueError(f"expected shown_batch to divide shown, got {shown_batch} and {shown}; mend by 8 and 64")
    seed = run.seeds[0]  # an identity: more seeds would only repeat it
    dealt = pd.concat(
        [_dealt(name, shown, shown_batch, seed) for name in (FIT, PIPELINE)] + [_drawn(shown, shown_batch, seed)]
    )
    uses = dealt.groupby(["sampling", "epoch"]).row.value_counts().unstack(fill_value=0)
    uses = uses.reindex(columns=range(shown), fill_value=0).stack().rename("uses").reset_index()
    curves, coverage = _train(run, run.epochs(epochs), batch_size, learning_rate, momentum)
    return {
        "dealt": dealt,
        "uses": uses,
        "again": _again(dealt),
        "coverage": coverage,
        "curves": curves,
        "ends": curves[curves.epoch == curves.epoch.max()],
        "settings": pd.DataFrame(
            [(batch_size, learning_rate, momentum, shown, shown_batch)],
            columns=["batch_size", "learning_rate", "momentum", "shown", "shown_batch"],
        ),
    }


def _dealt(name: str, rows: int, size: int, seed: int) -> pd.DataFrame:
    """The rows of each update in two epochs of `fit`, which are those whose own weight the update moved.

    `fit` shuffles by itself, or leaves it to a `tf.data` pipeline.
    """
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow
    import tensorflow as tf

    class Watch(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.rows, self._before = [], np.zeros(rows)

        def on_train_batch_end(self, batch, logs=None):
            now = keras.ops.convert_to_numpy(self.model.layers[0].embeddings)[:, 0]
            self.rows.append(np.flatnonzero(now != self._before))
            self._before = now

    # one weight a row, which is also the output: the loss's slope is the same everywhere
    weights = keras.layers.Embedding(rows, 1, embeddings_initializer="zeros")
    model = keras.Sequential([keras.Input((), dtype="int32"), weights])
    model.compile(keras.optimizers.SGD(1.0), loss=lambda y, output: output[:, 0])
    watch, numbers, none = Watch(), np.arange(rows), np.zeros(rows)
    keras.utils.set_random_seed(word(seed, "order"))
    if name == FIT:
        model.fit(numbers, none, batch_size=size, epochs=2, shuffle=True, verbose=0, callbacks=[watch])
    else:
        data = tf.data.Dataset.from_tensor_slices((numbers, none)).shuffle(rows, seed=word(seed, "order"))
        model.fit(data.batch(size), epochs=2, shuffle=False, verbose=0, callbacks=[watch])
    return _listed(name, watch.rows, rows // size)


def _again(dealt) -> pd.DataFrame:
    """Whether an update of the second epoch takes the very rows that the same update of the first epoch took."""
    taken = dealt.groupby(["sampling", "epoch", "update"]).row.agg(frozenset)
    per_epoch = taken.index.get_level_values("update").max() // 2
    return pd.DataFrame(
        [
            (name, update, taken[name, 1, update] == taken[name, 2, update + per_epoch])
            for name in dealt.sampling.unique()
            for update in range(1, per_epoch + 1)
        ],
        columns=["sampling", "update", "again"],
    )


def _drawn(rows: int, size: int, seed: int) -> pd.DataFrame:
    """As many mini-batches, each drawn from all rows."""
    return _listed(WITH, stream(seed, "order").integers(rows, size=(2 * rows // size, size)), rows // size)


def _listed(name: str, batches, per_epoch: int) -> pd.DataFrame:
    return pd.DataFrame(
        [(name, update // per_epoch + 1, update + 1, row) for update, batch in enumerate(batches) for row in batch],
        columns=["sampling", "epoch", "update", "row"],
    )


@dataclasses.dataclass(frozen=True)
class _Watched:
    """The splits of a splitter with the training rows to validate on: the loss on all of them, by one set of weights.

    With `draws`, the training part is so many rows drawn with replacement. Its order is random anyway, so an epoch
    over it is a series of mini-batches drawn with replacement, as long as one likes.
    """

    splits: object
    draws: int = 0

    def __call__(self, seed: int):
        split = self.splits(seed)
        train, _, test = split.rows
        taken = stream(seed, "order").choice(train, self.draws) if self.draws else train
        return dataclasses.replace(split, rows=(taken, train, test))


def _train(run: Run, epochs: int, batch_size: int, learning_rate: float, momentum: float):
    """Loss on the training rows after 1, 2, 4, … epochs and on test rows at the end; rows met in an epoch's draws."""
    splits = run.splits("digits")
    rows = len(splits(run.seeds[0]).train)
    per_epoch = -(-rows // batch_size)
    marks = sorted({*(2**k for k in range(epochs.bit_length()) if 2**k <= epochs), epochs})
    drawn = _Watched(splits, epochs * per_epoch * batch_size)
    settings = {"learning_rate": learning_rate, "momentum": momentum, "batch_size": batch_size}
    conditions = {WITHOUT: Condition(splits=_Watched(splits), epochs=epochs, **settings)} | {
        f"{mark}": Condition(splits=drawn, epochs=1, updates=mark * per_epoch, **settings) for mark in marks
    }
    table = train_replicas(mlp, splits, conditions=conditions, seeds=run.seeds, epochs=epochs)
    curves = table[(table.condition != WITHOUT) & (table.updates > 0) | table.epoch.isin(marks)]
    curves = curves[
        (curves.condition == WITHOUT) | (curves.updates == curves.groupby("condition").updates.transform("max"))
    ]
    curves = pd.DataFrame(
        {
            "condition": np.where(curves.condition == WITHOUT, WITHOUT, WITH),
            "seed": curves.seed,
            "epoch": curves.updates / per_epoch,
            "train_loss": curves.val_loss.mask(curves.diverged, curves.chance_loss),
            "test_loss": curves.test_loss.mask(curves.diverged, curves.chance_loss),
        }
    )
    return curves, _coverage(rows, run.seeds)


def _coverage(rows: int, seeds, *, each: int = 50) -> pd.DataFrame:
    """The share of rows that as many draws meet, on average over 50 epochs of every seed."""
    met = [
        len(np.unique(draws)) / rows
        for seed in seeds
        for draws in stream(seed, "order").integers(rows, size=(each, rows))
    ]
    return pd.DataFrame([(np.mean(met), 1 - (1 - 1 / rows) ** rows, rows)], columns=["met", "closed_form", "rows"])


def draw(tables: dict[str, pd.DataFrame]):
    """Above, which rows each update takes in two epochs of fit, of tf.data and with replacement; below, the loss on the
    training rows without and with replacement.
    """
    dealt, curves, settings = tables["dealt"], tables["curves"], tables["settings"].iloc[0]
    shown, coverage = int(settings.shown), tables["coverage"].iloc[0]
    fig, axes = plots.figure(2, 3, size=(7.4, 7.4), height_ratios=[1.2, 1])
    looks = plots.looks([WITHOUT, WITH])
    for ax, name in zip(axes[0], (FIT, PIPELINE, WITH), strict=True):
        own = dealt[dealt.sampling == name]
        first = own[own.epoch == 1]
        missed = sorted(set(range(shown)) - set(first.row))
        ax.hlines(missed, 0.5, first["update"].max() + 0.5, color="#cccccc", linewidth=2.2, zorder=1)
        shade = looks[WITH if name == WITH else WITHOUT]["color"]
        ax.plot(own["update"], own.row, "s", color=shade, markersize=3.2, markeredgewidth=0)
        ax.axvline(first["update"].max() + 0.5, color="#222222", linewidth=1.2)
        ax.set(xlabel="update", title=name, ylim=(-1.5, shown + 0.5), xlim=(0.4, own["update"].max() + 0.6))
        ax.grid(visible=False)
    axes[0, 0].set_ylabel("row of the data")
    axes[0, 1].set(yticklabels=[], ylabel="")
    axes[0, 2].set(yticklabels=[], ylabel=f"grey: missed at first ({len(missed)} of {shown})")
    axes[0, 1].sharey(axes[0, 0])
    grid = axes[1, 0].get_gridspec()
    for ax in axes[1]:
        ax.remove()
    below = fig.add_subplot(grid[1, :])
    plots.band(below, curves, x="epoch", y="train_loss", log=True, looks=looks, names="legend")
    marks = sorted(curves.epoch.unique())
    plots.log_axis(below, "x", at=marks)
    plots.log_axis(below, "y")
    below.set(xlabel="epochs' worth of updates", ylabel="loss on all training rows (nats)")
    plots.caption(
        fig,
        f"Above: {shown} rows, mini-batches of {settings.shown_batch:.0f}, two epochs; left and middle are counted in "
        f"Keras's fit on TensorFlow. Below: digits, {coverage['rows']:.0f} training rows dealt anew in every epoch or "
        f"drawn, MLP 64-64-10, SGD at {settings.learning_rate:g} with momentum {settings.momentum:g}, mini-batches of "
        f"{settings.batch_size:.0f}; bands: 95 %, {plots.seeds_text(curves)}.",
    )
    return fig


CLAIMS = (
    Claim(
        "8.1-a/once",
        "In every epoch of Keras's fit each row is used exactly once.",
        exact(measured="uses", expected=1, table="uses", where={"sampling": (FIT, PIPELINE)}),
        expected=EXACT,
        ask="How often does one row come up in an epoch of `fit(shuffle=True)`: once, or once on average?",
        why="`fit` shuffles the rows' numbers and cuts the list into mini-batches: a deck of cards, dealt to its end.",
        beware="A tf.data pipeline that repeats before it shuffles mixes epochs: some rows then come up twice in one.",
    ),
    Claim(
        "8.1-a/anew",
        "Then fit shuffles anew: in a seeded run, no update of the second epoch takes the rows that the same update of "
        "the first epoch took.",
        exact(measured="again", expected=False, table="again", where={"sampling": FIT}),
        expected=EXACT,
        ask="`keras.utils.set_random_seed(0)`, then two epochs of `fit(shuffle=True)`. Are the second epoch's "
        "mini-batches the first's?",
        why="On TensorFlow, `fit` shuffles inside a data pipeline that is started anew for every epoch. Under a global "
        "seed every start begins with the same random numbers, and so with the same order.",
        beware="Every row still comes once an epoch, and the loss falls as it should: nothing shows. Without a global "
        "seed, or on JAX, the orders differ.",
        correction="`shuffle=True` means a new order in every epoch, says Keras's documentation. On TensorFlow that "
        "does not hold after `set_random_seed`; there let a pipeline shuffle: `.shuffle(N, seed=…).batch(k)`.",
        reference="Keras 3 documentation of Model.fit, argument shuffle; measured on Keras 3.15 with TensorFlow 2.21",
    ),
    Claim(
        "8.1-a/pipeline",
        "A tf.data pipeline that shuffles with a seed deals anew in every epoch.",
        exact(measured="again", expected=False, table="again", where={"sampling": PIPELINE}),
        expected=EXACT,
        ask="And if `tf.data` shuffles in the place of `fit`, under the same seed?",
        why="The order's random numbers belong to the pipeline there, and go on from one epoch to the next.",
        beware="The buffer must hold all rows: `.shuffle(1000)` of sorted data hardly shuffles them. And shuffle "
        "before `.batch`, or the mini-batches are always the same ones in another order.",
    ),
    Claim(
        "8.1-a/coverage",
        "Drawn with replacement, the N draws of an epoch meet a share of 1 − (1 − 1/N)ᴺ of the rows, about 63 percent.",
        exact(measured="met", expected="closed_form", tolerance=0.02, table="coverage"),
        expected=EXACT,
        ask="As many draws as rows, each from all of them. How many rows are never drawn?",
        why="One draw misses a given row with probability 1 − 1/N, all N of them with its N-th power, which is 1/e.",
        beware="They are missed for one epoch only. After three epochs' worth of draws 95 percent have been met.",
    ),
    Claim(
        "8.1-a/train",
        "After as many updates the loss on the training rows is lower without replacement than with it.",
        paired("train_loss", lower=WITHOUT, than=WITH, scale="log", table="ends"),
        expected=HOLDS,
        ask="Both take the same number of steps on mini-batches of one size. Which has the lower training loss?",
        why="Dealt evenly, the errors of an epoch's mini-batches cancel: together they are the full gradient. Drawn "
        "with replacement they do not.",
        beware="Judged as a ratio: near zero a large ratio is a small difference in nats.",
    ),
    Claim(
        "8.1-a/test",
        "And so is the loss on the test rows.",
        paired("test_loss", lower=WITHOUT, than=WITH, table="ends"),
        expected=INCONCLUSIVE,
        ask="Does the even deal also help on rows that were never trained on?",
        why="What helps the training loss helps the test loss only as long as the network is not yet fitted.",
        beware="Keras and torch deal without replacement unless told otherwise, so this choice is seldom made at all.",
    ),
)
