"""4.6 Three ways to descend: full batch, mini-batch, single samples (배치·미니배치·확률적 경사 하강법)

Batch gradient descent (BGD) averages the gradient over all N rows and updates once per epoch; stochastic gradient
descent (SGD) updates after every row; mini-batches lie between, with ⌈N/B⌉ updates, the last from what is left over.
The text gives BGD large strides and calls it slow. Its strides are not large: at the same rate a step is as long as
the rate times the gradient, and averaging only shortens it. Nor is it slow per update: it is slow per epoch.
"""

import numpy as np
import pandas as pd

from chapters.shared.slanted_valley import slanted_valley
from textbook import plots
from textbook.experiment import EXACT, HOLDS, REVERSED, Claim, Run, exact, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.seeding import stream
from textbook.surfaces import LeastSquares, minibatches, trajectory
from textbook.update_rules import GradientDescent

ENTRIES = ("4.6-a", "4.6-e")
DATA = "any"

SINGLE, MINI, FULL = "one row", "mini-batch", "full batch"
ROWS, UPDATES = 200, 80  # of the two-weight example
START = (-1.6, 2.4)


def measure(run: Run, *, batch_size: int = 16, learning_rate: float = 0.1) -> dict[str, pd.DataFrame]:
    """Walk three paths over a least-squares surface, then train the book's network with mini and full batches."""
    surfaces = {seed: slanted_valley(seed, rows=ROWS, part="surface") for seed in run.seeds}
    first = surfaces[run.seeds[0]]
    curves = _curves(run, batch_size, learning_rate)
    return {
        "points": pd.DataFrame({"x1": first.x[:, 0], "x2": first.x[:, 1], "y": first.y}),
        "paths": _paths(first, batch_size, learning_rate, seed=run.seeds[0]),
        "steps": _steps(surfaces, learning_rate),
        "curves": curves,
        "equal": _equal(curves, epochs=run.epochs(20)),
        "updates": _updates(run, batch_size),
    }


def _sizes(batch_size: int, rows: int) -> dict[str, int]:
    return {SINGLE: 1, MINI: batch_size, FULL: rows}


def _paths(surface, batch_size, learning_rate, *, seed) -> pd.DataFrame:
    """As many updates of each, from the same start and at the same rate."""
    tables = []
    for name, size in _sizes(batch_size, ROWS).items():
        batches = minibatches(ROWS, size, generator=stream(seed, "order"))
        points = trajectory(surface, GradientDescent(learning_rate), start=START, steps=UPDATES, batches=batches)
        tables.append(
            pd.DataFrame({"condition": name, "update": range(len(points)), "w1": points[:, 0], "w2": points[:, 1]})
        )
    return pd.concat(tables)


def _steps(surfaces, learning_rate) -> pd.DataFrame:
    """Mean length of the first step, over every row that SGD could draw, and of the one that the full batch takes."""
    rows = []
    for seed, surface in surfaces.items():
        single = np.linalg.norm(surface.sample_gradients(START), axis=-1).mean()
        rows.append((SINGLE, seed, learning_rate * single))
        rows.append((FULL, seed, learning_rate * np.linalg.norm(surface.gradient(START))))
    return pd.DataFrame(rows, columns=["condition", "seed", "step_length"])


