"""7.3 Cyclical learning rates (순환 학습률)

A cyclical rate climbs in a straight line from a lowest to a highest value and falls back, again and again. Three
numbers make it: the two bounds and the stepsize. The text explains the stepsize as the size of the data divided by that
of a batch. That is the number of updates in an epoch. The stepsize is *half a cycle*, in updates, and free: Smith
advises two to ten times the updates of an epoch. In his variants every cycle is half as high as the one before
(triangular2), or the height shrinks all the time (exp_range). On the digits the triangle meets the best constant rate.
"""

import itertools

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from chapters.shared.tuned_arms import rates_text, tuned_arms
from textbook import plots
from textbook.experiment import EXACT, INCONCLUSIVE, VIOLATED, Claim, Run, exact, paired
from textbook.models import mlp
from textbook.replicas import Condition
from textbook.schedules import Constant, ExpRange, Triangular, Triangular2

ENTRIES = ("7.3-b",)
DATA = "any"

CONSTANT, KINDS = "constant", ("triangular", "triangular2", "exp_range")
_ROWS, _BATCHES, _CYCLES = 1024, (16, 32, 64, 128), 3
_BASE, _MAXIMUM = 0.05, 0.2


def _schedule(kind: str, base: float, maximum: float, *, step_size: float, gamma: float):
    if kind == CONSTANT:
        return Constant(maximum)
    if kind == "exp_range":
        return ExpRange(base, maximum, step_size=step_size, gamma=gamma)
    return {"triangular": Triangular, "triangular2": Triangular2}[kind](base, maximum, step_size=step_size)


