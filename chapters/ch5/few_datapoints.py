"""5.4 How many rows to check with (적은 데이터로 검사하기)

A gradient that is right on two rows is right on all of them, so a check does not need many. The loss of many rows is a
mean of as many losses, each with kinks of its own: the more rows, the more often one of them lies between w − h and
w + h, and the longer every evaluation takes. What a few rows cannot show is what only happens to some, such as a class
that is not among them.
"""

import time

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import HOLDS, Claim, Run, trend
from textbook.models import mlp
from textbook.seeding import word

ENTRIES = ("5.4-a",)
DATA = "digits"
MEASURED = ("seconds",)


def measure(
    run: Run,
    *,
    sizes: tuple[int, ...] = (1, 5, 20, 100, 500),
    units: int = 32,
    coordinates: int = 40,
    h: float = 1e-4,
) -> pd.DataFrame:
    """Check a ReLU network with a hinge loss on few and on many rows: share of weights that cross a kink, and time.

    Args:
        sizes: rows in the loss, five numbers or more.
        units: of the hidden layer.
        coordinates: weights checked of each tensor.
        h: step of the differences.
    """
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    from textbook.checks import gradient_check

    model = mlp((64,), 10, hidden=(units,))
    model.compile("sgd", keras.losses.CategoricalHinge())
    splits, table = run.splits("digits"), []
    settings = {"coordinates": coordinates, "h": h}
    warm = splits(run.seeds[0]).train
    gradient_check(model, warm.x[:2], np.eye(10)[warm.y[:2]], **settings)  # what only a first check waits for
    for seed in run.seeds:
        part = splits(seed).train
        _draw_weights(model, word(seed, "weights"))
        for rows in sizes:
            x, y = part.x[:rows], np.eye(10)[part.y[:rows]]
            start = time.perf_counter()
            weights = gradient_check(model, x, y, seed=seed, **settings).table
            seconds = time.perf_counter() - start
            table.append((rows, seed, weights.crossed_kink.mean(), len(weights), seconds, h))
    return pd.DataFrame(table, columns=["rows", "seed", "crossed", "weights", "seconds", "h"])


def _draw_weights(model, seed: int) -> None:
    """New weights as He et al. (2015) draw them, biases of 0."""
    import keras

    for layer in model.layers:
        if layer.get_weights():
            kernel, bias = layer.get_weights()
            drawn = keras.initializers.HeNormal(seed=seed)(kernel.shape)
            layer.set_weights([np.asarray(drawn), np.zeros_like(bias)])


def draw(tables: pd.DataFrame):
    """Share of weights whose difference crosses a kink, and time of the whole check, against the number of rows."""
    fig, (left, right) = plots.figure(1, 2)
    plots.band(left, tables.assign(percent=100 * tables.crossed), x="rows", y="percent", hue=None)
    left.set(ylabel="weights that cross a kink (%)", title="kinks")
    left.set_ylim(-0.03 * left.get_ylim()[1], None)  # room for the lower half of a marker at 0
    plots.band(right, tables, x="rows", y="seconds", hue=None, log=True, looks={"": plots.look(1)})
    right.set(ylabel="time of the whole check (s)", title="time", ylim=(0, None))
    for ax in (left, right):
        plots.log_axis(ax, "x", at=sorted(tables.rows.unique()))
        ax.set_xlabel("rows in the loss")
    plots.caption(
        fig,
        f"Digits, ReLU network with a hinge loss, {tables.weights.max()} weights checked with "
        f"h = {plots.plain(tables.h.iloc[0])}; mean and 95 % band, of the time geometric. {plots.seeds_text(tables)}.",
    )
    return fig


CLAIMS = (
    Claim(
        "5.4-a/kinks",
        "The more rows are in the loss, the more weights meet a kink between the two points of their difference.",
        trend("crossed", over="rows", direction="rises", unit="points", delta=0.5),
        expected=HOLDS,
        ask="One row or 500: how many of the differences reach across a kink?",
        why="Each row has a kink in each ReLU and in its hinge, at places of its own; a step passes some of them.",
        beware="A smaller h helps as well, until rounding takes over. A network without kinks does not mind many rows.",
    ),
    Claim(
        "5.4-a/time",
        "The more rows are in the loss, the longer the check takes.",
        trend("seconds", over="rows", direction="rises"),
        expected=HOLDS,
        ask="Does a check with 500 rows take 500 times as long as one with a single row?",
        why="Every weight needs two losses over all rows. With few rows the program's own overhead hides it.",
        beware="Building the check's program takes a fixed time, and here that is most of it.",
    ),
)
