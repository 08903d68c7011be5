"""5.8 Exponential decay: the unit of t (지수 감쇠와 시간의 단위)

The text's formula α = α₀·e^(−kt) is right; what it leaves open is the unit of t. With t in epochs and e^(−k) = 0.1, its
example, the rate is a thousandth of the first after three epochs, and all rates together come to 1.11 times the first
one: the run is over almost before it began. With t in updates, as Keras's `ExponentialDecay(α₀, decay_steps=1, …)`
counts, the same factor ends it within the first epoch. So a decay is best told by what it leaves: the factor per epoch
and the sum of all rates, 1/(1 − e^(−k)). Chapter 4 compares one such decay with steps; here k itself is varied.
"""

import math

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, HOLDS, Claim, Run, exact, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.schedules import Constant, ExponentialDecay

ENTRIES = ("5.8-c",)
DATA = "any"

TENTHS = {"÷10 every epoch": 1, "÷10 every 8 epochs": 8}  # epochs that a factor of 0.1 takes
BATCH_SIZE, _UPDATES = 32, 32  # updates per epoch of the digits: 1024 samples in batches of 32


def measure(
    run: Run,
    *,
    initial: float = 0.1,
    momentum: float = 0.9,
    gentle: tuple[float, ...] = (0.1386, 0.05),
    epochs: int = 20,
) -> dict[str, pd.DataFrame]:
    """Train from one first rate with several k per epoch, and with two of them taken per update by mistake.

    Args:
        initial: first rate of all arms.
        gentle: further k per epoch, beside those of ÷10 every epoch (2.303) and every 8 epochs (0.288).
    """
    per_epoch = {name: math.log(10) / every for name, every in TENTHS.items()}
    per_epoch |= {f"k = {k:g}": k for k in gentle}
    arms = {(name, "epoch"): k for name, k in per_epoch.items()}
    arms["constant", "epoch"] = 0.0
    arms |= {(name, "update"): per_epoch[name] for name in TENTHS}
    splitter = run.splits("digits")
    updates = -(-len(splitter(run.seeds[0]).train) // BATCH_SIZE)  # other data have another number
    curves = train_replicas(
        mlp,
        splitter,
        conditions={
            f"{name}|{unit}": Condition(learning_rate=_decay(initial, k, unit, updates), momentum=momentum)
            for (name, unit), k in arms.items()
        },
        seeds=run.seeds,
        epochs=run.epochs(epochs),
        batch_size=BATCH_SIZE,
    )
    named = curves.condition.str.split("|", expand=True)
    curves = curves.assign(arm=named[0], unit=named[1])
    curves["k"] = [arms[key] for key in zip(curves.arm, curves.unit, strict=True)]
    columns = ["arm", "unit", "k", "seed", "epoch", "clean_loss", "test_loss", "chance_loss", "diverged"]
    return {
        "curves": curves[columns].assign(initial=initial, momentum=momentum, updates=updates),
        "rates": _rates(initial, {key: k for key, k in arms.items() if k}, updates),
        "sums": _sums({key: k for key, k in arms.items() if k}),
        "keras": _beside_keras(initial, tuple(per_epoch.values())),
    }


def _decay(initial: float, k: float, unit: str, updates: int):
    """α₀·e^(−kt), t in whole epochs, or in updates, of which an epoch has so many."""
    if not k:
        return Constant(initial)
    if unit == "epoch":
        return ExponentialDecay(initial, factor=math.exp(-k), every=1)
    return ExponentialDecay(initial, factor=math.exp(-k), every=1 / updates).per_update()


def _rates(initial: float, arms: dict, updates: int) -> pd.DataFrame:
    """The rate at every quarter of an epoch, by the formula."""
    t, in_an_epoch, tables = np.arange(0, 81) / 4, {"epoch": 1, "update": updates}, []
    for (name, unit), k in arms.items():
        rates = initial * np.exp(-k * t * in_an_epoch[unit])
        tables.append(pd.DataFrame({"arm": name, "unit": unit, "epoch": t, "rate": rates}))
    return pd.concat(tables)


def _sums(arms: dict) -> pd.DataFrame:
    """All rates of an endless run, in first rates and counted in the arm's own unit: added up, and 1/(1 − e^(−k))."""
    rows = []
    for (name, unit), k in arms.items():
        enough = math.ceil(40 / k)  # what follows is below 1e-17 of the first
        summed = math.fsum(np.exp(-k * np.arange(enough)))
        rows.append({"arm": name, "unit": unit, "k": k, "summed": summed, "closed_form": 1 / (1 - math.exp(-k))})
    return pd.DataFrame(rows)


def _beside_keras(initial: float, ks: tuple[float, ...]) -> pd.DataFrame:
    """α₀·e^(−kt) with t in epochs, our schedule, and Keras's with decay_steps of one epoch, at updates of 20 epochs."""
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    updates, tables = np.arange(0, 20 * _UPDATES, 5), []
    for k in ks:
        ours = ExponentialDecay(initial, factor=math.exp(-k), every=1)
        theirs = keras.optimizers.schedules.ExponentialDecay(initial, _UPDATES, math.exp(-k))
        columns = {"k": k, "update": updates, "formula": initial * np.exp(-k * updates / _UPDATES)}
        for name, rates in (("ours", ours(updates / _UPDATES)), ("Keras", np.array(theirs(updates)))):
            tables.append(pd.DataFrame({"way": name, **columns, "rate": rates}))
    return pd.concat(tables)


def draw(tables: dict[str, pd.DataFrame]):
    """Left, the rate of each decay by epoch, with t counted in epochs or in updates; right, the training loss at the
    end of every arm.
    """
    curves, rates, sums = tables["curves"], tables["rates"], tables["sums"]
    names = list(rates.arm.unique())
    looks = plots.looks(names)
    fig, (left, right) = plots.figure(1, 2, width_ratios=[1, 1.1])
    for (name, unit), rows in rates.groupby(["arm", "unit"], sort=False):
        shown = rows[rows.rate > 1e-12]  # a rate that is gone within a quarter of an epoch is still a line
        look = {**looks[name], "marker": ""}
        if unit == "update":
            look |= {"lw": 1.1, "linestyle": "-"}
        left.plot(shown.epoch, shown.rate, **look)
    plots.log_axis(left, "y", at=(0.1, 0.01, 0.001, 0.0001, 0.00001))
    initial = curves.initial.iloc[0]
    left.set(xlabel="epoch", ylabel="learning rate", ylim=(1e-6, 3 * initial), title="thin: per update")
    last = curves[curves.epoch == curves.epoch.max()]
    last = last.assign(clean_loss=last.clean_loss.where(~last.diverged, last.chance_loss))
    total = {(row.arm, row.unit): f"(Σ {row.summed:.3g} {row.unit}s)" for row in sums.itertuples()}
    by_update = {_EVERY: "÷10 every update", _EIGHT: "÷10 every 8 updates"}
    rows = []
    for (name, unit), runs in last.groupby(["arm", "unit"], sort=False):
        shown = name if unit == "epoch" else by_update[name]
        rows.append(runs.assign(label=f"{shown}\n{total.get((name, unit), '(no decay)')}"))
    table = pd.concat(rows)
    order = {label: looks.get(arm, plots.look(6)) for label, arm in zip(table.label, table.arm, strict=True)}
    plots.dots(right, table, value="clean_loss", by="label", looks=order)
    right.margins(x=0.05)
    plots.log_axis(right, "x")
    right.set(xlabel="final training loss (nats)", title="what each k leads to")
    plots.caption(
        fig,
        f"Digits, MLP 64-64-10, SGD with momentum {curves.momentum.iloc[0]:g}, all from rate {initial:g}, "
        f"{curves.epoch.max()} epochs of {curves.updates.iloc[0]} updates. Σ: sum of all rates of an endless "
        f"run, in first rates. {plots.seeds_text(curves)}",
    )
    return fig


_BY = ("arm", "unit")
_EVERY, _EIGHT = TENTHS
_UNIT = (
    "The unit of t belongs to the formula. With e^(−k) = 0.1 per epoch all rates sum to 1.11 times the first, and "
    "training freezes after about three epochs; a factor per epoch between 0.75 and 0.95 is meant for tens of epochs. "
    "Keras's ExponentialDecay counts updates, so decay_steps has to be the updates of an epoch."
)
_REFERENCE = "cs231n, Neural Networks Part 3; Keras: ExponentialDecay"

CLAIMS = (
    Claim(
        "5.8-c/formula",
        "Keras's ExponentialDecay is α₀·e^(−kt), t in epochs, if decay_steps is an epoch's updates and rate e^(−k).",
        exact(measured="rate", expected="formula", tolerance=1e-6, table="keras"),
        expected=EXACT,
        ask="People choose e^(−k) rather than k. Which k is a factor of 0.1, and which one of 0.95?",
        why="e^(−k) is what is left after one unit of t: k = ln 10 = 2.303 leaves a tenth, k = 0.051 leaves 95 %.",
        beware="Without staircase=True the rate also falls within an epoch, a callback per epoch holds it.",
        correction=_UNIT,
        reference=_REFERENCE,
    ),
    Claim(
        "5.8-c/sum",
        "All rates together come to 1/(1 − e^(−k)) times the first: 1.11 for ÷10 every epoch, 4.0 for ÷10 every eight.",
        exact(measured="summed", expected="closed_form", tolerance=1e-9, relative=True, table="sums"),
        expected=EXACT,
        ask="With a factor of 0.1 per epoch, what do all epochs after the first add to it?",
        why="0.1 + 0.01 + 0.001 + … = 0.11: a geometric series.",
        beware="Counted in updates, the sum is one of updates: the same 1.11 is then a thirtieth of an epoch.",
    ),
    Claim(
        "5.8-c/harm",
        "From 0.1, ÷10 every epoch ends with a higher training loss than ÷10 every eight epochs.",
        paired("clean_loss", higher=(_EVERY, "epoch"), than=(_EIGHT, "epoch"), by=_BY, table="curves"),
        expected=HOLDS,
        ask="Both start at the same good rate and train for twenty epochs. How far apart do they end?",
        why="One makes the way of 1.11 epochs at the first rate, the other that of four.",
        beware="From a first rate that is too large, a fast decay can be the better one; it is the sum that counts.",
    ),
    Claim(
        "5.8-c/unit",
        "With t in updates by mistake, ÷10 every eight updates ends with a higher training loss than with t in epochs.",
        paired("clean_loss", higher=(_EIGHT, "update"), than=(_EIGHT, "epoch"), by=_BY, table="curves"),
        expected=HOLDS,
        ask="decay_steps=8 was meant as eight epochs, and Keras counts updates. What does the loss curve look like?",
        why="After one epoch of 32 updates the rate is a ten-thousandth of the first, and all that follows is still.",
        beware="The curve is flat and smooth and looks converged; print the rate before believing it.",
    ),
)
