"""5.7 The plain update and the steepest way down (기본 갱신과 가장 가파른 하강)

x −= lr·dx: every optimizer of this chapter starts from this line. In a direction at an angle φ from −dx the loss falls
at ‖dx‖·cos φ, so no direction is steeper than −dx itself. That holds for steps too short to notice how the slope
changes, and for lengths measured with a ruler, the same in every weight. On a longer step another direction falls
further, and the steepest way need not lead to the minimum: in Rosenbrock's valley it points across. In Keras the line
is `SGD` with momentum 0, and 50 updates in NumPy end at the same weights, on that valley and on the digits.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, Claim, Run, exact
from textbook.surfaces import Rosenbrock, trajectory
from textbook.update_rules import GradientDescent

ENTRIES = ("5.7-a",)
DATA = "any"
VALLEY = Rosenbrock()
SPEEDS = (1e-4, 0.1, 0.3)  # lengths of the step, the first as good as none


def measure(
    run: Run,
    *,
    start: tuple[float, ...] = (-1.2, 1.0),
    valley_rate: float = 5e-4,
    rate: float = 0.1,
    updates: int = 50,
    batch_size: int = 32,
) -> dict[str, pd.DataFrame]:
    """Step in all directions from one point of the valley, and walk the rule beside Keras on the valley and the digits.

    Args:
        start: point of Rosenbrock's valley.
        valley_rate, rate: on the valley, and on the digits (softmax regression from weights of 0).
        updates, batch_size: of the comparison with Keras.
    """
    return {
        "directions": _directions(np.asarray(start)),
        "keras": pd.concat([_on_valley(start, valley_rate, updates), _on_digits(run, rate, updates, batch_size)]),
    }


def _directions(start) -> pd.DataFrame:
    """The fall of the loss per length, in each direction, for each length of step, beside ‖g‖·cos φ."""
    gradient = VALLEY.gradient(start)
    towards = np.arctan2(*(VALLEY.minimum - start)[::-1]) - np.arctan2(*-gradient[::-1])
    angles = np.linspace(-180, 180, 361)
    down = np.arctan2(*-gradient[::-1]) + np.radians(angles)
    ways = np.stack([np.cos(down), np.sin(down)], axis=-1)
    tables = []
    for length in SPEEDS:
        step = length * ways
        fall = (VALLEY.value(start) - VALLEY.value(start + step)) / length
        # from both sides, so that what is left is the slope: the bends of even order cancel
        slope = (VALLEY.value(start - step) - VALLEY.value(start + step)) / (2 * length)
        tables.append(
            pd.DataFrame(
                {
                    "length": length,
                    "angle": angles,
                    "fall": fall,
                    "slope": slope / np.linalg.norm(gradient),
                    "cosine": np.cos(np.radians(angles)),
                    "to_minimum": (np.degrees(towards) + 180) % 360 - 180,
                    "shortest": length == SPEEDS[0],
                    "w1": start[0],
                    "w2": start[1],
                }
            )
        )
    return pd.concat(tables)


def _on_valley(start, rate: float, updates: int) -> pd.DataFrame:
    """The path in NumPy and by Keras's SGD, in 64 bits."""
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    ours = trajectory(VALLEY, GradientDescent(rate), start=start, steps=updates)
    w, theirs = keras.Variable(np.asarray(start), dtype="float64"), [np.asarray(start)]
    optimizer = keras.optimizers.SGD(rate, momentum=0.0)
    for _ in range(updates):
        optimizer.apply([keras.ops.convert_to_tensor(VALLEY.gradient(theirs[-1]), "float64")], [w])
        theirs.append(np.copy(keras.ops.convert_to_numpy(w)))
    at = np.repeat(np.arange(updates + 1), 2)
    return pd.DataFrame({"problem": "valley", "update": at, "ours": ours.ravel(), "keras": np.ravel(theirs)})


def _on_digits(run: Run, rate: float, updates: int, batch_size: int) -> pd.DataFrame:
    """Every weight after the updates: softmax regression with its gradient by hand, and by `fit`."""
    import keras

    split = run.splits("digits")(run.seeds[0])
    rows = np.resize(np.arange(len(split.train)), updates * batch_size)
    x = np.asarray(split.train.x, np.float64).reshape(len(split.train), -1)[rows]
    y = np.asarray(split.train.y)[rows]

    model = keras.Sequential(
        [keras.Input(x.shape[1:], dtype="float64"), keras.layers.Dense(split.classes, kernel_initializer="zeros",
                                                                       dtype="float64")]
    )  # fmt: skip
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(rate, momentum=0.0), loss)
    model.fit(x, y, batch_size=batch_size, epochs=1, shuffle=False, verbose=0)
    theirs = np.concatenate([weights.ravel() for weights in model.get_weights()])

    kernel, bias = np.zeros((x.shape[1], split.classes)), np.zeros(split.classes)
    for first in range(0, len(x), batch_size):
        batch, labels = x[first : first + batch_size], y[first : first + batch_size]
        scores = batch @ kernel + bias
        slope = np.exp(scores - scores.max(axis=1, keepdims=True))
        slope /= slope.sum(axis=1, keepdims=True)
        slope[np.arange(len(batch)), labels] -= 1
        slope /= len(batch)
        kernel -= rate * batch.T @ slope  # x −= lr·dx
        bias -= rate * slope.sum(axis=0)
    ours = np.concatenate([kernel.ravel(), bias])
    return pd.DataFrame({"problem": "digits", "update": updates, "ours": ours, "keras": theirs})


