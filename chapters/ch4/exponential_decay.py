"""4.7.2.2 Exponential decay (지수 감쇠)

The text multiplies the rate by 1/10 over every eight epochs, smoothly: 0.750 an epoch, where its step decay (half every
five) comes to 0.871. So the rate does fall faster, but "training takes longer" does not follow. What is short is the
way: all the rates of an endless run sum to 4.0 times the first one, against 10 times for the steps. From a rate of 1
that matters little; from 0.3 as a rule only the steps arrive, and from 0.1 neither does. The claims on 0.3 and on the
final loss were made after a look at seeds 1000 to 1015; seeds 2000 to 2031 (n = 32) confirm them: 2.23 times the epochs
[1.83, 2.73], and a loss higher by 0.255 nats [0.245, 0.264].
"""

import math

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, HOLDS, NO_DIFFERENCE, Claim, Run, contrast, exact, paired, share
from textbook.learning_curves import epochs_to_target
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.schedules import ExponentialDecay, StepDecay

ENTRIES = ("4.7.2.2-a", "4.7.2.2-b")
DATA = "any"
INITIALS = (0.1, 0.3, 1.0)
UPDATES = 32  # per epoch: 1024 samples in batches of 32


def measure(
    run: Run,
    *,
    factor: float = 0.1,
    every: float = 8,
    momentum: float = 0.0,
    target: float = 0.15,
) -> dict[str, pd.DataFrame]:
    """Train under both schedules from several first rates; plain SGD, whose way is the sum of its rates.

    Args:
        factor, every: of the exponential decay; the step decay is the text's, ½ every 5 epochs.
        momentum: of SGD; with it each rate counts 1/(1 − momentum) times.
        target: validation loss (nats) that a run must get below.
    """
    arms = {
        (name, initial): schedule
        for initial in INITIALS
        for name, schedule in (
            ("step", StepDecay(initial, factor=0.5, every=5)),
            ("exponential", ExponentialDecay(initial, factor=factor, every=every)),
        )
    }
    labels = {f"{name} from {initial:g}": (name, initial) for name, initial in arms}
    curves = train_replicas(
        mlp,
        run.splits("digits"),
        conditions={label: Condition(learning_rate=arms[arm], momentum=momentum) for label, arm in labels.items()},
        seeds=run.seeds,
        epochs=run.epochs(30),
    )
    curves = curves.assign(
        schedule=[labels[name][0] for name in curves.condition],
        initial=[labels[name][1] for name in curves.condition],
        summed_rate=curves.groupby(["condition", "seed"]).learning_rate.cumsum(),
    )
    arrival = epochs_to_target(
        curves, metric="val_loss", target=target, by=("condition", "schedule", "initial", "seed")
    )
    return {
        "curves": curves[
            [
                "condition",
                "schedule",
                "initial",
                "seed",
                "epoch",
                "summed_rate",
                "clean_loss",
                "chance_loss",
                "diverged",
            ]
        ],
        "arrival": arrival.assign(missed=~arrival.arrived, target=target, momentum=momentum),
        "rates": _beside_keras(factor, every),
        "budgets": _budgets(factor, every),
    }


