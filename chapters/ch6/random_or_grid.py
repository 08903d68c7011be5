"""6.2 Random trials in five dimensions (하이퍼파라미터의 무작위 선택)

The more hyperparameters, the more combinations; so the text draws their values at random. With five of them and 32
trials, a grid has two values of each, and every value of the rate is tried sixteen times. Random trials, and the points
of a Sobol sequence, have 32 values of everything. Which finds the better network depends on how many of the five
matter: chapter 5 shows, on surfaces of two, that the grid wins where both matter alike. Here networks are trained at
every point that each design asks for, with nothing read off neighbours.
"""

import functools

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import HOLDS, Claim, Run, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.schedules import ExponentialDecay

ENTRIES = ("6.2-b",)
DATA = "any"

# name → (lowest, highest, how it is drawn between them: "log", "even", or "one minus": log of the distance from 1)
RANGES = {
    "learning rate": (1e-4, 1.0, "log"),
    "momentum": (0.0, 0.99, "one minus"),
    "weight decay": (1e-5, 1e-1, "log"),
    "rate decay": (0.01, 1.0, "log"),
    "dropout": (0.0, 0.5, "even"),
}
DESIGNS = ("grid", "random", "sobol")
_MOST = 1000


def measure(
    run: Run, *, trials: int = 32, hidden: tuple[int, ...] = (32,), rows: int = 512, epochs: int = 6
) -> dict[str, pd.DataFrame]:
    """Train every point of a grid, of random points and of a Sobol sequence, drawn anew for each seed.

    The grid is moved by a random vector within a cell, so that every point is as likely to be tried as at random.

    Args:
        trials: of each design and seed; a power of two makes an even grid of five dimensions, 32 has two values each.
        hidden: units of each hidden layer.
        rows: of the training part.
        epochs: of every training.
    """
    points = pd.concat([_points(seed, trials) for seed in run.seeds], ignore_index=True)
    splits = run.splits("digits", (rows, 473, 300))
    parts = {seed: splits(seed) for seed in run.seeds}
    epochs = run.epochs(epochs)

    def numbers(name) -> dict:
        return dict(zip(points.number, points[name], strict=True))

    rates = zip(points.number, points["learning rate"], points["rate decay"], strict=True)
    condition = Condition(
        learning_rate={number: ExponentialDecay(rate, factor=decay, every=epochs) for number, rate, decay in rates},
        momentum=numbers("momentum"),
        weight_decay=numbers("weight decay"),
        strengths={"rate": numbers("dropout")},
    )
    curves = train_replicas(
        functools.partial(mlp, hidden=hidden, dropout=0.25),  # a rate of 0 would build no dropout to turn
        lambda number: parts[number // _MOST],
        conditions={"": condition},
        seeds=tuple(points.number),
        epochs=epochs,
    )
    last = curves[curves.epoch == curves.epoch.max()].rename(columns={"seed": "number"})
    losses = {f"{part}_loss": last[f"{part}_loss"].mask(last.diverged, last.chance_loss) for part in ("val", "test")}
    found = points.merge(last.assign(**losses)[["number", "val_loss", "test_loss", "diverged"]], on="number")
    best = found.loc[found.groupby(["seed", "design"], sort=False).val_loss.idxmin()]
    settings = {
        "trials": trials,
        "epochs": epochs,
        "hidden": "-".join(map(str, hidden)),
        "rows": len(parts[run.seeds[0]].train.y),
    }
    return {
        "trials": found,
        "best": best.reset_index(drop=True),
        "growth": _growth(found),
        "settings": pd.DataFrame([settings]),
    }


def _points(seed: int, trials: int) -> pd.DataFrame:
    """The points of every design of one seed, with the values that they stand for."""
    from textbook.search import draw_designs

    if not 1 <= trials * len(DESIGNS) <= _MOST:
        raise ValueError(f"expected 1 to {_MOST // len(DESIGNS)} trials, got {trials}; mend by a number such as 32")
    tables = []
    for name in DESIGNS:
        unit = draw_designs(name, trials, len(RANGES), seed=seed)[0]
        values = {key: _value(column, *RANGES[key]) for key, column in zip(RANGES, unit.T, strict=True)}
        tables.append(pd.DataFrame({"seed": seed, "design": name, "trial": np.arange(trials)} | values))
    table = pd.concat(tables, ignore_index=True)
    return table.assign(number=seed * _MOST + np.arange(len(table)))


def _value(unit: np.ndarray, low: float, high: float, kind: str) -> np.ndarray:
    """The values at places from 0 to 1 along a range."""
    if kind == "even":
        return low + (high - low) * unit
    if kind == "one minus":
        return 1 - _value(1 - unit, 1 - high, 1 - low, "log")
    return low * (high / low) ** unit


def _growth(found: pd.DataFrame) -> pd.DataFrame:
    """The best validation loss to be expected after n of the trials in random order, by design and seed."""
    from textbook.search import efficiency

    tables = []
    for (seed, design), mine in found.groupby(["seed", "design"], sort=False):
        best = efficiency(mine, target="val_loss", quantiles=[])
        tables.append(pd.DataFrame({"seed": seed, "design": design, "trials": best.trials, "val_loss": best.best}))
    return pd.concat(tables, ignore_index=True)


def draw(tables: dict[str, pd.DataFrame]):
    """Above, the validation loss of one seed's trials by learning rate for grid and random search; below, the best of n
    trials, and the test loss of every seed's winner, for grid, random and Sobol points.
    """
    found, best, setting = tables["trials"], tables["best"], tables["settings"].iloc[0]
    fig, axes = plots.figure(2, 2, height_ratios=[1, 1])
    looks = plots.looks(DESIGNS)
    one = found[found.seed == found.seed.min()]
    for ax, name in zip(axes[0], ("grid", "random"), strict=True):
        mine, look = one[one.design == name], looks[name]
        ax.plot(mine["learning rate"], mine.val_loss, look["marker"], color=look["color"], markersize=6, alpha=0.75)
        plots.log_axis(ax, "x", at=(1e-4, 1e-2, 1))
        tried = mine["learning rate"].round(12).nunique()
        ax.set(xlabel="learning rate", xlim=(7e-5, 1.4), title=f"{name}: {tried} rates tried")
    axes[0, 0].set(ylabel="validation loss (nats)", ylim=(0, 1.08 * one.val_loss.max()))
    axes[0, 1].sharey(axes[0, 0])
    axes[0, 1].tick_params(labelleft=False)
    plots.band(axes[1, 0], tables["growth"], x="trials", y="val_loss", hue="design", looks=looks)
    plots.log_axis(axes[1, 0], "x", at=sorted(tables["growth"].trials.unique()))
    axes[1, 0].set(xlabel="trials", ylabel="best validation loss (nats)", ylim=(0, None), title="best of n trials")
    plots.dots(axes[1, 1], best, value="test_loss", by="design", looks=looks)
    axes[1, 1].set(xlabel="test loss (nats)", title="the winner of each search")
    plots.caption(
        fig,
        f"Digits, {setting.rows} training rows, MLP 64-{setting.hidden}-10, {setting.epochs} epochs; {setting.trials} "
        f"trials of each design over {', '.join(RANGES)}. Top: seed {one.seed.iloc[0]}. Lower left: n of these trials, "
        f"in any order. Bands, bars: 95 %; {plots.seeds_text(found)}.",
    )
    return fig


CLAIMS = (
    Claim(
        "6.2-b",
        "Of networks over five hyperparameters, the best of 32 random trials has a lower validation loss than the best "
        "of a grid of 32.",
        paired("val_loss", lower="random", than="grid", by="design", table="best"),
        expected=HOLDS,
        ask="Two rates from four decades, each tried sixteen times, or 32 different rates: which comes nearer?",
        why="A grid spends its trials on combinations; of the hyperparameter that matters most it tries two values.",
        beware="Whoever knows which one matters would lay out all 32 values along it. Random search needs no such "
        "knowledge, and that is its merit.",
    ),
    Claim(
        "6.2-b/test",
        "The network that random search chooses on validation also has a lower test loss than the grid's.",
        paired("test_loss", lower="random", than="grid", by="design", table="best"),
        expected=HOLDS,
        ask="How much of what a search gains on the rows it chooses by is left on new ones?",
        why="The gain is a better rate, not a luckier choice; both searches choose among equally many.",
        beware="One design of each kind for each seed: single searches differ much more than their means.",
    ),
)
