"""Draws the figures of docs/random_search.md. Run it from the repository's root: python docs/draw_random_search.py"""

from pathlib import Path

import numpy as np
import pandas as pd

from textbook import datasets, plots, splits
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.search.best_of_n import efficiency
from textbook.search.designs import bowl, compare_designs, draw_designs
from textbook.search.volume import hit_probability, random_hit_probability, random_trials_needed
from textbook.seeding import stream

FIGURES = Path(__file__).parent / "figures"
NAMES = {"grid": "grid", "random": "random", "sobol": "Sobol", "latin": "Latin hypercube"}
LOOKS = plots.looks(NAMES)
TRIALS, EPOCHS = 256, 5
SHADOWS = 191  # a seed whose points do not cover one another


def main() -> None:
    FIGURES.mkdir(exist_ok=True)
    with plots.style():
        for name, figure in (
            ("shadows", draw_shadows()),
            ("surfaces", draw_surfaces()),
            ("volume", draw_volume()),
            ("efficiency", draw_efficiency(pool_of_trials())),
        ):
            figure.savefig(FIGURES / f"random_search-{name}.png")


def draw_shadows():
    """Nine trials of three designs and their shadows on the axes."""
    fig, axes = plots.figure(1, 3, size=(9.0, 3.9))
    for ax, name in zip(axes, ("grid", "random", "sobol"), strict=True):
        points = draw_designs(name, 9, 2, seed=SHADOWS)[0]
        colour = LOOKS[name]["color"]
        ax.plot(*points.T, LOOKS[name]["marker"], color=colour, markersize=8, clip_on=False)
        shadow = {"color": colour, "markersize": 14, "markeredgewidth": 2, "clip_on": False, "linestyle": ""}
        ax.plot(points[:, 0], np.full(9, -0.06), marker="|", **shadow)
        ax.plot(np.full(9, -0.06), points[:, 1], marker="_", **shadow)
        ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel="matters", xticks=[], yticks=[])
        ax.set_title(f"{NAMES[name]}: {len(np.unique(points[:, 0].round(9)))} values")
        ax.xaxis.labelpad = ax.yaxis.labelpad = 24
        ax.spines[["top", "right"]].set_visible(True)
    axes[0].set_ylabel("does not matter")
    plots.caption(
        fig, "Nine trials of two hyperparameters in the unit square; at the borders, the values tried of each."
    )
    return fig


def draw_surfaces():
    """The best score on two bowls by number of trials."""
    fig, axes = plots.figure(1, 2, size=(9.0, 4.8), sharey=True)
    centre = stream(0, "centre").random((1000, 1, 2))
    for ax, weights, title in ((axes[0], [1, 0], "one of two matters"), (axes[1], [1, 1], "both matter alike")):
        table = compare_designs(bowl(weights, centre=centre), 2, repeats=1000)
        for name in NAMES:
            curve(ax, table[table.design == name], name, "best")
        plots.log_axis(ax, "x", at=[4, 9, 16, 36, 64, 144, 256])
        ax.set(yscale="log", xlabel="trials", title=title)
    axes[0].set_ylabel("best score, mean\n(the minimum is 0)")
    axes[0].legend(loc="lower left")
    text = "(x₁ − c₁)² and (x₁ − c₁)² + (x₂ − c₂)², c anywhere in the unit square; mean best of"
    plots.caption(fig, f"{text} n = {table.repeats[0]} surfaces and designs (seed 0), 95 % band")
    return fig


def draw_volume():
    """The share of 1 % targets that are hit, by number of trials."""
    fig, axes = plots.figure(1, 2, size=(9.0, 4.8), sharey=True)
    wanted = random_trials_needed(0.95)
    for ax, target, title in (
        (axes[0], "rectangle", "target: a box of any shape"),
        (axes[1], "cube", "target: a cube"),
    ):
        table = hit_probability(3, sizes=[1, 8, 27, 64, 125, 216, 343, 512], target=target)
        for name in NAMES:
            curve(ax, table[table.design == name], name, "probability")
        every = np.arange(513)
        ax.plot(every, random_hit_probability(every), color="#222222", linewidth=0.9, label="1 − 0.99ⁿ")
        ax.set(xlabel="trials", title=title, ylim=(0, 1.02))
    axes[0].plot([wanted, wanted], [0, 0.95], color=plots.GREY, linewidth=0.9, linestyle="-")
    axes[0].annotate(f"95 %: {wanted} random", (wanted, 0.05), (5, 0), textcoords="offset points", color="#444444")
    axes[0].set_ylabel("probability of a hit")
    axes[1].legend(loc="lower right")
    text = "Targets of 1 % of the volume in 3 dimensions; 95 % band;"
    plots.caption(fig, f"{text} n = {table.repeats[0]} targets (seed 0). Grids are k × k × k, moved at random.")
    return fig


def curve(ax, table: pd.DataFrame, name: str, value: str) -> None:
    """One design's means with the band of their intervals."""
    ax.plot(table.trials, table[value], **LOOKS[name], label=NAMES[name])
    ax.fill_between(table.trials, table.low, table.high, color=LOOKS[name]["color"], alpha=0.18, linewidth=0)


def pool_of_trials() -> pd.DataFrame:
    """Trials of the book's network at rates and momenta drawn at random: a row per trial, after the last epoch."""
    rng = stream(0, "pool of trials")
    rates, momenta = 10 ** rng.uniform(-4, 0.5, TRIALS), 1 - 10 ** rng.uniform(-2, 0, TRIALS)
    drawn = enumerate(zip(rates.tolist(), momenta.tolist(), strict=True))
    conditions = {trial: Condition(learning_rate=rate, momentum=momentum) for trial, (rate, momentum) in drawn}
    part = splits.split(datasets.load("digits"), seed=0)
    table = train_replicas(lambda: mlp((64,), 10), part, conditions=conditions, seeds=[0], epochs=EPOCHS)
    last = table[table.epoch == EPOCHS]
    return last.assign(val_loss=last.val_loss.mask(last.diverged))


def draw_efficiency(pool: pd.DataFrame):
    """Expected best of n trials with its interval, the spread of experiments, and the test loss of what is selected."""
    # up to a quarter of the pool: beyond, two or three groups say little
    table = efficiency(pool, target="val_loss", test="test_loss", sizes=[1, 2, 4, 8, 16, 32, 64])
    print(table.round(3).to_string())
    fig, ax = plots.figure()
    chosen, judged = plots.look(0), plots.look(1)
    ax.fill_between(
        table.trials, table.q10, table.q90, color="#dddddd", linewidth=0, label="4 of 5 experiments end here"
    )
    ax.plot(table.trials, table.best, **chosen, label="best validation loss")
    ax.fill_between(table.trials, table.low, table.high, color=chosen["color"], alpha=0.3, linewidth=0)
    ax.plot(table.trials, table.test, **judged, label="test loss of the trial selected")
    plots.log_axis(ax, "x", at=table.trials)
    plots.log_axis(ax, "y")
    ax.set(xlabel="trials in an experiment", ylabel="cross-entropy [nats]")
    ax.legend()
    text = f"digits, MLP 64-64-10, SGD, {EPOCHS} epochs, one split and one set of initial weights;"
    pool = f"pool of n = {TRIALS} random trials (rate, momentum); blue: 95 % band"
    plots.caption(fig, f"{text} {pool}")
    return fig


if __name__ == "__main__":
    main()