def _beside_keras(factor: float, every: float) -> pd.DataFrame:
    """The rate from 0.1 by closed forms, by our schedule and by Keras's, at updates of three periods."""
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    period = round(every * UPDATES)
    updates = np.arange(0, 3 * period, max(1, period // 16))
    tables = []
    for staircase in (False, True):
        ours = ExponentialDecay(0.1, factor=factor, every=every, staircase=staircase)
        theirs = keras.optimizers.schedules.ExponentialDecay(0.1, period, factor, staircase=staircase)
        in_steps = ours.in_steps(UPDATES)
        periods = updates // period if staircase else updates / period
        ways = {
            "schedule(epoch)": [ours(u / UPDATES) for u in updates],
            "schedule.in_steps(32)": [float(in_steps(int(u))) for u in updates],
            "Keras ExponentialDecay": [float(theirs(int(u))) for u in updates],
        }
        shared = {"staircase": staircase, "update": updates, "formula": 0.1 * np.exp(math.log(factor) * periods)}
        tables += [pd.DataFrame({"way": way, **shared, "rate": rates}) for way, rates in ways.items()]
    return pd.concat(tables)


def _budgets(factor: float, every: float) -> pd.DataFrame:
    """Factor per epoch and the sum of all rates in units of the first: added up, and in closed form."""
    if not 0 < factor < 1:
        raise ValueError(f"expected factor between 0 and 1, got {factor:g}; mend by a factor that lets the rate fall")
    rows = []
    for name, schedule, each, total in (
        ("step", StepDecay(1, factor=0.5, every=5), 0.5 ** (1 / 5), 5 / (1 - 0.5)),
        ("exponential", ExponentialDecay(1, factor=factor, every=every), factor ** (1 / every), None),
    ):
        enough = math.ceil(-30 / math.log(each))  # epochs after which the rate is below 1e-13 of the first
        closed = 1 / (1 - each) if total is None else total
        rows.append({"schedule": name, "summed": schedule.budget(enough), "closed_form": closed})
    return pd.DataFrame(rows)


def draw(tables: dict[str, pd.DataFrame]):
    """Above, training loss over the summed rate, where both schedules share a curve; below,
    the epochs to the target.
    """
    curves, arrival = tables["curves"], tables["arrival"]
    looks = {}
    for number, initial in enumerate(curves.initial.unique()):
        for schedule, dashes, marker in (("step", "-", "o"), ("exponential", (0, (4, 1.6)), "s")):
            look = {"color": plots.COLOURS[number], "linestyle": dashes, "marker": marker}
            looks[f"{schedule} from {initial:g}"] = look
    with plots.style():
        fig, (way, time) = plots.figure(2, 1, height_ratios=[1.7, 1])
        for name, rows in curves.groupby("condition", sort=False):
            mean = np.exp(np.log(rows[["summed_rate", "clean_loss"]]).groupby(rows.epoch).mean())
            way.plot(mean.summed_rate, mean.clean_loss, **{**looks[name], "marker": ""}, label=name)
            way.plot(*mean.iloc[-1], marker=looks[name]["marker"], color=looks[name]["color"], markersize=9)
        plots.log_axis(way, "xy")
        way.set(xlabel="learning rate, summed over the epochs so far", ylabel="training loss (nats)")
        way.set_title("The loss follows the summed rate (marks: ends of runs)")
        way.legend(loc="lower left")
        plots.dots(time, arrival, value="epochs", looks=looks)
        target, most = arrival.target.iloc[0], curves.epoch.max()
        time.set(xlabel=f"epochs to a validation loss below {target:g} nats", xlim=(0, 1.13 * most))
        time.axvline(most + 0.5, color=plots.GREY, lw=1)
        time.text(1.065 * most, -0.55, "never", color=plots.GREY, fontsize=10.5, ha="center", va="bottom")
    momentum = arrival.momentum.iloc[0]
    optimizer = f"SGD with momentum {momentum:g}" if momentum else "plain SGD"
    plots.caption(
        fig,
        f"Digits, MLP 64-64-10, {optimizer}, batch 32, {most} epochs. Above: geometric means; below: a dot a seed, "
        f"mean and 95 % interval, never counted as {most + 1}. {plots.seeds_text(curves)}",
    )
    return fig


_ARMS = ("schedule", "initial")


def _slower_from(initial: float):
    """Exponential decay takes more epochs than step decay from the same first rate."""
    arms = {"higher": ("exponential", initial), "than": ("step", initial)}
    return paired("epochs", **arms, by=_ARMS, scale="log", table="arrival")


CLAIMS = (
    Claim(
        "4.7.2.2-a",
        "The rate is initial · 0.1^(epoch / 8): from 0.1 it is 0.01 after 8 epochs and 0.001 after 16, as in Keras.",
        exact(measured="rate", expected="formula", tolerance=1e-7, table="rates"),
        expected=EXACT,
        ask="The rate falls to a tenth in eight epochs. What is it halfway, after four: 0.055 or 0.032?",
        why="Every epoch multiplies by the same factor, 0.1^(1/8) = e^−0.288 = 0.750; four of them by √0.1 = 0.316.",
        beware="Keras counts decay_steps in updates, so eight epochs are 8·⌈N/B⌉ of them. With staircase=True the same "
        "class gives a step decay: both names stand for one envelope.",
    ),
    Claim(
        "4.7.2.2-b/sum",
        "All the rates together come to 4.0 times the first one, against 10 times for the text's step decay.",
        exact(measured="summed", expected="closed_form", tolerance=1e-9, table="budgets"),
        expected=EXACT,
        ask="If training went on for ever, how far could each schedule get, measured in first rates?",
        why="A geometric series: 1/(1 − 0.750) = 4.0, and five epochs at each level: 5/(1 − ½) = 10.",
        beware="A finite sum is no fault by itself; it is a limit that the first rate has to fit.",
        correction="The rate does fall faster (0.750 against 0.871 an epoch). The risk is not a longer training but "
        "never arriving, because the sum of the rates is finite; Robbins and Monro need an infinite one.",
        reference="Robbins and Monro (1951), A stochastic approximation method",
    ),
    Claim(
        "4.7.2.2-b/small-rate",
        "From 0.1, exponential decay needs more epochs than step decay to a validation loss below 0.15.",
        _slower_from(0.1),
        expected=HOLDS,
        ask="Both begin at 0.1, on the small side for plain SGD. Which gets below 0.15 first?",
        why="Neither arrives: the way is longer than both sums, 0.4 and 1.0. What differs is how far each gets.",
        beware="A run that never arrives counts as one epoch more than it had: two of those are no tie.",
    ),
    Claim(
        "4.7.2.2-b/final-loss",
        "From 0.1, exponential decay ends with a higher training loss than step decay.",
        paired("clean_loss", higher=("exponential", 0.1), than=("step", 0.1), by=_ARMS, table="curves"),
        expected=HOLDS,
        ask="Thirty epochs each, both from 0.1. Which one is further down at the end?",
        why="Its rates sum to 0.4, those of the steps to 1.0, and the loss follows the sum.",
        beware="More epochs do not make up for it; a larger first rate does. This claim was made after a look at seeds "
        "1000 to 1015: only other seeds can confirm it.",
    ),
    Claim(
        "4.7.2.2-b/middle-rate",
        "From 0.3, exponential decay needs more epochs than step decay to a validation loss below 0.15.",
        _slower_from(0.3),
        expected=HOLDS,
        ask="And from 0.3, where the sums are 1.2 and 3.0?",
        why="The steps have just enough rate to cover the way, exponential decay has not.",
        beware="Runs that never arrive count as one epoch more than they had, so the true ratio is larger. This claim "
        "was made after a look at seeds 1000 to 1015: only other seeds can confirm it.",
    ),
    Claim(
        "4.7.2.2-b/large-rate",
        "From 1, exponential decay needs more epochs than step decay to a validation loss below 0.15.",
        _slower_from(1.0),
        expected=NO_DIFFERENCE,
        ask="And if both begin at 1?",
        why="The first few epochs cover the way, and in those the rates are nearly the same; but a run that comes to "
        "rest just above the target stays there.",
        beware="A rate that falls early can even help: it ends the jumping of a large one.",
    ),
    Claim(
        "4.7.2.2-b/depends",
        "How much longer exponential decay takes depends on the first rate: the ratio is larger from 0.1 than from 1.",
        contrast(
            "epochs",
            first=(("exponential", 0.1), ("step", 0.1)),
            second=(("exponential", 1.0), ("step", 1.0)),
            by=_ARMS,
            scale="log",
            table="arrival",
        ),
        expected=HOLDS,
        ask="Is 'takes longer' a property of the schedule, or of the schedule together with its first rate?",
        why="Only from a small first rate is the sum of the rates what runs out.",
        beware="From 0.1 neither arrives, and both count as one epoch more than they had: that ratio is 1 by the way "
        "of counting. So this contrast holds only if exponential decay is the quicker one from 1, and it cannot show "
        "what the rates in between do.",
    ),
    Claim(
        "4.7.2.2-b/never",
        "From 0.1, exponential decay does not get below 0.15 in most runs, however long one waits.",
        share("missed", where={"condition": "exponential from 0.1"}, table="arrival"),
        expected=HOLDS,
        ask="After 30 epochs its rate is 0.00002. Would another 30 epochs help?",
        why="All epochs after the 30th together add less than 0.0001 to a summed rate of 0.4.",
        beware="The curve looks converged, and its slope is indeed flat; it is the rate that has vanished.",
    ),
)
