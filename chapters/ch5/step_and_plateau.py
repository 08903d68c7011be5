"""5.8 Step decay by the clock and at plateaus (계단형 감쇠와 정체 시 감소)

The text divides the rate by ten every five epochs. Nine tenths of all the way that such a run can make are then made
before the first drop, so the first five epochs have to be enough, and whether they are depends on the first rate. The
older heuristic needs no such foresight: hold the rate, watch the validation loss, and drop when it stops improving.
Keras has both, the second as the callback `ReduceLROnPlateau`. Chapter 4 asks whether halving helps against a constant
rate; here the question is who decides when to drop. The drops at plateaus are found by training, reading off the first
drop that the rule asks for, and training again with it, until the curve asks for no other.
"""

import types

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, HOLDS, Claim, Run, contrast, exact, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.schedules import Constant, PiecewiseConstant, StepDecay
from textbook.schedules.plateau import ReduceOnPlateau

ENTRIES = ("5.8-b",)
DATA = "any"

CLOCK, PLATEAU = "every few epochs", "at plateaus"
_UPDATES = 32  # per epoch: 1024 samples in batches of 32


def measure(
    run: Run,
    *,
    small: float = 0.02,
    large: float = 0.2,
    factor: float = 0.1,
    every: int = 5,
    patience: int = 3,
    momentum: float = 0.9,
    epochs: int = 24,
) -> dict[str, pd.DataFrame]:
    """Train from a small and from a large first rate, with drops by the clock and with drops at plateaus.

    Args:
        small, large: first rates.
        factor: of every drop, in both ways; the rule for plateaus makes three drops at most.
        every: epochs from one drop to the next, by the clock.
        patience: epochs without a better validation loss that the rule waits for.
    """
    splits, epochs = run.splits("digits"), run.epochs(epochs)

    def train(rates, seeds) -> pd.DataFrame:
        condition = Condition(learning_rate=rates, momentum=momentum)
        return train_replicas(mlp, splits, conditions={"": condition}, seeds=seeds, epochs=epochs)

    tables = []
    for name, initial in (("small", small), ("large", large)):
        clock = train(StepDecay(initial, factor=factor, every=every), run.seeds)
        rule = ReduceOnPlateau(initial, factor=factor, patience=patience, min_rate=initial * factor**3)
        for drops, curves in ((CLOCK, clock), (PLATEAU, _settled(rule, train, run.seeds))):
            tables.append(curves.assign(drops=drops, start=name, initial=initial))
    columns = ["drops", "start", "initial", "seed", "epoch", "val_loss", "test_loss", "learning_rate"]
    curves = pd.concat(tables, ignore_index=True)[[*columns, "diverged", "chance_loss"]]
    return {
        "curves": curves,
        "rule": _beside_callback(curves[curves.drops == PLATEAU], factor=factor, patience=patience),
        "schedule": _beside_keras(large, factor, every),
        "way": _way(factor, every),
    }


def _settled(rule: ReduceOnPlateau, train, seeds) -> pd.DataFrame:
    """Curves that were trained with the very rates that the rule reads from them.

    A run's epochs before a drop do not depend on it, so each round settles one more drop of every seed; runs that are
    settled are not trained again.
    """
    rates, done = {seed: Constant(rule.initial) for seed in seeds}, []
    while rates:
        curves = train(rates, tuple(rates))
        asked = {}
        for seed, run in curves.groupby("seed"):
            run = run.sort_values("epoch")
            wanted = np.array(rule.rates(run.val_loss))
            used = run.learning_rate.to_numpy()
            other = np.flatnonzero(~np.isclose(wanted, used, rtol=1e-5, atol=0))
            if other.size:
                asked[seed] = _until(wanted, other[0])
            else:
                done.append(run)
        rates = asked
    return pd.concat(done)