def draw(tables: dict[str, pd.DataFrame]):
    """The valley with the path and the way to the minimum; the fall by direction for three lengths of step."""
    directions, walks = tables["directions"], tables["keras"]
    valley = walks[walks.problem == "valley"]
    points = valley.keras.to_numpy().reshape(-1, 2)
    start = directions[["w1", "w2"]].iloc[0].to_numpy()
    fig, (left, right) = plots.figure(1, 2, size=(7.4, 4.4), width_ratios=[1, 1.05])
    with plots.style():
        reach = 0.35 + np.abs(start).max()
        # one unit as long on both axes: steepest is what crosses the level lines at right angles
        middle, half = (start[1] + VALLEY.minimum[1]) / 2 - 0.3, 1.15 * max(reach, 1.3)
        window = {"x": (-max(reach, 1.3), max(reach, 1.3)), "y": (middle - half, middle + half)}
        plots.contour(left, lambda a, b: np.log1p(VALLEY.value(np.stack([a, b], -1))), **window, levels=12)
        plots.path(left, points, look=plots.look(0))
        left.plot(*VALLEY.minimum, marker="*", color="#222222", markersize=13, linestyle="", zorder=5)
        for angle, colour, name, aside in (
            (0.0, plots.COLOURS[0], "−gradient", (6, 4)),
            (directions.to_minimum.iloc[0], plots.COLOURS[1], "to the minimum", (-4, -14)),
        ):
            _arrow(left, start, directions, angle, colour, name, aside)
        left.set_aspect("equal")
        left.set(xlabel="weight w₁", ylabel="weight w₂", title=f"{len(points) - 1} updates")
        for number, (length, rows) in enumerate(directions.groupby("length", sort=False)):
            shown = {**plots.look(number), "marker": ""}
            name = f"length {length:g}"
            right.plot(rows.angle, rows.fall, **shown, label=name)
            best = rows.loc[rows.fall.idxmax()]
            right.plot(best.angle, best.fall, marker=plots.look(number)["marker"], color=shown["color"], markersize=9)
        top = directions.fall.max()
        right.set(ylim=(-1.3 * top, 1.1 * top), xticks=(-180, -90, 0, 90, 180))
        right.axhline(0, color="#999999", linewidth=0.8, linestyle="-")
        right.set(xlabel="angle from −gradient (degrees)", ylabel="fall of the loss per length", title="one step")
        right.legend(loc="lower center", fontsize=9.5)
    plots.caption(
        fig,
        f"Exact, no seeds: Rosenbrock's function from ({start[0]:g}, {start[1]:g}); level lines of its logarithm. "
        "Right: markers show the direction that falls furthest, for steps of each length.",
    )
    return fig


def _arrow(ax, start, directions, angle, colour, name, aside) -> None:
    """An arrow from the start at an angle from −gradient, with its name at the head."""
    gradient = VALLEY.gradient(start)
    way = np.arctan2(*-gradient[::-1]) + np.radians(angle)
    head = start + 0.75 * np.array([np.cos(way), np.sin(way)])
    ax.annotate("", head, start, arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 2.2}, zorder=6)
    ax.annotate(name, head, aside, textcoords="offset points", color=colour, fontsize=10.5, zorder=7)


CLAIMS = (
    Claim(
        "5.7-a/keras",
        "Fifty updates x −= lr·dx end where Keras's SGD without momentum does, on Rosenbrock's valley and on data.",
        exact(measured="ours", expected="keras", tolerance=1e-6, table="keras"),
        expected=EXACT,
        ask="One line of NumPy against an optimizer with a dozen arguments: how far apart are they after 50 updates?",
        why="With momentum, decay, clipping and averaging all off, nothing else is left of `SGD`.",
        beware="Keras keeps its rate in 32 bits; in a 32-bit network the weights agree to about 1e-7 an update.",
    ),
    Claim(
        "5.7-a/steepest",
        "In a direction at angle φ from −gradient the loss falls at ‖gradient‖·cos φ: fastest at φ = 0.",
        exact(measured="slope", expected="cosine", tolerance=1e-5, table="directions", where={"shortest": True}),
        expected=EXACT,
        ask="At which angle from −gradient does the loss neither fall nor rise?",
        why="The slope along a unit vector is its inner product with the gradient.",
        beware="It holds for short steps: at length 0.3 another direction falls further. And it depends on what counts "
        "as length: measured in other units for each weight, another direction is the steepest one.",
    ),
)
