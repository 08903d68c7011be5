"""8.1 The path of gradient descent and of SGD (GD와 SGD의 경로)

The text draws a black line for gradient descent, straight to the minimum, and a red one for SGD, in zigzags to the same
place. Here both are walked on a least-squares surface. What the picture leaves out is the end: at a constant rate SGD
never arrives. It wanders about in a cloud around the minimum, whose radius grows as the root of the learning rate and
shrinks as the root of the batch size.
"""

import numpy as np
import pandas as pd

from chapters.shared.slanted_valley import slanted_valley
from textbook import plots
from textbook.experiment import HOLDS, Claim, Run, paired, slope
from textbook.seeding import stream
from textbook.surfaces import LeastSquares, trajectory
from textbook.update_rules import GradientDescent

ENTRIES = ("8.1-f",)
DATA = "none"
GD = "gradient descent"
START = (-1.6, 2.4)
RATES = (0.0025, 0.005, 0.01, 0.02, 0.04)
SIZES = (1, 2, 4, 8, 16)


def measure(
    run: Run,
    *,
    rows: int = 200,
    learning_rate: float = 0.1,
    updates: int = 60,
    batch_size: int = 16,
    wander: int = 4000,
) -> dict[str, pd.DataFrame]:
    """Paths from one start, and the cloud in which SGD ends, by learning rate and by batch size.

    Args:
        rows: of each seed's regression with two weights.
        learning_rate, updates: of the paths that are drawn.
        batch_size: of the middle path; the others have one row and all.
        wander: updates over which a cloud is measured, after half as many to get there.
    """
    surfaces = [slanted_valley(seed, rows=rows, part="regression") for seed in run.seeds]
    sizes = {GD: rows, f"SGD, B = {batch_size}": batch_size, "SGD, B = 1": 1}
    paths = pd.concat(
        _path(surface, name, size, learning_rate, updates, seed)
        for surface, seed in zip(surfaces, run.seeds, strict=True)
        for name, size in sizes.items()
    )
    clouds = [_cloud(surfaces, run.seeds, size, RATES if size == 1 else RATES[-1:], wander) for size in SIZES]
    first = surfaces[0]
    return {
        "points": pd.DataFrame({"x1": first.x[:, 0], "x2": first.x[:, 1], "y": first.y}),
        "paths": paths[paths.seed == run.seeds[0]],
        "lengths": paths.groupby(["condition", "seed"], sort=False).step.sum().rename("length").reset_index(),
        "clouds": pd.concat(clouds).assign(learning_rate_of_paths=learning_rate),
    }


def _path(surface, name, size, rate, updates, seed) -> pd.DataFrame:
    """One path; its batches are drawn without replacement, each for itself."""
    random, rows = stream(seed, "order"), len(surface.y)
    batches = (random.choice(rows, size, replace=False) for _ in range(updates))
    w = trajectory(surface, GradientDescent(rate), start=START, steps=updates, batches=batches)
    step = np.concatenate([[0.0], np.linalg.norm(np.diff(w, axis=0), axis=1)])
    columns = {
        "condition": name,
        "seed": seed,
        "update": range(updates + 1),
        "w1": w[:, 0],
        "w2": w[:, 1],
        "step": step,
    }
    return pd.DataFrame(columns)


def _cloud(surfaces, seeds, size, rates, wander) -> pd.DataFrame:
    """Root mean square distance from the minimum, for each seed and rate: every seed's descent at once."""
    x, y = np.stack([s.x for s in surfaces]), np.stack([s.y for s in surfaces])
    minimum = np.stack([s.minimum for s in surfaces])[:, None]
    burn_in = wander // 2
    drawn = np.stack(
        [stream(seed, f"cloud {size}").integers(len(y[0]), size=(burn_in + wander, size)) for seed in seeds], axis=1
    )
    rate, each = np.array(rates)[None, :, None], np.arange(len(seeds))[:, None]
    w, squares = np.tile(minimum, (1, len(rates), 1)), 0.0
    for update, picked in enumerate(drawn):
        xs, ys = x[each, picked], y[each, picked]
        residuals = w @ np.swapaxes(xs, 1, 2) - ys[:, None]
        w = w - rate * (residuals @ xs) / size
        if update >= burn_in:
            squares = squares + ((w - minimum) ** 2).sum(axis=2)
    radius = np.sqrt(squares / wander)
    return pd.DataFrame(
        {
            "seed": np.repeat(seeds, len(rates)),
            "batch_size": size,
            "learning_rate": np.tile(rates, len(seeds)),
            "radius": radius.ravel(),
        }
    )


