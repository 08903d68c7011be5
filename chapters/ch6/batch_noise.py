"""6.3 The noise of batch statistics (배치 통계량의 잡음)

Batch norm standardises with the mean and variance of a mini-batch, which differ a little from one batch to the next.
So each value gets some noise, and the text takes that for a slight regularisation, weakened by larger batches. The
first half is arithmetic: the noise of a mean falls as one over the root of the number of rows. For the second half the
noise has to be separated from what else a batch size changes, since small batches also make noisy gradients and more
updates. Here every network takes its gradients from batches of one size, and only the groups of rows whose statistics
normalise them differ.
"""

import functools

import numpy as np
import pandas as pd

from chapters.shared.seeded_starts import seeded_starts
from textbook import plots
from textbook.experiment import HOLDS, INCONCLUSIVE, Claim, Run, slope, trend
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.seeding import stream

ENTRIES = ("6.3-d",)
DATA = "any"

_SIZES = (4, 8, 16, 32, 64, 128)
_DRAWS = 300
PLAIN = "no batch norm"


def measure(
    run: Run,
    *,
    rows: int = 256,
    batch_size: int = 64,
    groups: tuple[int, ...] = (4, 8, 16, 32, 64),
    hidden: tuple[int, ...] = (64, 64),
    learning_rate: float = 0.1,
    momentum: float = 0.9,
    epochs: int = 60,
) -> dict[str, pd.DataFrame]:
    """Draw batches of many sizes, and train with statistics over groups of many sizes.

    Args:
        rows: of the training part; few, so that there is something to overfit.
        batch_size: of the gradients, for all.
        groups: rows that one mean and variance are taken over, at most the batch; five or more.
        hidden: units of the hidden layers.
    """
    if len(groups) < 5 or max(groups) > batch_size or min(groups) < 2:
        raise ValueError(f"expected five groups or more from 2 to {batch_size} rows, got {groups}")
    splits = run.splits("digits", (rows, 473, 300))
    build = functools.partial(grouped_mlp, hidden=tuple(hidden))
    settings = {"learning_rate": learning_rate, "momentum": momentum}
    starts = seeded_starts(build, splits, run.seeds, {group: {"rows": group} for group in groups})
    conditions = {str(group): Condition(model=build, initial_weights=starts[group], **settings) for group in groups} | {
        PLAIN: Condition(model=functools.partial(mlp, hidden=tuple(hidden)), **settings)
    }
    curves = train_replicas(
        mlp, splits, conditions=conditions, seeds=run.seeds, epochs=run.epochs(epochs), batch_size=batch_size
    )
    last = curves[curves.epoch == curves.epoch.max()].copy()
    for name in ("clean_loss", "test_loss"):
        last[name] = last[name].where(~last.diverged, last.chance_loss)
    last["gap"] = last.test_loss - last.clean_loss
    last["group"] = pd.to_numeric(last.condition, errors="coerce")
    columns = ["condition", "group", "seed", "epoch", "clean_loss", "test_loss", "gap", "chance_loss", "diverged"]
    last = last[columns].assign(
        rows=len(splits(run.seeds[0]).train), batch_size=batch_size, hidden="-".join(map(str, hidden))
    )
    return {
        "noise": _noise(run),
        "ends": last[last.group.notna()].reset_index(drop=True),
        "plain": last[last.group.isna()].drop(columns="group").reset_index(drop=True),
    }


def grouped_mlp(input_shape, outputs: int, *, hidden=(64, 64)):
    """`mlp` with batch norm before the activation, by the statistics of each group of rows in the batch.

    How many rows make a group is a weight of the layer, called "rows", so that all sizes share one graph.
    """
    import keras
    from keras import ops

    class GroupedBatchNormalization(keras.layers.BatchNormalization):
        def build(self, input_shape):
            super().build(input_shape)
            self.rows = self.add_weight(name="rows", shape=(), initializer="ones", trainable=False)

        def call(self, inputs, training=None):
            if not training:
                return super().call(inputs, training=False)
            number = ops.floor(ops.arange(ops.shape(inputs)[0], dtype="float32") / self.rows)
            together = ops.cast(number[:, None] == number[None, :], "float32")
            averaging = together / ops.sum(together, axis=1, keepdims=True)
            mean = averaging @ inputs
            variance = averaging @ (inputs - mean) ** 2
            for moving, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
                moving.assign(self.momentum * moving + (1 - self.momentum) * ops.mean(now, axis=0))
            return self.gamma * (inputs - mean) / ops.sqrt(variance + self.epsilon) + self.beta

    layers = [keras.Input(tuple(input_shape)), keras.layers.Flatten()]
    for units in hidden:
        layers.append(keras.layers.Dense(units, kernel_initializer="he_normal", use_bias=False))
        # 0.99 would still remember the beginning after so few updates
        layers.append(GroupedBatchNormalization(momentum=0.9))
        layers.append(keras.layers.Activation("relu"))
    return keras.Sequential([*layers, keras.layers.Dense(outputs)])


def _noise(run: Run) -> pd.DataFrame:
    """Standard deviation, from batch to batch, of mean and variance of a first layer's values; mean over its units.

    In units of the standard deviation, and the variance, of the values over all training rows. Rows are drawn with
    replacement, so that a small data set has the same law.
    """
    splits, table = run.splits("digits"), []
    for seed in run.seeds:
        x = np.asarray(splits(seed).train.x, float).reshape(len(splits(seed).train), -1)
        random = stream(seed, "batches")
        values = x @ random.normal(scale=np.sqrt(2 / x.shape[1]), size=(x.shape[1], 64))
        values = (values - values.mean(axis=0)) / values.std(axis=0)
        for size in _SIZES:
            batches = values[random.integers(len(x), size=(_DRAWS, size))]
            spread = batches.mean(axis=1).std(axis=0).mean(), batches.var(axis=1).std(axis=0).mean()
            table.append((seed, size, *spread))
    return pd.DataFrame(table, columns=["seed", "batch", "mean_noise", "variance_noise"])


