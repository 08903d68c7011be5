"""5.7 A ball over a hill (모멘텀으로 골짜기 벗어나기)

With momentum, v ← μv − lr·g and x ← x + v, a descent rolls like a ball, and speed can carry it out of a shallow valley
over the hill beyond. Whether it does is decided by speed against hill, that is by momentum, rate and hill together, and
more momentum is not surer: a ball that hardly loses speed may swing back over the hill. Nor is escape what momentum is
mainly for; it helps most in long valleys, without any hill (4.7.2.3). And a large momentum steadies nothing by itself:
at an unchanged rate 0.99 makes steps a hundred times as long.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, HOLDS, REVERSED, VIOLATED, Claim, Run, exact, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.surfaces import DoubleWell, trajectory
from textbook.update_rules import HeavyBall

ENTRIES = ("5.7-e",)
DATA = "any"
TILTS = (0.05, 0.15, 0.3)
RATES = (0.01, 0.05)
MOMENTA = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99)
UPDATES = 4000
# what was worked out beforehand for single cells: (tilt, rate) → whether each momentum escapes
KNOWN = {
    (0.15, 0.01): {0.0: False, 0.5: False, 0.8: False, 0.9: True, 0.95: True, 0.99: True},
    (0.15, 0.05): {0.0: False, 0.8: True, 0.9: True, 0.95: True, 0.99: False},
    (0.05, 0.05): {0.0: False, 0.8: True, 0.9: True, 0.95: False, 0.99: False},
}
ROLLED = (0.15, 0.05)  # tilt and rate of the paths that are drawn


def measure(
    run: Run, *, start: float = 2.0, rate: float = 0.05, momenta: tuple[float, ...] = (0.0, 0.5, 0.9, 0.95, 0.99)
) -> dict[str, pd.DataFrame]:
    """Let balls roll from the right over the double well, and train the digits with the same momenta at one rate.

    Args:
        start: where the balls are let go, at rest; the valley to escape from lies at about 0.9.
        rate, momenta: of the digits. The claims speak of momenta 0, 0.9, 0.95 and 0.99.
    """
    conditions = {f"momentum {momentum:g}": Condition(learning_rate=rate, momentum=momentum) for momentum in momenta}
    curves = train_replicas(mlp, run.splits("digits"), conditions=conditions, seeds=run.seeds, epochs=run.epochs(20))
    last = curves[curves.epoch == curves.epoch.max()]
    momentum = last.condition.str.removeprefix("momentum ").astype(float)
    columns = ["condition", "seed", "val_loss", "diverged", "chance_loss"]
    cells = _cells(start)
    return {
        "cells": cells,
        "known": _known(cells),
        "order": _order(cells),
        "rolls": _rolls(start),
        "digits": last[columns].assign(momentum=momentum, rate=rate),
    }


def _cells(start: float) -> pd.DataFrame:
    """For each tilt, rate and momentum: in which valley the ball ends."""
    rows = []
    for tilt in TILTS:
        well = DoubleWell(tilt)
        for rate in RATES:
            for momentum in MOMENTA:
                end = trajectory(well, HeavyBall(rate, momentum=momentum), start=(start,), steps=UPDATES)[-1]
                settled = bool(np.abs(well.gradient(end)).max() < 1e-6)
                rows.append((tilt, rate, momentum, float(end[0]), settled, bool(end[0] < well.hilltop[0])))
    return pd.DataFrame(rows, columns=["tilt", "rate", "momentum", "end", "settled", "escapes"])


def _known(cells) -> pd.DataFrame:
    """The cells that were known beforehand."""
    rows = []
    for cell in cells.itertuples():
        known = KNOWN.get((cell.tilt, cell.rate), {}).get(cell.momentum)
        if known is not None:
            rows.append((cell.tilt, cell.rate, cell.momentum, cell.escapes, known))
    return pd.DataFrame(rows, columns=["tilt", "rate", "momentum", "escapes", "known"])


def _order(cells) -> pd.DataFrame:
    """For each tilt and rate: whether every momentum above one that escapes escapes as well."""
    rows = []
    for (tilt, rate), group in cells.groupby(["tilt", "rate"]):
        escapes = group.sort_values("momentum").escapes.to_numpy()
        rows.append((tilt, rate, int(escapes.sum()), bool((np.diff(escapes.astype(int)) >= 0).all())))
    return pd.DataFrame(rows, columns=["tilt", "rate", "escape", "surer_with_momentum"])


def _rolls(start: float) -> pd.DataFrame:
    """The way of four balls, up to the update at which all stand still."""
    well = DoubleWell(ROLLED[0])
    tables = []
    for momentum in (0.0, 0.8, 0.95, 0.99):
        path = trajectory(well, HeavyBall(ROLLED[1], momentum=momentum), start=(start,), steps=400)
        tables.append(
            pd.DataFrame(
                {"momentum": momentum, "update": np.arange(401), "x": path[:, 0], "loss": well.value(path), "c": well.c}
            )
        )
    return pd.concat(tables)


def draw(tables: dict[str, pd.DataFrame]):
    """The balls' ways by update; two maps, one for each rate, of the momenta and tilts with which the ball gets out of
    the first valley; and the digits' validation loss by momentum.
    """
    rolls, digits = tables["rolls"], tables["digits"]
    well = DoubleWell(rolls.c.iloc[0])
    fig, axes = plots.figure(2, 2, size=(7, 7), height_ratios=[1, 1.1], width_ratios=[1.1, 1])
    ways, map_above, map_below, below = axes[0, 0], axes[0, 1], axes[1, 0], axes[1, 1]
    looks = plots.looks(rolls.momentum.unique())
    for momentum, rows in rolls[rolls["update"] <= 150].groupby("momentum", sort=False):
        ways.plot(rows["update"], rows.x, label=f"μ = {momentum:g}", **{**looks[momentum], "marker": ""})
    ways.axhline(well.hilltop[0], color="#222222", linewidth=1)
    ways.annotate("hilltop", (149, well.hilltop[0]), (0, 3), textcoords="offset points", fontsize=10,
                  ha="right", bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.85})  # fmt: skip
    ways.set(xlabel="updates", ylabel="weight x", ylim=(-2.3, 3.7))
    ways.set_title(f"balls let go at {rolls.x.iloc[0]:g}, lr {ROLLED[1]:g}")
    ways.legend(loc="upper right", ncols=2, handlelength=1.6, columnspacing=1, fontsize=10)
    for ax, rate in ((map_above, RATES[0]), (map_below, RATES[1])):
        _draw_map(ax, tables["cells"], rate)
    named = digits.assign(name=digits.momentum.map("{:g}".format), loss=digits.val_loss.where(~digits.diverged))
    plots.dots(below, named, value="loss", by="name", looks={n: plots.look(0) for n in named.name.unique()})
    below.set(xscale="log", xlabel="validation loss (nats)", ylabel="momentum μ")
    plots.log_axis(below, "x")
    below.set_title(f"digits at rate {digits.rate.iloc[0]:g}")
    plots.caption(
        fig,
        f"Loss ¼x⁴ − ½x² + cx, {UPDATES} updates; ways: c = {well.c:g}. Digits: MLP 64-64-10, SGD, batches of 32, last "
        f"epoch, {plots.seeds_text(digits)}.",
    )
    return fig


def _draw_map(ax, cells, rate: float) -> None:
    """A row for each tilt, a column for each momentum: filled where the ball escapes."""
    rows = cells[cells.rate == rate]
    for row, tilt in enumerate(TILTS):
        for column, momentum in enumerate(MOMENTA):
            cell = rows[(rows.tilt == tilt) & (rows.momentum == momentum)].iloc[0]
            face = plots.COLOURS[0] if cell.escapes else "white"
            ax.plot(column, row, "s", color=face, markeredgecolor="#777777", markersize=19)
            colour = "white" if cell.escapes else "#777777"
            ax.annotate("out" if cell.escapes else "in", (column, row), ha="center", va="center", color=colour, size=9)
    ax.set_xticks(range(len(MOMENTA)), [f"{momentum:g}" for momentum in MOMENTA])
    ax.set_yticks(range(len(TILTS)), [f"{tilt:g}" for tilt in TILTS])
    ax.set(xlabel="momentum μ", ylabel="tilt c", xlim=(-0.6, 5.6), ylim=(-0.6, 2.6))
    ax.set_title(f"who gets out at lr {rate:g}")
    ax.grid(visible=False)


def animate(tables: dict[str, pd.DataFrame]):
    """Four balls over the double well, one for each momentum."""
    from matplotlib.animation import FuncAnimation

    rolls = tables["rolls"]
    well = DoubleWell(rolls.c.iloc[0])
    with plots.style():
        fig, ax = plots.figure(size=(5.6, 3.6))
        x = np.linspace(-2.05, 2.05, 200)
        ax.plot(x, well.value(x[:, None]), color="#8fa3b8", linewidth=1.6)
        balls = {}
        for number, momentum in enumerate(rolls.momentum.unique()):
            look = {**plots.look(number), "linestyle": "", "markersize": 10}
            (balls[momentum],) = ax.plot([], [], **look, label=f"μ = {momentum:g}")
        ax.set(xlabel="weight x", ylabel="loss", ylim=(-0.55, 2.4))
        ax.legend(loc="upper center", ncols=2)
        title = ax.set_title("update 0")
    fig.set_dpi(80)
    fig.draw_without_rendering()  # lays the panel out, once: nothing that moves needs room of its own
    fig.set_layout_engine("none")
    ways = {momentum: rows[["x", "loss"]].to_numpy() for momentum, rows in rolls.groupby("momentum")}

    def show(update):
        for momentum, ball in balls.items():
            place, height = ways[momentum][update]
            ball.set_data([place], [height + 0.07])  # its lower edge on the ground
        title.set_text(f"update {update}")

    return FuncAnimation(fig, show, frames=[0, *range(0, 60, 3), *range(60, 121, 12), 120, 120], interval=180)


CLAIMS = (
    Claim(
        "5.7-e/without",
        "Without momentum the ball gets over the hill at none of the rates and tilts tried here.",
        exact(measured="escapes", expected=False, table="cells", where={"momentum": 0.0}),
        expected=EXACT,
        ask="Plain descent comes down from the right, steeply. Can it pass the first valley?",
        why="Its step is lr·g: at the valley's bottom the gradient is 0, and so is the step.",
        beware="With a rate beyond 2/L plain descent leaps as well; here both rates are far below.",
    ),
    Claim(
        "5.7-e/map",
        "Who gets out is a matter of momentum, rate and tilt: in the known cells it is as was worked out before.",
        exact(measured="escapes", expected="known", table="known"),
        expected=EXACT,
        ask="Tilt 0.15: which momenta get out at rate 0.01, which at 0.05?",
        why="Speed at the bottom against the height of the hill: friction 1 − μ and the rate decide what is left.",
        beware="The ball was let go at 2, higher than any hill. From low on the valley's own slope none gets out.",
    ),
    Claim(
        "5.7-e/more",
        "The more momentum, the surer the ball gets over the hill.",
        exact(measured="surer_with_momentum", expected=True, table="order"),
        expected=VIOLATED,
        ask="At 0.95 the ball is out. Will it be at 0.99?",
        why="A ball that loses hardly any speed rolls up the far slope, comes back and may end where it began.",
        beware="On a network nobody knows the hills: a loss curve does not show whether momentum has passed one.",
        correction="Escape depends on speed and barrier and is not monotone in μ. Momentum's main use is in badly "
        "conditioned valleys, not at local minima.",
        reference="Sutskever et al. (2013), On the importance of initialization and momentum in deep learning; Goh "
        "(2017), Why momentum really works, Distill",
    ),
    Claim(
        "5.7-e/point-nine",
        "At one rate a momentum of 0.9 ends at a lower validation loss than none.",
        paired("val_loss", lower="momentum 0.9", than="momentum 0", table="digits"),
        expected=HOLDS,
        ask="Digits, rate 0.05, twenty epochs: what does the usual 0.9 gain?",
        why="Its effective rate is ten times the rate, and 0.05 is too slow for twenty epochs.",
        beware="That is a gain in speed at the same rate, not an escape from local minima.",
    ),
    Claim(
        "5.7-e/steady",
        "A large momentum makes training steady: at an unchanged rate 0.99 ends lower than 0.95.",
        paired("val_loss", lower="momentum 0.99", than="momentum 0.95", table="digits"),
        expected=REVERSED,
        ask="Rate 0.05 and momentum 0.99: how long do the steps become?",
        why="Steps grow up to lr/(1 − μ) = 5 per unit of gradient, and a velocity once gained lasts for a hundred "
        "updates.",
        beware="At a tenth of the rate 0.99 may be fine: it is the pair that is stable or not.",
        correction="A larger μ averages the gradient's noise over more updates, but at an unchanged rate it also "
        "lengthens the steps by 1/(1 − μ) and can destabilise training.",
        reference="Goh (2017), Why momentum really works, Distill",
    ),
)