def draw(tables: dict[str, pd.DataFrame]):
    """Above, the paths of gradient descent and of SGD with batches and with single rows on the contours of the loss;
    below, the radius of the cloud around the minimum by rate and by batch size.
    """
    paths, points, clouds = tables["paths"], tables["points"], tables["clouds"]
    fig, axes = plots.figure(2, 2, size=(7, 7.8), height_ratios=[3, 2], sharey="row")
    grid = axes[0, 0].get_gridspec()
    for ax in axes[0]:
        ax.remove()
    surface = LeastSquares(points[["x1", "x2"]].to_numpy(), points.y.to_numpy())
    looks = plots.looks(paths.condition.unique())
    with plots.style():
        above = fig.add_subplot(grid[0, :])
        x, y = ((values.min() - 0.4, values.max() + 0.4) for values in (paths.w1, paths.w2))
        plots.contour(above, lambda a, b: surface.value(np.stack([a, b], axis=-1)), x=x, y=y)
        for name, rows in reversed(list(paths.groupby("condition", sort=False))):
            plots.path(above, rows[["w1", "w2"]], name=name, look=looks[name])
        above.plot(*surface.minimum, marker="*", color="black", markersize=14, linestyle="", label="minimum")
        above.set(xlabel="weight w1", ylabel="weight w2", title="from one start, as many updates each")
        above.legend(loc="upper right")
        fixed = clouds.learning_rate == clouds.learning_rate.max()
        for ax, rows, at in ((axes[1, 0], clouds[clouds.batch_size == 1], "learning_rate"),
                             (axes[1, 1], clouds[fixed], "batch_size")):  # fmt: skip
            plots.band(ax, rows, x=at, y="radius", hue=None, log=True)
            plots.log_axis(ax, "x", at=sorted(rows[at].unique()))
        plots.log_axis(axes[1, 0], "y")
        axes[1, 0].set(xlabel="learning rate", ylabel="radius of the cloud (weight)", title="one row per update")
        axes[1, 1].set(xlabel="batch size (rows)", title=f"at rate {clouds.learning_rate.max():g}")
    plots.caption(
        fig,
        f"Least squares, {len(points)} rows, two weights. Above: seed {paths.seed.iloc[0]}, rate "
        f"{clouds.learning_rate_of_paths.iloc[0]:g}, {paths['update'].max()} updates. Below: root mean square distance "
        f"from the minimum, rows drawn independently; geometric means, 95 % bands, {plots.seeds_text(clouds)}",
    )
    return fig


CLAIMS = (
    Claim(
        "8.1-f/longer",
        "SGD with one row per update walks a longer path than gradient descent does, at the same rate and updates.",
        paired("length", higher="SGD, B = 1", than=GD, scale="log", table="lengths"),
        expected=HOLDS,
        ask="The red line against the black one: by what factor is it longer?",
        why="Its steps have the true step and a deviation that points anywhere.",
        beware="Longer is not dearer: a step of gradient descent reads every row, a step of SGD only one.",
    ),
    Claim(
        "8.1-f/rate",
        "SGD ends in a cloud around the minimum whose radius grows as the root of the learning rate.",
        slope("radius", over="learning_rate", theory=0.5, where={"batch_size": 1}, table="clouds"),
        expected=HOLDS,
        ask="Halve the rate. Is the cloud half as wide?",
        why="Each step adds a variance of rate² and takes away a share of rate: the two balance at a variance in "
        "proportion to the rate.",
        beware="So at a constant rate SGD never arrives, and a smaller rate gets near later. That is what decay is "
        "for.",
    ),
    Claim(
        "8.1-f/batch",
        "The radius shrinks as one over the root of the batch size.",
        slope("radius", over="batch_size", theory=-0.5, where={"learning_rate": RATES[-1]}, table="clouds"),
        expected=HOLDS,
        ask="Four times the rows in a batch: how much narrower is the cloud?",
        why="A quarter of the gradient's variance at the same rate.",
        beware="With rows drawn independently. Where every row comes once an epoch, deviations cancel over the epoch "
        "and the cloud is narrower.",
    ),
)