def _until(wanted: np.ndarray, epoch: int) -> PiecewiseConstant:
    """The wanted rates up to this epoch (from 0), and from there on the rate that is wanted in it."""
    drops = [k for k in range(1, epoch + 1) if wanted[k] != wanted[k - 1]]
    return PiecewiseConstant([wanted[0], *(wanted[k] for k in drops)], boundaries=drops)


def _beside_callback(curves: pd.DataFrame, *, factor: float, patience: int) -> pd.DataFrame:
    """The rate of every epoch, and the one that Keras's callback sets when it is shown the run's validation losses."""
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    tables = []
    for _, run in curves.groupby(["start", "seed"]):
        run = run.sort_values("epoch")
        initial = run.initial.iloc[0]
        optimizer = keras.optimizers.SGD(initial)
        callback = keras.callbacks.ReduceLROnPlateau(factor=factor, patience=patience, min_lr=initial * factor**3)
        callback.set_model(types.SimpleNamespace(optimizer=optimizer))  # all of a model that the callback looks at
        callback.on_train_begin()
        rates = []
        for epoch, value in enumerate(run.val_loss):
            rates.append(float(optimizer.learning_rate))
            callback.on_epoch_end(epoch, {"val_loss": value})
        tables.append(run[["start", "seed", "epoch", "learning_rate"]].assign(callback=rates))
    return pd.concat(tables)


def _beside_keras(initial: float, factor: float, every: int) -> pd.DataFrame:
    """The rate of every update of three steps: in closed form, by our schedule, by Keras's staircase."""
    import keras

    updates = np.arange(3 * every * _UPDATES)
    ours = StepDecay(initial, factor=factor, every=every).in_steps(_UPDATES)
    theirs = keras.optimizers.schedules.ExponentialDecay(initial, every * _UPDATES, factor, staircase=True)
    formula = initial * factor ** (updates // (every * _UPDATES))
    ways = {"StepDecay.in_steps(32)": ours, "Keras ExponentialDecay, staircase": theirs}
    return pd.concat(
        pd.DataFrame({"way": name, "update": updates, "formula": formula, "rate": np.array(rate(updates))})
        for name, rate in ways.items()
    )


def _way(factor: float, every: int) -> pd.DataFrame:
    """The share of the summed rate of an endless run that lies before each of the first drops, and its closed form."""
    schedule = StepDecay(1.0, factor=factor, every=every)
    total = schedule.budget(60 * every)  # the steps after the sixtieth add nothing in double precision
    drop = np.arange(1, 5)
    shares = [schedule.budget(int(k) * every) / total for k in drop]
    return pd.DataFrame({"drop": drop, "share": shares, "closed_form": 1 - factor**drop})


def draw(tables: dict[str, pd.DataFrame]):
    """Validation loss and rate by epoch, from the small and from the large first rate, with drops every few epochs and
    with drops at plateaus.
    """
    curves = tables["curves"]
    looks = plots.looks((CLOCK, PLATEAU))
    fig, axes = plots.figure(2, 2, sharex=True, sharey="row", height_ratios=[1.5, 1])
    for (above, below), (_, rows) in zip(axes.T, curves.groupby("start", sort=False), strict=True):
        plots.band(above, rows, x="epoch", y="val_loss", hue="drops", log=True, looks=looks, names="none")
        above.set_title(f"first rate {rows.initial.iloc[0]:g}")
        for drops, runs in rows.groupby("drops", sort=False):
            for number, (_, run) in enumerate(runs.groupby("seed")):
                if drops == PLATEAU or not number:
                    thin = {"lw": 0.9, "alpha": 0.5, "ls": "-"} if drops == PLATEAU else {"lw": 2.4, "zorder": 5}
                    below.stairs(run.learning_rate, [0, *run.epoch], baseline=None, color=looks[drops]["color"], **thin)
        below.set_xlabel("epochs completed")
    plots.log_axis(axes[0, 0], "y")
    plots.log_axis(axes[1, 0], "y", at=(0.1, 0.001, 0.00001))
    axes[0, 0].set_ylabel("validation loss (nats)")
    axes[1, 0].set(ylabel="learning rate", ylim=(1e-6, 0.5))
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=2, title="the rate drops")
    plots.caption(
        fig,
        "Digits, MLP 64-64-10, SGD with momentum 0.9. Above: geometric mean, 95 % band. Below, a thin line a seed. "
        f"{plots.seeds_text(curves)}",
    )
    return fig