def _curves(run, batch_size, learning_rate) -> pd.DataFrame:
    """Training loss of plain gradient descent; the full batch gets as many updates as two epochs of small batches."""
    splits = run.splits("digits")
    updates = 2 * -(-len(splits(run.seeds[0]).train) // batch_size)
    conditions = {
        MINI: Condition(learning_rate=learning_rate, batch_size=batch_size, epochs=run.epochs(20)),
        FULL: Condition(learning_rate=learning_rate, batch_size="all", epochs=max(updates, run.epochs(20))),
    }
    curves = train_replicas(mlp, splits, conditions=conditions, seeds=run.seeds, epochs=run.epochs(20))
    return curves[["condition", "seed", "epoch", "updates", "clean_loss", "diverged", "chance_loss"]]


def _equal(curves, *, epochs) -> pd.DataFrame:
    """The training loss after equally many epochs, and after equally many updates."""
    updates = curves[(curves.condition != FULL) & (curves.epoch == 2)].updates.iloc[0]
    return pd.concat(
        [
            curves[curves.epoch == epochs].assign(budget="epochs"),
            curves[curves.updates == updates].assign(budget="updates"),
        ]
    ).drop(columns="epoch")


def _updates(run, batch_size) -> pd.DataFrame:
    """How many updates Keras's optimizer counts in one epoch of plain `fit`, beside ⌈N/B⌉."""
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    split = run.splits("digits")(run.seeds[0])
    x, y, rows = split.train.x, split.train.y, len(split.train)
    model = mlp(x.shape[1:], split.classes, hidden=())
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, steps_per_execution=64)  # quicker, and the optimizer still counts every update
    table, before = [], 0
    for name, size in {**_sizes(batch_size, rows), "B = 100": 100, "B = 300": 300}.items():
        model.fit(x, y, batch_size=size, epochs=1, verbose=0)
        after = int(model.optimizer.iterations)
        last = rows - size * ((rows - 1) // size)
        table.append((name, size, rows, after - before, -(-rows // size), rows // size, last))
        before = after
    columns = ["condition", "batch_size", "rows", "updates", "closed_form", "whole_batches", "last_batch"]
    return pd.DataFrame(table, columns=columns)


def draw(tables: dict[str, pd.DataFrame]):
    """Above, three paths down the loss surface of two weights: full batch, mini-batches, single rows; below, the
    network's training loss by epochs and by updates.
    """
    fig, axes = plots.figure(2, 2, size=(7, 7.6), height_ratios=[3, 2], sharey="row")
    grid = axes[0, 0].get_gridspec()
    for ax in axes[0]:
        ax.remove()
    with plots.style():
        above = fig.add_subplot(grid[0, :])
    looks = plots.looks(tables["paths"].condition.unique())
    _draw_paths(above, tables, looks)
    for ax, x, label in zip(axes[1], ("epoch", "updates"), ("epochs", "updates"), strict=True):
        plots.band(ax, tables["curves"], x=x, y="clean_loss", looks=looks, log=True, names="none")
        plots.log_axis(ax, "x")
        plots.log_axis(ax, "y")
        ax.set(xlabel=f"{label} completed", title=f"the network, by {label}")
    # above the lines' beginnings: the lines fall, so that nothing else is there
    for line in axes[1, 0].get_lines():
        name, middle = line.get_label(), len(line.get_xdata()) // 8
        if name in looks:
            spot = (line.get_xdata()[middle], line.get_ydata()[middle])
            axes[1, 0].annotate(name, spot, (8, 3), textcoords="offset points", color=line.get_color(), fontsize=10.5)
    axes[1, 0].set_ylabel("training loss (nats)")
    first, sizes = tables["steps"].seed.iloc[0], tables["updates"].set_index("condition").batch_size
    plots.caption(
        fig,
        f"Above: least squares, {ROWS} rows, seed {first}; from the hollow marker, {UPDATES} updates each at one rate, "
        f"mini-batches of {sizes[MINI]}. Below: digits, N = {sizes[FULL]}, MLP 64-64-10, plain SGD, "
        f"{plots.seeds_text(tables['curves'])}.",
    )
    return fig


def _draw_paths(ax, tables, looks) -> None:
    points, paths = tables["points"], tables["paths"]
    surface = LeastSquares(points[["x1", "x2"]].to_numpy(), points.y.to_numpy())
    margin = 0.35
    plots.contour(
        ax,
        lambda w1, w2: surface.value(np.stack([w1, w2], axis=-1)),
        x=(paths.w1.min() - margin, max(paths.w1.max(), surface.minimum[0]) + margin),
        y=(min(paths.w2.min(), surface.minimum[1]) - margin, paths.w2.max() + margin),
    )
    for name, rows in paths.groupby("condition", sort=False):
        plots.path(ax, rows[["w1", "w2"]], name=name, look=looks[name])
    ax.plot(*surface.minimum, marker="*", color="black", markersize=14, linestyle="", label="minimum")
    ax.set(xlabel="weight w1", ylabel="weight w2", title=f"two weights, {UPDATES} updates each")
    ax.legend(loc="upper right")


CLAIMS = (
    Claim(
        "4.6-a/updates",
        "Batch gradient descent updates the weights exactly once per epoch.",
        exact(measured="updates", expected=1, where={"condition": FULL}, table="updates"),
        expected=EXACT,
        ask="With all the training rows in one batch, how often do the weights change in 20 epochs?",
        why="An update needs one gradient, and the gradient of the full batch needs every row once: a whole epoch.",
        beware="Keras's default batch size is 32: to get BGD, batch_size must be set to the number of rows.",
    ),
    Claim(
        "4.6-a/strides",
        "At the same learning rate batch gradient descent takes longer steps than single samples do.",
        paired("step_length", higher=FULL, than=SINGLE, scale="log", table="steps"),
        expected=REVERSED,
        ask="Same point, same rate: is the step along the average gradient longer than the average single-sample step?",
        why="The length of a mean vector is at most the mean of the lengths: where single gradients disagree, their "
        "average is shorter than they are.",
        beware="Many single-row steps are tiny and a few are huge: it is their mean that is longer.",
        correction="Large strides are no property of BGD: its step is the learning rate times the gradient's length. "
        "Low noise merely permits a larger rate.",
        reference="The triangle inequality: ‖mean of gradients‖ ≤ mean of ‖gradients‖",
    ),
    Claim(
        "4.6-a/epochs",
        "After equally many epochs, training with the full batch has got less far than training with mini-batches.",
        paired("clean_loss", lower=MINI, than=FULL, where={"budget": "epochs"}, table="equal"),
        expected=HOLDS,
        ask="Both see the training rows 20 times. How far apart are their training losses?",
        why="Twenty epochs are 20 updates for the full batch and 1280 for batches of 16.",
        beware="This compares work done per row read, not the quality of a single step.",
    ),
    Claim(
        "4.6-a/per-update",
        "The full batch is behind after equally many updates as well.",
        paired("clean_loss", lower=MINI, than=FULL, where={"budget": "updates"}, table="equal"),
        expected=REVERSED,
        ask="Now both make 128 updates at the same rate. Which one has the lower training loss?",
        why="Both take the same average step; the small batch adds noise to it, which costs a little.",
        beware="Those 128 updates cost the full batch 128 epochs, and the small batch two.",
        correction="BGD learns slowly per epoch, not per update: at this rate, the same for both, its updates are the "
        "better ones.",
        reference="Shallue et al. (2019), JMLR 20(112), section 4.1",
    ),
    Claim(
        "4.6-e",
        "Mini-batch gradient descent updates ⌈N/B⌉ times per epoch, between BGD's 1 and SGD's N.",
        exact(measured="updates", expected="closed_form", table="updates"),
        expected=EXACT,
        ask="1024 rows in batches of 100: how many updates does Keras make in one epoch, 10 or 11?",
        why="Keras keeps the last, smaller batch: ten batches of 100 and one of 24.",
        beware="The rows of that small last batch weigh more than the others, since its gradient is a mean over fewer.",
    ),
)