def draw(tables: dict[str, pd.DataFrame]):
    """Left, the noise of a batch's mean and variance by its size, beside the slope −½; right, test and training loss by
    the rows per statistic, beside those without batch norm.
    """
    noise, ends, plain = (tables[name] for name in ("noise", "ends", "plain"))
    fig, (left, right) = plots.figure(1, 2)
    words = {"mean": "mean_noise", "variance": "variance_noise"}
    both = pd.concat([noise.assign(what=word, noise=noise[column]) for word, column in words.items()])
    plots.band(left, both, x="batch", y="noise", hue="what", log=True, names="legend")
    sizes = np.array(sorted(noise.batch.unique()), float)
    left.plot(sizes, 0.72 / np.sqrt(sizes), ":", color="#222222", marker="", label="slope −½")
    left.legend()
    plots.log_axis(left, "x", at=sorted(noise.batch.unique()))
    plots.log_axis(left, "y")
    left.set(xlabel="rows in the batch", ylabel="standard deviation\nfrom batch to batch", title="the noise")
    names = {"test": "test_loss", "training": "clean_loss"}
    lines = pd.concat([ends.assign(part=part, loss=ends[column]) for part, column in names.items()])
    looks = {part: plots.look(2 + place) | {"linestyle": "-"} for place, part in enumerate(names)}
    plots.band(right, lines, x="group", y="loss", hue="part", looks=looks, names="legend")
    for part, column in names.items():
        right.axhline(plain[column].mean(), color=looks[part]["color"], linestyle=":", linewidth=1.4)
    right.plot([], [], ":", color="#222222", label="without batch norm")
    right.legend(loc="lower right", bbox_to_anchor=(1, 0.12))
    plots.log_axis(right, "x", at=sorted(ends.group.unique()))
    right.set(xlabel="rows per statistic", ylabel="loss (nats)", title="what it does")
    right.set_ylim(-0.03 * right.get_ylim()[1], None)  # lines at 0 can be seen
    first = ends.iloc[0]
    plots.caption(
        fig,
        f"Left: first-layer values of digits, He weights, in units of all training rows. Right: {first['rows']} "
        f"training images, hidden layers {first.hidden}, SGD with momentum, {first.epoch} epochs, batches of "
        f"{first.batch_size}, statistics over as many rows as the axis says. Mean, 95 % band; "
        f"{plots.seeds_text(ends)}.",
    )
    return fig


CLAIMS = (
    Claim(
        "6.3-d/mean",
        "The noise of the batch's mean falls as one over the root of the batch size.",
        slope("mean_noise", over="batch", theory=-0.5, table="noise"),
        expected=HOLDS,
        ask="From 4 rows to 64, sixteen times as many: by what factor does the noise of their mean fall?",
        why="The variance of a mean of n rows is the variance of one row over n.",
        beware="That is for rows drawn independently. Batches of training are drawn without replacement: towards the "
        "whole training part their noise falls faster, and is 0 there.",
    ),
    Claim(
        "6.3-d/variance",
        "So does the noise of the batch's variance, from 8 rows up.",
        slope("variance_noise", over="batch", theory=-0.5, between=(8, 128), table="noise"),
        expected=HOLDS,
        ask="Batch norm divides by the batch's own standard deviation. Is that less noisy than the mean, or more?",
        why="A variance is a mean as well, of squares; of values like a bell's its noise is √2 times the mean's.",
        beware="The variance of a small batch is also too small on average, by the factor (n − 1)/n, and Keras "
        "keeps it so for inference.",
    ),
    Claim(
        "6.3-d/hinders",
        "The noise hinders fitting: the loss on the training rows falls with the number of rows per statistic.",
        trend("clean_loss", over="group", direction="falls", table="ends"),
        expected=HOLDS,
        ask="With statistics of four rows each value trembles by half a standard deviation. Can the network "
        "still fit a few hundred images?",
        why="What regularises stands in the way of fitting: the same image looks different each time. How much of that "
        "is left in the end depends on how easily the network fits the images.",
        beware="The loss is measured as at inference, with moving statistics: part of it is that these fit badly to a "
        "network that has met only noisy ones.",
    ),
    Claim(
        "6.3-d/gap",
        "The gap between test and training loss rises with the number of rows per statistic: larger batches weaken the "
        "regularisation.",
        trend("gap", over="group", direction="rises", unit="nats", delta=0.01, table="ends"),
        expected=HOLDS,
        ask="Does the network overfit more when its statistics are exact?",
        why="Noise that changes with every batch cannot be learnt by heart. If it also keeps the network from learning "
        "the images by heart, exact statistics widen the gap.",
        beware="A smaller gap is no gain by itself: it also comes from a worse fit of the training rows. And where "
        "these are fitted almost without loss, the gap is the test loss.",
    ),
    Claim(
        "6.3-d/test",
        "The test loss rises with the number of rows per statistic: the noise is of use.",
        trend("test_loss", over="group", direction="rises", table="ends"),
        expected=INCONCLUSIVE,
        ask="And on other images: is there a size of the groups that is best?",
        why="Some noise may keep from overfitting, and much of it keeps from fitting; which one wins depends on how "
        "much there is to overfit.",
        beware="A small batch in training changes the gradients' noise and the number of updates as well. Whoever "
        "sees small batches do better has not yet seen batch norm regularise.",
    ),
)