_BY = ("drops", "start")


def _lower(start: str):
    return paired("test_loss", lower=(PLATEAU, start), than=(CLOCK, start), by=_BY, table="curves")


CLAIMS = (
    Claim(
        "5.8-b/formula",
        "The rate is initial · 0.1^⌊epoch / 5⌋, and Keras's ExponentialDecay with staircase=True is the same.",
        exact(measured="rate", expected="formula", tolerance=1e-6, relative=True, table="schedule"),
        expected=EXACT,
        ask="Keras has no class called StepDecay. Which of its schedules makes steps?",
        why="With staircase=True the exponent is the number of completed periods, ⌊update / decay_steps⌋.",
        beware="decay_steps counts updates: five epochs are 5·⌈N/B⌉ of them, and another batch size moves the drops.",
    ),
    Claim(
        "5.8-b/way",
        "With a factor of 0.1, nine tenths of all the way lie before the first drop, and 99 % before the second.",
        exact(measured="share", expected="closed_form", tolerance=1e-12, table="way"),
        expected=EXACT,
        ask="Thirty epochs with a drop every five. How much of the sum of all rates do the first five have?",
        why="The sums of the stretches are 5, 0.5, 0.05, …: a geometric series of which the first k make up 1 − 0.1^k.",
        beware="The summed rate says how far a run can get, not how well it settles, which is what drops are for.",
    ),
    Claim(
        "5.8-b/callback",
        "Shown the validation losses of every run, ReduceLROnPlateau sets the rates that the run was trained with.",
        exact(measured="learning_rate", expected="callback", tolerance=1e-5, relative=True, table="rule"),
        expected=EXACT,
        ask="A rule that needs the curve, and a curve that needs the rates: can both be had without Keras's loop?",
        why="The rate of an epoch depends on earlier epochs alone, so the drops can be settled one after another.",
        beware="The callback's defaults wait ten epochs and count any gain above 0.0001: in a run of twenty epochs it "
        "often does nothing.",
    ),
    Claim(
        "5.8-b/small",
        "From a small first rate, drops at plateaus end with a lower test loss than drops every five epochs.",
        _lower("small"),
        expected=HOLDS,
        ask="The first rate is a tenth of the best. What have five epochs brought by the time the rate drops?",
        why="By the clock the rate is gone before the way is made; the rule waits while the loss still improves.",
        beware="A rule that waits can also wait too long: a run that creeps down for ever never drops.",
    ),
    Claim(
        "5.8-b/large",
        "From a large first rate, too, drops at plateaus end with a lower test loss than drops every five epochs.",
        _lower("large"),
        expected=HOLDS,
        ask="And from a rate that makes the way within a few epochs?",
        why="If five epochs at this rate did not make the whole way, the rule would go on where the clock stops. They "
        "do make it: from there on both only settle.",
        beware="The rule looks at the validation part to choose its drops, which is why the test part judges.",
    ),
    Claim(
        "5.8-b/depends",
        "The advantage of drops at plateaus is larger from the small first rate than from the large one.",
        contrast(
            "test_loss",
            first=((CLOCK, "small"), (PLATEAU, "small")),
            second=((CLOCK, "large"), (PLATEAU, "large")),
            by=_BY,
            table="curves",
        ),
        expected=HOLDS,
        ask="How much of the advantage is repair of a badly chosen first rate?",
        why="A timetable fits one rate; the rule adapts to any.",
        beware="With the timetable tuned to the rate, little may be left of the difference.",
    ),
)
