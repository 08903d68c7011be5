"""5.11 Rates on a log scale (로그 스케일)

A learning rate acts by factors: from 0.001 to 0.01 much changes, from 1.001 to 1.01 nothing. So it is drawn as ten to
the power of a uniform number, `10 ** uniform(-6, 1)`; drawn evenly between the same ends, nine trials in ten are above
1. The printed line has a space in its name and is no Python. Its range is for a first, coarse sweep: one trial in seven
is above 1 and two in seven are below 0.0001, and where the good rates lie depends on the optimizer.
"""

import ast

import numpy as np
import pandas as pd

from chapters.shared.trial_curves import HIGHEST, LOWEST, ends, trial_curves
from textbook import plots
from textbook.borders import border_check
from textbook.experiment import EXACT, HOLDS, REVERSED, VIOLATED, Claim, Run, estimate, exact, paired, share
from textbook.search import expected_best

ENTRIES = ("5.11-d",)
DATA = "any"

_PRINTED = "learning rate = 10 ** uniform(-6, 1)"
_SIZES = (1, 2, 5, 10, 20, 40)


def measure(run: Run, *, accuracy: float = 0.9, adam_trials: int = 32) -> dict[str, pd.DataFrame]:
    """Look at random trials of two optimizers, and search the pool of SGD on a log and on a linear scale.

    Args:
        accuracy: on validation, from which a trial counts as useful.
        adam_trials: of Adam for each seed; SGD's are the pool's.
    """
    pools = {
        "SGD": ends(run.shared(trial_curves)),
        "Adam": ends(run.shared(trial_curves, optimizer="adam", count=adam_trials)),
    }
    trials = pd.concat(pool.assign(optimizer=name) for name, pool in pools.items())
    trials = trials.assign(useful=trials.val_accuracy >= accuracy, accuracy=accuracy)
    columns = ["optimizer", "seed", "learning_rate", "val_loss", "val_accuracy", "useful", "accuracy"]
    return {
        "trials": trials[columns].reset_index(drop=True),
        "bands": _bands(trials),
        "searches": _searches(pools["SGD"]),
        "ranges": _ranges(),
        "snippet": pd.DataFrame({"line": [_PRINTED, _PRINTED.replace(" ", "_", 1)]}).assign(
            runs=lambda table: table.line.map(_is_python)
        ),
    }


def _is_python(line: str) -> bool:
    try:
        ast.parse(line)
    except SyntaxError:
        return False
    return True


def _bands(trials: pd.DataFrame) -> pd.DataFrame:
    """For each optimizer and seed: how many trials are useful, where they lie, and whether the best is inside."""
    rows = []
    for (optimizer, seed), mine in trials.groupby(["optimizer", "seed"], sort=False):
        found = border_check(
            mine,
            target="val_loss",
            hyperparameters=["learning_rate"],
            log=["learning_rate"],
            ranges={"learning_rate": (LOWEST, HIGHEST)},
        ).iloc[0]
        # with too few epochs no trial may be useful: the best one alone then says where the band is
        good = mine[mine.useful] if mine.useful.any() else mine.nsmallest(1, "val_loss")
        rows.append({
            "optimizer": optimizer, "seed": seed, "useful_share": mine.useful.mean(), "best": found.best,
            "inside": found.on_border == "", "centre": np.log10(good.learning_rate).mean(),
        })  # fmt: skip
    return pd.DataFrame(rows)


def _searches(pool: pd.DataFrame) -> pd.DataFrame:
    """Expected validation loss of the best of n trials, drawn evenly on either scale, for each seed."""
    rows = []
    for seed, mine in pool.groupby("seed"):
        # the pool is even on the log scale; on a linear one a rate is as likely as it is large
        weights = {"log": np.ones(len(mine)), "linear": mine.learning_rate.to_numpy()}
        for scale, weight in weights.items():
            for n in _SIZES:
                best = expected_best(mine.val_loss.to_numpy(), weight, n)
                rows.append({"seed": seed, "scale": scale, "trials": n, "val_loss": best})
    return pd.DataFrame(rows)


def _ranges() -> pd.DataFrame:
    """Shares of `10 ** uniform(-6, 1)`, counted over evenly spaced exponents, beside the closed form."""
    rates = 10 ** (-6 + 7 * (np.arange(70_000) + 0.5) / 70_000)
    counted = {"above 1": (rates > 1).mean(), "below 0.0001": (rates < 1e-4).mean()}
    return pd.DataFrame({"part": counted.keys(), "counted": counted.values(), "closed_form": [1 / 7, 2 / 7]})