def measure(
    run: Run,
    *,
    step_size: int = 5,
    ratio: float = 4.0,
    gamma: float = 0.9,
    epochs: int = 20,
    rates: tuple[float, ...] = (0.05, 0.1, 0.2, 0.4, 0.8),
    tuning_seeds: int = 3,
    momentum: float = 0.9,
) -> dict[str, pd.DataFrame]:
    """Write the three kinds down update by update, and train with them and a constant rate, each at its best rate.

    Args:
        step_size: epochs of half a cycle.
        ratio: highest over lowest rate of a cycle; Smith names 3 or 4.
        gamma: of exp_range, what the height is multiplied by over an epoch.
        rates: highest rates that every arm tries on the tuning seeds.
    """
    half = step_size * run.epochs(epochs) / epochs  # a quick run has as many cycles, shorter ones
    epochs = run.epochs(epochs)

    def arm(kind: str):
        def condition(rate: float) -> Condition:
            schedule = _schedule(kind, rate / ratio, rate, step_size=half, gamma=gamma)
            return Condition(learning_rate=schedule.per_update(), momentum=momentum)

        return condition

    curves, chosen = tuned_arms(
        mlp,
        run.splits("digits"),
        arms={kind: arm(kind) for kind in (CONSTANT, *KINDS)},
        rates=rates,
        tuning=run.tuning(tuning_seeds),
        seeds=run.seeds,
        epochs=epochs,
    )
    columns = ["arm", "rate", "seed", "epoch", "val_loss", "test_loss", "diverged", "chance_loss"]
    written = {
        kind: _schedule(kind, _BASE, _MAXIMUM, step_size=step_size, gamma=gamma).in_steps(_ROWS // 32) for kind in KINDS
    }
    updates = pd.concat(_written(kind, rates, step_size, gamma) for kind, rates in written.items())
    return {
        "curves": curves[columns],
        "chosen": chosen.assign(cycle=2 * half, ratio=ratio),
        "updates": updates,
        "turns": pd.concat(_turns(rows, step_size, gamma) for _, rows in updates.groupby("kind", sort=False)),
        "units": pd.DataFrame(_unit(batch_size, step_size) for batch_size in _BATCHES),
    }


def _written(kind: str, in_graph, step_size: int, gamma: float) -> pd.DataFrame:
    """The rate of every update of three cycles as Keras reads it, beside Smith's formula, which counts updates."""
    half = step_size * _ROWS // 32
    at = np.arange(2 * half * _CYCLES + 1)
    cycle = np.floor(1 + at / (2 * half))
    height = np.maximum(0, 1 - np.abs(at / half - 2 * cycle + 1))
    scale = {"triangular": 1.0, "triangular2": 0.5 ** (cycle - 1), "exp_range": gamma ** (at * 32 / _ROWS)}[kind]
    formula = _BASE + (_MAXIMUM - _BASE) * height * scale
    return pd.DataFrame({"kind": kind, "update": at, "rate": np.array(in_graph(at), dtype=float), "formula": formula})


def _turns(rows: pd.DataFrame, step_size: int, gamma: float) -> pd.DataFrame:
    """Where the rates that were read turn, found from the rates alone; and where and how high they should."""
    kind, half, rates = rows.kind.iloc[0], step_size * _ROWS // 32, rows.rate.to_numpy()
    inner = rates[1:-1]
    low = np.flatnonzero((inner < rates[:-2]) & (inner < rates[2:])) + 1
    lows = [0, *low.tolist(), len(rates) - 1]
    found = []
    for number, (start, end) in enumerate(itertools.pairwise(lows)):
        height = {"triangular": 1.0, "triangular2": 0.5**number, "exp_range": gamma ** ((2 * number + 1) * step_size)}
        top = _BASE + (_MAXIMUM - _BASE) * height[kind]
        place = start + half  # where the rate has its highest value; an exp_range may turn a little before
        found += [
            {"kind": kind, "quantity": "period", "found": float(end - start), "expected": 2.0 * half},
            {"kind": kind, "quantity": "lowest", "found": rates[start], "expected": _BASE},
            {"kind": kind, "quantity": "rate at half a cycle", "found": rates[place], "expected": top},
        ]
    return pd.DataFrame(found)


def _unit(batch_size: int, step_size: int) -> dict:
    """Updates of an epoch, and the updates that the rate takes from its lowest to its highest value."""
    per_epoch = _ROWS // batch_size
    schedule = Triangular(_BASE, _MAXIMUM, step_size=step_size).in_steps(per_epoch)
    rates = np.array(schedule(np.arange(2 * step_size * per_epoch)), dtype=float)
    return {"batch_size": batch_size, "updates_per_epoch": float(per_epoch), "rise": float(np.argmax(rates))}


def draw(tables: dict[str, pd.DataFrame]):
    """Above, three cycles of each schedule, with stepsize and cycle marked; below, validation loss by epoch."""
    updates, curves = tables["updates"], tables["curves"]
    looks = plots.looks((CONSTANT, *KINDS))
    fig, (above, below) = plots.figure(2, 1, height_ratios=[1, 1.1])
    with plots.style():
        for kind, rows in updates.groupby("kind", sort=False):
            above.plot(rows["update"], rows.rate, **{**looks[kind], "marker": ""}, label=kind)
        period = float(tables["turns"].found.iloc[0])
        per_epoch = float(tables["units"].set_index("batch_size").updates_per_epoch[32])
        lowest, highest = updates.rate.min(), updates.rate.max()
        over, under = highest + 0.1 * (highest - lowest), lowest - 0.13 * (highest - lowest)
        for start, end, y, text, offset in (
            (0, period / 2, over, f"stepsize: {period / 2:g} updates", (0, 4)),
            (period, 2 * period, over, f"cycle: {period:g} updates", (24, 4)),
            (0, per_epoch, under, f"N/B: {per_epoch:g} updates", (24, -4)),
        ):
            above.annotate("", (start, y), (end, y), arrowprops={"arrowstyle": "<->", "color": "#333333"})
            above.annotate(text, (start, y), offset, textcoords="offset points", fontsize=10, color="#333333")
        above.set(xlabel="update (batches of 32)", ylabel="learning rate", ylim=(0.015, 0.25))
        plots.band(below, curves, x="epoch", y="val_loss", hue="arm", looks=looks, log=True, names="none")
        plots.log_axis(below, "y")
        below.set(xlabel="epochs completed", ylabel="validation loss (nats)")
        below.xaxis.set_major_locator(MaxNLocator(integer=True))
        fig.legend(*below.get_legend_handles_labels(), loc="outside upper left", ncols=4)
    chosen = tables["chosen"]
    plots.caption(
        fig,
        "N/B: rows over batch size, the updates of one epoch. Below: digits, MLP with 64 units, SGD with momentum, "
        f"batches of 32; a cycle takes {chosen.cycle.iloc[0]:g} epochs, its lowest rate is 1/{chosen.ratio.iloc[0]:g} "
        "of its highest; geometric mean and 95 % band. Highest rates, the best of those tried on other seeds (* at the "
        f"border of the grid): {rates_text(chosen)}. {plots.seeds_text(curves)}",
    )
    return fig


CLAIMS = (
    Claim(
        "7.3-b/period",
        "A cycle is two stepsizes long, its bounds are the ones given, and triangular2 halves its height each time.",
        exact(measured="found", expected="expected", tolerance=1e-6, relative=True, table="turns"),
        expected=EXACT,
        ask="Stepsize 160, lowest rate 0.05, highest 0.2. When is the rate at its lowest again, and how high is the "
        "second peak of triangular2?",
        why="One stepsize up, one stepsize down. The height above the lowest rate is halved, not the rate itself.",
        beware="Under exp_range the rate at half a cycle need not be the highest of that cycle: with a fast shrinking "
        "height it turns earlier.",
    ),
    Claim(
        "7.3-b/formula",
        "At every update Keras reads the rate of Smith's formulae for triangular, triangular2 and exp_range.",
        exact(measured="rate", expected="formula", tolerance=1e-6, table="updates"),
        expected=EXACT,
        ask="cycle = ⌊1 + k/2s⌋ and x = |k/s − 2·cycle + 1|. What is x at the peak, and what at both ends?",
        why="x is the distance to the peak in stepsizes, 0 there and 1 at the ends; the height is 1 − x.",
        beware="Code that counts epochs instead of updates makes stairs of the straight lines.",
    ),
    Claim(
        "7.3-b/stepsize",
        "The stepsize is the number of rows divided by the batch size: after so many updates the rate is at its top.",
        exact(measured="rise", expected="updates_per_epoch", table="units"),
        expected=VIOLATED,
        ask="The data divided by the batch size is a number of updates. Of an epoch, of a cycle, or of half a cycle?",
        why="N/B updates are one epoch. The stepsize is counted in updates too, but free: here it is several epochs.",
        beware="A stepsize of one epoch is possible. Smith found the choice between two and ten to matter little.",
        correction="The stepsize is half a cycle in updates; Smith advises 2 to 10 times the updates of an epoch. The "
        "number of rows divided by the batch size is the updates of one epoch.",
        reference="Smith (2015), arXiv:1506.01186",
    ),
    Claim(
        "7.3-b/constant",
        "With triangular cycles the test loss ends lower than with the best constant rate.",
        paired("test_loss", lower="triangular", than=CONSTANT, by="arm", table="curves"),
        expected=INCONCLUSIVE,
        ask="Both arms have their best highest rate, found in equally many trials. Is there a winner?",
        why="The triangle ends at its lowest rate, which lets the weights settle a little; and for most of the run its "
        "rate is lower than the constant one could be.",
        beware="Judge a cyclical run where a cycle ends. In the middle of one the rate is at its highest, and the loss "
        "with it.",
    ),
)
