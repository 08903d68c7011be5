"""8.1 SGD by hand, and its twin in Keras (SGD 실습)

The text announces a hands-on session on SGD and has no code for it. Here it is: a linear model in NumPy, with one loop
over epochs and one over mini-batches, for a regression and for a classification; beside it the same model in Keras, fed
with the same order of rows. If both are right, they have the same weights after every epoch, to rounding.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, Claim, Run, exact
from textbook.seeding import stream

ENTRIES = ("8.1-i",)
DATA = "digits"
NUMPY, KERAS = "NumPy", "Keras"
REGRESSION, CLASSES = "diabetes", "digits"


def sgd(x, y, *, loss, rate: float, batch_size: int, orders):
    """Mini-batch SGD for a linear model from zero weights.

    Args:
        x, y: (rows, features) with a column of ones, and (rows, outputs).
        loss: takes scores and targets of a batch; returns its mean loss and the slopes ∂(loss of a row)/∂score.
        orders: the order of the rows for each epoch.

    Yields: after each epoch the weights (features, outputs), and the mean of its batches' losses.
    """
    w = np.zeros((x.shape[1], y.shape[1]))
    for order in orders:
        losses = []
        for first in range(0, len(order), batch_size):
            rows = order[first : first + batch_size]
            mean, slopes = loss(x[rows] @ w, y[rows])
            w = w - rate * x[rows].T @ slopes / len(rows)
            losses.append(mean * len(rows))
        yield w, sum(losses) / len(order)


def squared_error(scores, targets):
    """(s − y)² of each row, averaged, and 2(s − y)."""
    return np.mean((scores - targets) ** 2), 2 * (scores - targets)


def cross_entropy(scores, targets):
    """−ln softmax(s) at the true class, averaged, and softmax(s) − y."""
    scores = scores - scores.max(axis=1, keepdims=True)
    log_p = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    return -np.mean((targets * log_p).sum(axis=1)), np.exp(log_p) - targets


def measure(run: Run, *, learning_rate: float = 0.05, batch_size: int = 32, epochs: int = 8) -> dict[str, pd.DataFrame]:
    """Both tasks by hand and by Keras with the same rows in the same order, on the first seed's training part.

    Args:
        learning_rate, batch_size, epochs: of both.
    """
    seed, curves, gaps = run.seeds[0], [], []
    for task, loss in ((REGRESSION, squared_error), (CLASSES, cross_entropy)):
        x, y = _data(run.splits(task)(seed), task)
        orders = [stream(seed, f"order {epoch}").permutation(len(x)) for epoch in range(run.epochs(epochs))]
        ours = list(sgd(_with_ones(x), y, loss=loss, rate=learning_rate, batch_size=batch_size, orders=orders))
        theirs = _keras(x, y, task, learning_rate, batch_size, orders)
        for epoch, ((w, mean), (their_w, their_mean)) in enumerate(zip(ours, theirs, strict=True), start=1):
            row = {"task": task, "epoch": epoch}
            curves += [{**row, "condition": NUMPY, "loss": mean}, {**row, "condition": KERAS, "loss": their_mean}]
            gaps.append({**row, "weights": np.abs(w - their_w).max(), "loss": abs(mean - their_mean)})
    settings = {"learning_rate": learning_rate, "batch_size": batch_size, "data_seed": seed}
    return {"curves": pd.DataFrame(curves).assign(**settings), "gaps": pd.DataFrame(gaps)}


def _data(split, task: str):
    """The training rows and targets as (rows, outputs): standardised values, or one-hot classes."""
    x, y = np.asarray(split.train.x, dtype=np.float64).reshape(len(split.train), -1), split.train.y
    if task == CLASSES:
        return x, np.eye(split.classes)[y]
    y = np.asarray(y, dtype=np.float64).reshape(-1, 1)
    return x, (y - y.mean()) / y.std()


def _with_ones(x):
    return np.concatenate([x, np.ones((len(x), 1))], axis=1)


def _keras(x, y, task, rate, batch_size, orders):
    """The same in Keras: an epoch of `fit` for each order, unshuffled; yields weights (bias last) and loss."""
    import keras

    model = keras.Sequential(
        [
            keras.Input((x.shape[1],), dtype="float64"),
            keras.layers.Dense(y.shape[1], kernel_initializer="zeros", dtype="float64"),
        ]
    )
    loss = "mse" if task == REGRESSION else keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(rate), loss)
    for order in orders:
        history = model.fit(x[order], y[order], batch_size=batch_size, shuffle=False, verbose=0)
        yield np.concatenate([model.get_weights()[0], model.get_weights()[1][None]]), history.history["loss"][0]


def draw(tables: dict[str, pd.DataFrame]):
    """Training loss of both tasks by hand and by Keras; below, how far their weights are apart."""
    curves, gaps = tables["curves"], tables["gaps"]
    fig, axes = plots.figure(2, 2, size=(7.6, 6.6), sharex=True, height_ratios=[3, 2])
    ours, theirs = plots.look(0), plots.look(1)
    with plots.style():
        for column, (task, unit) in enumerate(((REGRESSION, "mean squared error (sd²)"), (CLASSES, "loss (nats)"))):
            above, below = axes[:, column]
            wide = curves[curves.task == task].pivot(index="epoch", columns="condition", values="loss")
            above.plot(wide.index, wide[NUMPY], **{**ours, "marker": ""}, label=NUMPY)
            above.plot(wide.index, wide[KERAS], label=KERAS, linestyle="", marker="o", mfc="w", mec=theirs["color"],
                       mew=1.8, markersize=8)  # fmt: skip
            above.set(ylabel=unit, title=task)
            rows = gaps[gaps.task == task]
            below.plot(rows.epoch, rows.weights, **theirs)
            plots.log_axis(below, "y")
            below.set(xlabel="epochs completed", ylabel="largest gap of weights")
        axes[0, 0].legend()
    first = curves.iloc[0]
    plots.caption(
        fig,
        f"Linear models from zero weights, plain SGD, rate {first.learning_rate:g}, batches of {first.batch_size}, "
        "the same order of rows for both, 64 bits. Loss: mean over the epoch's batches. "
        f"One split, seed {first.data_seed}.",
    )
    return fig


CLAIMS = (
    Claim(
        "8.1-i/regression",
        "Two loops in NumPy and Keras's SGD have the same weights after every epoch of a regression.",
        exact(measured="weights", expected=0, tolerance=1e-5, where={"task": REGRESSION}, table="gaps"),
        expected=EXACT,
        ask="Is there anything in Keras's SGD that is not in the two loops?",
        why="Take the batch's mean gradient, subtract it times the rate, go on: that is all there is.",
        beware="To 1e-5, since Keras keeps the rate in 32 bits. And only with the same order: `fit` shuffles by random "
        "numbers of its own.",
    ),
    Claim(
        "8.1-i/classes",
        "So they have in a classification with softmax and cross-entropy.",
        exact(measured="weights", expected=0, tolerance=1e-5, where={"task": CLASSES}, table="gaps"),
        expected=EXACT,
        ask="What has to change in the loop for ten classes?",
        why="Only the slopes: softmax(s) − y in place of 2(s − y).",
        beware="Targets are one-hot here, as `CategoricalCrossentropy` wants them.",
    ),
    Claim(
        "8.1-i/loss",
        "The loss that Keras prints for an epoch is the mean over its batches, each at the weights of its moment.",
        exact(measured="loss", expected=0, tolerance=1e-5, table="gaps"),
        expected=EXACT,
        ask="Is the printed loss that of the weights at the epoch's end?",
        why="Every batch is scored just before its own update, and the scores are averaged by rows.",
        beware="So the printed loss lags behind: while training gets on, the weights at the epoch's end "
        "are better than it says.",
    ),
)