def draw(tables: dict[str, pd.DataFrame]):
    """Left, every trial's loss by its rate, for SGD and for Adam, the useful ones coloured; right, the best loss of
    searches on both scales by their trials, and the share of useful trials in each decade.
    """
    trials, bands = tables["trials"], tables["bands"]
    fig, axes = plots.figure(2, 2, width_ratios=[1.6, 1])
    looks = plots.looks(trials.optimizer.unique())
    for row, (name, mine) in enumerate(trials.groupby("optimizer", sort=False)):
        ax, look = axes[row, 0], looks[name]
        useful = mine.useful.astype(bool)
        for part, alpha in ((~useful, 0.12), (useful, 0.5)):
            ax.plot(
                mine[part].learning_rate, mine[part].val_loss, look["marker"], color=look["color"] if alpha > 0.2
                else "#777777", markersize=3, alpha=alpha, mew=0,
            )  # fmt: skip
        kept = mine[useful].learning_rate
        if len(kept):
            ax.axvspan(*np.quantile(kept, [0.05, 0.95]), color=look["color"], alpha=0.12, linewidth=0)
        share_of = bands[bands.optimizer == name].useful_share.mean()
        plots.note(ax, f"{name}: {100 * share_of:.0f} % useful", at="lower left")
        plots.log_axis(ax, "x", at=(1e-6, 1e-4, 1e-2, 1))
        plots.log_axis(ax, "y", at=(0.1, 0.3, 1, 3))
        ax.set(xlabel="learning rate (log scale)", ylabel="validation loss (nats)", ylim=(0.08, 6))
    axes[0, 0].set_title("every trial by its rate")
    plots.band(axes[0, 1], tables["searches"], x="trials", y="val_loss", hue="scale")
    plots.log_axis(axes[0, 1], "x", at=(1, 5, 20))
    axes[0, 1].set(xlabel="trials", ylabel="best validation loss (nats)", ylim=(0, None), title="best of n trials")
    decades = np.arange(-6, 1)
    for name, mine in trials.groupby("optimizer", sort=False):
        at = np.floor(np.log10(mine.learning_rate)).clip(-6, 0)
        heights = 100 * mine.useful.astype(float).groupby(at).mean().reindex(decades, fill_value=0)
        axes[1, 1].plot(decades, heights, label=name, **looks[name])
    axes[1, 1].set_xticks([-6, -4, -2, 0], ["10$^{-6}$", "10$^{-4}$", "0.01", "1"])
    axes[1, 1].legend(loc="upper left")
    axes[1, 1].set(xlabel="decade of the rate, from", ylabel="useful trials (%)", ylim=(-3, 103))
    plots.caption(
        fig,
        f"Digits, 512 training images, MLP 64-32-10; momentum, weight decay and decay at random. Coloured: validation "
        f"accuracy of {100 * trials.accuracy.iloc[0]:g} %, tinted: 90 % of these. Linear scale: SGD's pool, "
        f"reweighted. Bands: 95 %; {plots.seeds_text(trials)}.",
    )
    return fig


CLAIMS = (
    Claim(
        "5.11-d",
        "The best of twenty trials has a lower validation loss if their rates were drawn on a log scale than if they "
        "were drawn evenly between the same ends.",
        paired("val_loss", lower="log", than="linear", by="scale", table="searches", where={"trials": 20}),
        expected=HOLDS,
        ask="Twenty rates between 0.000001 and 10. How many of them are below 0.1 if they are drawn evenly?",
        why="A linear draw puts nine trials in ten above 1, where almost nothing trains; a log scale gives every "
        "decade the same number of trials.",
        beware="The scale is not what finds the optimum: with a range known to a factor of three, both do as well.",
    ),
    Claim(
        "5.11-d/snippet",
        "The line of the text that draws a rate is valid Python.",
        exact(measured="runs", expected=True, table="snippet", where={"line": _PRINTED}),
        expected=VIOLATED,
        ask="What does Python say to `learning rate = 10 ** uniform(-6, 1)`?",
        why="A name has no space; the parser meets two names side by side.",
        beware="With `learning_rate` the line runs, but it is one draw: it has to be called for each trial.",
        correction="Write `learning_rate = 10 ** uniform(-6, 1)`, as the course notes do.",
        reference="Stanford CS231n notes, Neural networks 3 (2015), hyperparameter optimization",
    ),
    Claim(
        "5.11-d/parts",
        "Of the rates drawn by `10 ** uniform(-6, 1)`, 1/7 are above 1 and 2/7 below 0.0001.",
        exact(measured="counted", expected="closed_form", tolerance=1e-4, table="ranges"),
        expected=EXACT,
        ask="Which share of the draws lies above a rate of 1?",
        why="The exponent is even over seven units; one of them is above 0, two are below −4.",
        beware="The share is a choice of whoever sets the ends, not a property of learning rates.",
    ),
    Claim(
        "5.11-d/useful",
        "With SGD, more than half of the trials drawn from 0.000001 to 10 reach the useful accuracy.",
        estimate("useful_share", above=0.5, unit="points", delta=5, table="bands", where={"optimizer": "SGD"}),
        expected=REVERSED,
        ask="Of a hundred trials with rates from this range, how many train to an accuracy of 90 %?",
        why="The rates that train within these epochs fill two or three of the seven decades.",
        beware="More epochs move the lower end of the band: a tenth of the rate needs about ten times the updates.",
        correction="The range is sensible for a first coarse sweep only; most of its trials are spent where nothing "
        "trains.",
        reference="Bengio (2012), arXiv:1206.5533, section 3.1",
    ),
    Claim(
        "5.11-d/inside",
        "With SGD, the best of the trials lies inside the range, not at its border.",
        share("inside", table="bands", where={"optimizer": "SGD"}),
        expected=HOLDS,
        ask="Is the range wide enough, that is, is its best rate away from both ends?",
        why="At 0.000001 nothing has moved yet, at 10 everything has blown up, and the optimum lies between.",
        beware="This is about one network; that every optimum lies there is more than anybody has measured.",
    ),
    Claim(
        "5.11-d/optimizer",
        "The useful rates of Adam lie lower than those of SGD.",
        paired("centre", lower="Adam", than="SGD", by="optimizer", unit="decades", delta=0.25, table="bands"),
        expected=HOLDS,
        ask="You know the band of good rates of SGD. May you use it for Adam?",
        why="Adam divides the gradient by its usual size, so its rate is nearly the length of a step.",
        beware="SGD's momentum is drawn at random here, and a large one moves its good rates down as well.",
    ),
)
