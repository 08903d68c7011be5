"""4.7 Which hyperparameter matters most (가장 중요한 하이퍼파라미터)

Bengio's advice: with time to tune only one hyperparameter, tune the learning rate (he means stochastic gradient
descent). Four hundred networks with random hyperparameters say how much of the differences in validation loss each one
explains by itself. But such shares belong to the ranges that were tried: among rates that are good already, there is
less left for the rate to explain. Both are shown.
"""

import numpy as np
import pandas as pd
from scipy.stats import t as student

from chapters.shared.trials import HYPERPARAMETERS, trials
from textbook import plots
from textbook.experiment import HOLDS, Claim, Run, paired
from textbook.importance import importance

ENTRIES = ("4.7-a",)
DATA = "any"

_LOG = ("learning_rate", "weight_decay")
_SECOND = "the strongest other"


def measure(run: Run, *, low: float = 0.03, high: float = 0.3) -> dict[str, pd.DataFrame]:
    """Explain the validation loss of random trials by their hyperparameters: all rates, then those from low to high."""
    pools = {
        "all rates": run.shared(trials),
        "good rates": run.shared(trials, lowest=low, highest=high),
    }
    shares = [_jackknife(pool).assign(pool=name) for name, pool in pools.items()]
    trial = [pool[["learning_rate", "val_loss"]].assign(pool=name) for name, pool in pools.items()]
    return {"shares": pd.concat(shares, ignore_index=True), "trials": pd.concat(trial, ignore_index=True)}


def _jackknife(pool: pd.DataFrame) -> pd.DataFrame:
    """The share of variance of each hyperparameter, one pseudo-value for each seed's block of trials.

    With g blocks, s from all trials and s₋ᵢ from those without block i, block i has s + (g − 1)·(mean of s₋ − s₋ᵢ). The
    mean of these is s, and their spread its uncertainty over trials (Tukey, 1958), so that their t-interval is one of
    the share. The usual correction for bias, g·s − (g − 1)·s₋ᵢ, would multiply the chance in a forest by g.
    """
    whole, seeds = _shares(pool, trees=256), pool.seed.unique()
    values = pd.DataFrame({seed: whole for seed in seeds}).T
    if len(seeds) > 1:
        without = pd.DataFrame({seed: _shares(pool[pool.seed != seed], trees=64) for seed in seeds}).T
        values += (len(seeds) - 1) * (without.mean() - without)
    # the strongest in all trials, so that the comparison is with the hardest rival
    values[_SECOND] = values[whole.drop("learning_rate").idxmax()]
    return values.rename_axis("seed").reset_index().melt("seed", var_name="hyperparameter", value_name="share")


def _shares(pool: pd.DataFrame, *, trees: int) -> pd.Series:
    # no resamples: the jackknife gives the intervals
    found = importance(pool, target="val_loss", hyperparameters=HYPERPARAMETERS, log=_LOG, trees=trees, resamples=0)
    return found.set_index("hyperparameter").share


def draw(tables: dict[str, pd.DataFrame]):
    """Left, a bar for the share of variance that each hyperparameter explains alone, for all rates and for the good
    ones; right, every trial's validation loss by learning rate.
    """
    shares, pool = tables["shares"], tables["trials"]
    fig, (left, right) = plots.figure(1, 2, width_ratios=[1.25, 1])
    names = [name for name in HYPERPARAMETERS if name != _SECOND]
    wide = {
        name: rows.pivot(index="seed", columns="hyperparameter", values="share")
        for name, rows in shares.groupby("pool")
    }
    names.sort(key=lambda name: -wide["all rates"][name].mean())
    for place, name in enumerate(("all rates", "good rates")):
        look, table = plots.look(place), wide[name][names]
        half = student.ppf(0.975, len(table) - 1) * table.std(ddof=1) / np.sqrt(len(table)) if len(table) > 1 else None
        rows = np.arange(len(names)) + 0.2 * (2 * place - 1)
        left.barh(rows, 100 * table.mean().clip(lower=0), height=0.36, color=look["color"], alpha=(0.85, 0.6)[place])
        if half is not None:
            left.errorbar(100 * table.mean(), rows, xerr=100 * half, fmt="none", ecolor="#222222", elinewidth=1.2)
        found = pool[pool.pool == name]
        right.plot(
            found.learning_rate, found.val_loss, look["marker"], color=look["color"], markersize=3.5, alpha=0.6, mew=0
        )
        spot = (0.97, 0.3 - 0.09 * place)
        left.text(*spot, f"{name}: {found.learning_rate.min():.1g}–{found.learning_rate.max():.1g}",
                  transform=left.transAxes, ha="right", color=look["color"], fontsize=10.5)  # fmt: skip
    left.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    left.set_ylim(len(names) - 0.5, -0.5)
    left.set_xlim(left=0)
    left.grid(visible=False, axis="y")
    left.set(xlabel="variance explained alone (%)", title="importance")
    plots.log_axis(right, "x", at=(1e-4, 1e-2, 1))
    right.set(xlabel="learning rate", ylabel="validation loss (nats)", ylim=(0, None), title="every trial")
    plots.caption(
        fig,
        f"Digits, {len(pool) // 2} random networks for each range, SGD. Random-forest functional ANOVA, 95 % jackknife "
        f"intervals over {plots.seeds_text(shares)}.",
    )
    return fig


CLAIMS = (
    Claim(
        "4.7-a",
        "Over the whole range of rates, the learning rate explains more of the validation loss than any other "
        "hyperparameter.",
        paired(
            "share",
            higher="learning_rate",
            than=_SECOND,
            by="hyperparameter",
            unit="points",
            delta=5,
            table="shares",
            where={"pool": "all rates"},
        ),
        expected=HOLDS,
        ask="You may tune one of these seven and leave the rest to luck. Which one?",
        why="Most of the range is either too small to get anywhere in time or too large to train at all, whatever the "
        "other six are.",
        beware="The share belongs to the ranges tried. A wider range of anything makes it look more important.",
        correction="Bengio says it of stochastic gradient descent, and as advice; how much the rate matters depends on "
        "the range that it is searched in.",
        reference="Bengio (2012), arXiv:1206.5533, section 3.1",
    ),
    Claim(
        "4.7-a/band",
        "Inside a band of good rates, the learning rate explains less than it does over the whole range.",
        paired(
            "share",
            lower="good rates",
            than="all rates",
            by="pool",
            unit="points",
            delta=5,
            table="shares",
            where={"hyperparameter": "learning_rate"},
        ),
        expected=HOLDS,
        ask="The rate is already right to within a factor of three. Is it still the first thing to tune?",
        why="What is nearly constant explains little: the failures that the rate caused have been left out.",
        beware="An importance without its ranges says nothing. Here the batch size comes to matter because every trial "
        "has the same epochs, so large batches get few updates.",
    ),
)
