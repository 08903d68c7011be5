"""5.6 Four shapes of a loss curve (손실 곡선의 네 모양)

A well-known sketch draws the training loss for four learning rates: with a low one it falls almost in a straight line,
with a good one steeply and then flattens near the bottom, with a high one it also falls at once but stays on a higher
floor, and with a very high one it never leaves the level of a guess. The section on learning rates asks which rate is
best; here a rule reads the shape from the curve, without being told the rate. A straight line needs a rate far lower
than a usual "small" one: at 0.003 (momentum 0.9) the curve already bends within twenty epochs. The four rates were
picked on seeds 0 to 3.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import HOLDS, Claim, Run, share
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas

ENTRIES = ("5.6-a",)
DATA = "any"

LOW, GOOD, HIGH, VERY_HIGH = "low", "good", "high", "very high"
SEEDS = 35  # what a share of 90 % needs
_STRAIGHT = 0.9  # share of the variance that a straight line explains
_FLOOR = 5.0  # times the level of the seed's best curve
_EARLY, _WITHIN = 0.9, 0.25  # a good curve makes so much of its fall within this share of the epochs


def measure(
    run: Run,
    *,
    low: float = 0.001,
    good: float = 0.1,
    high: float = 0.5,
    very_high: float = 2.0,
    momentum: float = 0.9,
    epochs: int = 20,
) -> dict[str, pd.DataFrame]:
    """Train the book's network with four rates and read the shape of every curve, a seed's four curves together."""
    rates = {LOW: low, GOOD: good, HIGH: high, VERY_HIGH: very_high}
    curves = train_replicas(
        mlp,
        run.splits("digits"),
        conditions={name: Condition(learning_rate=rate, momentum=momentum) for name, rate in rates.items()},
        seeds=run.seeds_for(SEEDS),
        epochs=max(8, run.epochs(epochs)),
    )[["condition", "seed", "epoch", "loss", "chance_loss", "diverged", "learning_rate"]]
    shapes = pd.concat(_shapes(runs) for _, runs in curves.groupby("seed"))
    return {"curves": curves.assign(momentum=momentum), "shapes": shapes}


def _shapes(runs: pd.DataFrame) -> pd.DataFrame:
    """The shape of each of one seed's curves, the numbers that it rests on, and whether it is the sketch's."""
    numbers = {name: _numbers(rows.sort_values("epoch")) for name, rows in runs.groupby("condition", sort=False)}
    best = min(found["level"] for found in numbers.values())
    rows = []
    for name, found in numbers.items():
        if not found["level"] < found["chance"]:
            shape = VERY_HIGH
        elif found["straight"] >= _STRAIGHT:
            shape = LOW
        elif found["level"] >= _FLOOR * best:
            shape = HIGH
        else:
            shape = GOOD if found["early"] >= _EARLY else "none"
        rows.append({"condition": name, **found, "shape": shape, "as_drawn": shape == name})
    return pd.DataFrame(rows).assign(seed=runs.seed.iloc[0])


def _numbers(rows: pd.DataFrame) -> dict:
    """Level of the last third, share of the variance on a straight line, and share of the fall made early.

    A curve that is not finite has an infinite level.
    """
    loss, chance = rows.loss.to_numpy(), rows.chance_loss.iloc[0]
    if rows.diverged.any() or not np.isfinite(loss).all():
        return {"level": np.inf, "straight": 0.0, "early": 0.0, "chance": chance}
    line = np.polyval(np.polyfit(rows.epoch, loss, 1), rows.epoch)
    level = loss[-max(2, len(loss) // 3) :].mean()
    fall = chance - level
    soon = loss[max(1, round(_WITHIN * len(loss))) - 1]
    return {
        "level": level,
        "straight": 1 - ((loss - line) ** 2).sum() / ((loss - loss.mean()) ** 2).sum(),
        "early": (chance - soon) / fall if fall > 0 else 0.0,
        "chance": chance,
    }


def draw(tables: dict[str, pd.DataFrame]):
    """Left, the training loss by epoch of every run at four rates from low to very high; right, each run by the level
    of its last third and by how straight its curve is.
    """
    curves, shapes = tables["curves"], tables["shapes"]
    fig, (left, right) = plots.figure(1, 2, width_ratios=[1.25, 1])
    looks = plots.looks(curves.condition.unique())
    chance = curves.chance_loss.iloc[0]
    shown = curves[np.isfinite(curves.loss)]
    for name, rows in shown.groupby("condition", sort=False):
        for _, run in rows.groupby("seed"):
            left.plot(run.epoch, run.loss, color=looks[name]["color"], lw=0.5, alpha=0.35, linestyle="-", marker="")
    rates = curves.groupby("condition", sort=False).learning_rate.first()
    names = {name: f"{name}: {rate:g}" for name, rate in rates.items()}
    named = shown.assign(condition=shown.condition.map(names))
    plots.band(left, named, x="epoch", y="loss", looks={names[n]: look for n, look in looks.items()}, names="none")
    left.axhline(chance, color="#222222", lw=1, linestyle=":")
    end = curves.epoch.max()
    left.annotate("a guess", (end, chance), (0, -3), textcoords="offset points", va="top", ha="right", fontsize=10)
    left.set(xlabel="epochs completed", ylabel="training loss (nats)", ylim=(0, 1.45 * chance))
    left.set_title("every run, thick: mean")
    lines = left.get_legend_handles_labels()
    fig.legend(*lines, loc="outside upper left", ncols=4, handlelength=1.8, title="learning rate")
    _draw_plane(right, shapes, looks)
    counts = shapes.groupby("condition", sort=False).as_drawn.agg(["sum", "size"])
    drawn = ", ".join(f"{name} {row['sum']}/{row['size']}" for name, row in counts.iterrows())
    plots.caption(
        fig,
        f"Digits, MLP 64-64-10, SGD with momentum {curves.momentum.iloc[0]:g}. Loss as Keras reports it. Shaped as "
        f"sketched: {drawn}. {plots.seeds_text(curves)}",
    )
    return fig


def _draw_plane(ax, shapes: pd.DataFrame, looks: dict) -> None:
    """The two numbers that tell most shapes apart: the level of the last third and how straight the curve is."""
    for name, rows in shapes.groupby("condition", sort=False):
        kept = rows[np.isfinite(rows.level)]
        ax.plot(kept.level, kept.straight, **{**looks[name], "linestyle": "", "alpha": 0.6, "markersize": 5})
    ax.axhline(_STRAIGHT, color=plots.GREY, lw=1)
    ax.axvline(shapes.chance.iloc[0], color="#222222", lw=1, linestyle=":")
    plots.log_axis(ax, "x", at=(0.01, 0.1, 1))
    ax.set(xlabel="loss, last third (nats)", ylabel="variance on a straight line", ylim=(-0.03, 1.03))
    ax.set_title("a dot a run")


def _drawn(name: str):
    return share("as_drawn", threshold=0.9, table="shapes", where={"condition": name})


CLAIMS = (
    Claim(
        "5.6-a/low",
        "With a low rate the training loss falls almost in a straight line.",
        _drawn(LOW),
        expected=HOLDS,
        ask="A hundredth of a good rate, twenty epochs: is the curve bent or straight?",
        why="So few and small steps stay on one slope of the loss, and a constant slope gives a straight line.",
        beware="Train on, and the line bends: it is the beginning of the same curve. A rate of 0.003 bends already.",
    ),
    Claim(
        "5.6-a/good",
        "With a good rate nine tenths of the fall are made in the first quarter; the rest is flat, near the bottom.",
        _drawn(GOOD),
        expected=HOLDS,
        ask="How much of what twenty epochs bring does a good rate bring in five?",
        why="The steep directions are done in a few epochs; what is left are the flat ones.",
        beware="Flat on a linear axis is not done: on a log axis the same curve falls to its end.",
    ),
    Claim(
        "5.6-a/high",
        "With a high rate the loss comes down below a guess, but stays on a floor at least five times the best one's.",
        _drawn(HIGH),
        expected=HOLDS,
        ask="Five times the good rate: does the curve fall faster, and does it end lower?",
        why="Steps that are too long for the narrow directions keep jumping across them, and the longest have silenced "
        "most hidden units for good.",
        beware="The first epochs alone do not show it: there a high rate can be ahead.",
    ),
    Claim(
        "5.6-a/very-high",
        "With a very high rate the training loss stays at or above that of a guess.",
        _drawn(VERY_HIGH),
        expected=HOLDS,
        ask="Twenty times the good rate. Does the loss become infinite?",
        why="The first steps throw the weights so far that all or nearly all hidden units are silent for every image, "
        "and no gradient passes a silent unit.",
        beware="It need not become NaN: a flat loss near ln 10 = 2.3 is the same failure in a quiet form.",
    ),
)
