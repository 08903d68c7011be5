"""7.4 Which batch size is better: at equal what? (배치 크기와 예산)

Small batches were long said to regularise, and the paper finds larger ones better. Both can be right, for they spend
different budgets. In equally many epochs a small batch makes many more updates. In equally many updates a large one
has read many more rows. The paper counts seconds, and how many updates fit into them is up to the hardware. So every
batch size gets a 1cycle of its own for each budget, with a peak tuned on the same grid, and the three budgets meet at
one small batch, whose training is the same in all.
"""

import dataclasses
import functools
import math

import numpy as np
import pandas as pd

from chapters.shared.epoch_seconds import epoch_seconds
from textbook import plots
from textbook.experiment import HOLDS, INCONCLUSIVE, NO_DIFFERENCE, Claim, Run, contrast, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.schedules import OneCycle

ENTRIES = ("7.4-a",)
DATA = "any"
# clock readings, and what hangs on them: how many updates fit into the time, and where they lead
MEASURED = ("seconds", "time_updates", "time_peak", "time_border", "time_val_loss", "time_loss", "time_accuracy")
FOR_DATA = {
    "fashion_mnist": {
        "hidden": (100, 100, 100),
        "epochs": 1.0,
        "small": 128,
        "large": 512,
        "others": (32,),
        "peaks": (0.01, 0.03, 0.1, 0.3),
    }
}

SMALL, LARGE = "small batch", "large batch"
EPOCHS, UPDATES, SECONDS = "equal epochs", "equal updates", "equal seconds"
TUNING_SEEDS = 3
_TIMED_ROWS = 16384  # at most, which is enough for the clock


def measure(
    run: Run,
    *,
    epochs: float = 8.0,
    small: int = 32,
    large: int = 512,
    others: tuple[int, ...] = (8, 128),
    peaks: tuple[float, ...] = (0.03, 0.1, 0.3, 1.0),
    momentum: float = 0.9,
    hidden: tuple[int, ...] = (64,),
) -> dict[str, pd.DataFrame]:
    """Time plain `fit` at every batch size, tune the cycle's peak for each size and budget, and train at the best.

    Args:
        epochs: of the small batch; its updates and its seconds are the other budgets.
        small, large: the two sizes that are compared.
        others: sizes that are shown as well.
        peaks: of the 1cycle, the grid of every size and budget.
        momentum: constant.
        hidden: units of the hidden layers.
    """
    if small >= large:
        raise ValueError(f"expected small below large, got {small} and {large}; mend by small=32, large=512")
    build, splits = functools.partial(mlp, hidden=tuple(hidden)), run.splits("digits")
    split = splits(run.seeds[0])
    sizes = sorted({small, large, *others})
    clock = _clock(build, split, sizes, repeats=2 if run.quick else 5)
    budgets = _updates(sizes, small, rows=len(split.train), epochs=run.epochs(epochs), clock=clock)
    train = functools.partial(_train, build, splits, rows=len(split.train), momentum=momentum)
    trials = train({arm: (count, peaks) for arm, count in budgets.items()}, seeds=run.tuning(TUNING_SEEDS))
    # a diverged run is as good as a guess, which keeps it out of the choice
    score = trials.val_loss.where(~trials.diverged, trials.chance_loss)
    means = score.groupby([trials.budget, trials.batch_size, trials.peak]).mean()
    best = {arm: means[arm].idxmin() for arm in budgets}
    tuned = train({arm: (count, (best[arm],)) for arm, count in budgets.items()}, seeds=run.seeds)
    names = {small: SMALL, large: LARGE}
    tuned["condition"] = [names.get(size, f"B = {size}") for size in tuned.batch_size]
    tuned = tuned.assign(on_border=tuned.peak.isin((min(peaks), max(peaks))), epochs=run.epochs(epochs), small=small)
    tuned = tuned.assign(hidden="-".join(map(str, hidden)), momentum=momentum, peaks=len(peaks))
    at_small = tuned[tuned.batch_size == small]  # trained once, for all three budgets
    tuned = pd.concat([tuned, *(at_small.assign(budget=budget) for budget in (UPDATES, SECONDS))])
    readings = {"updates": "time_updates", "peak": "time_peak", "on_border": "time_border"}
    readings |= {"val_loss": "time_val_loss", "test_loss": "time_loss"}
    return {
        "tuned": tuned[tuned.budget != SECONDS].reset_index(drop=True),
        "in_time": tuned[tuned.budget == SECONDS]
        .rename(columns=readings | {"test_accuracy": "time_accuracy"})
        .reset_index(drop=True),
        "clock": clock,
    }


def _clock(build, split, sizes, *, repeats: int) -> pd.DataFrame:
    """Seconds that plain `fit` takes for a thousand rows, by batch size and repeat."""
    train, *held_out = split.rows
    some = dataclasses.replace(split, rows=(train[: max(_TIMED_ROWS, max(sizes))], *held_out))
    times = epoch_seconds(build, some, batch_sizes=sizes, repeats=repeats)
    return times.assign(seconds=1000 * times.seconds / len(some.train))[["batch_size", "seed", "seconds"]]


def _updates(sizes, small: int, *, rows: int, epochs: float, clock: pd.DataFrame) -> dict[tuple[str, int], int]:
    """(budget, batch size) → updates. The small batch has one budget, since they meet there."""
    per_epoch = {size: -(-rows // size) for size in sizes}
    seconds = clock.groupby("batch_size").seconds.median()
    at_small = epochs * per_epoch[small]
    wanted = {(EPOCHS, size): epochs * per_epoch[size] for size in sizes}
    for size in sizes:
        if size != small:
            wanted[UPDATES, size] = at_small
            wanted[SECONDS, size] = wanted[EPOCHS, size] * seconds[small] / seconds[size]
    return {arm: max(2, round(count)) for arm, count in wanted.items()}


def _train(build, splits, arms, *, rows: int, momentum: float, seeds) -> pd.DataFrame:
    """The end of every run: a row per budget, batch size, peak and seed. `arms`: (budget, size) → (updates, peaks)."""
    conditions, named = {}, []
    for (budget, size), (updates, peaks) in arms.items():
        passes = updates / -(-rows // size)
        for peak in peaks:
            conditions[str(len(named))] = Condition(
                learning_rate=OneCycle.smith(peak, total=passes, momentum_range=None).per_update(),
                momentum=momentum,
                batch_size=size,
                epochs=math.ceil(passes),
                updates=updates,
            )
            named.append((budget, size, peak))
    longest = max(condition.epochs for condition in conditions.values())
    curves = train_replicas(build, splits, conditions=conditions, seeds=seeds, epochs=longest)
    ends = curves[curves.epoch == curves.groupby("condition").epoch.transform("max")]
    described = pd.DataFrame([named[int(name)] for name in ends.condition], columns=["budget", "batch_size", "peak"])
    kept = ["seed", "updates", "val_loss", "test_loss", "test_accuracy", "diverged", "chance_loss", "chance_accuracy"]
    return pd.concat([described, ends[kept].reset_index(drop=True)], axis=1)


def draw(tables: dict[str, pd.DataFrame]):
    """Test loss and test accuracy by batch size at equal epochs, updates and seconds; the three lines meet at the small
    batch.
    """
    tuned, clock = tables["tuned"], tables["clock"]
    plain = {"time_updates": "updates", "time_peak": "peak", "time_border": "on_border", "time_val_loss": "val_loss"}
    plain |= {"time_loss": "test_loss", "time_accuracy": "test_accuracy"}
    ends = pd.concat([tuned, tables["in_time"].rename(columns=plain)], ignore_index=True)
    ends["test_loss"] = ends.test_loss.where(~ends.diverged, ends.chance_loss)
    ends["percent"] = 100 * ends.test_accuracy.where(~ends.diverged, ends.chance_accuracy)
    fig, (left, right) = plots.figure(1, 2)
    looks = plots.looks((EPOCHS, UPDATES, SECONDS))
    plots.band(left, ends, x="batch_size", y="test_loss", hue="budget", log=True, looks=looks, names="none")
    plots.band(right, ends, x="batch_size", y="percent", hue="budget", looks=looks, names="none")
    sizes, small = sorted(ends.batch_size.unique()), tuned.small.iloc[0]
    for ax in (left, right):
        plots.log_axis(ax, "x", at=sizes)
        ax.axvline(small, color="#777777", linewidth=1, linestyle=":", zorder=0)
    plots.log_axis(left, "y")
    border = np.log(ends[ends.on_border].test_loss).groupby([ends.budget, ends.batch_size]).mean()
    for (_, size), height in border.items():
        left.plot(size, np.exp(height), "o", markersize=14, markerfacecolor="none", markeredgecolor="black")
    left.set(xlabel="batch size (rows)", ylabel="test loss (nats)")
    right.set(xlabel="batch size (rows)", ylabel="test accuracy (%)")
    fig.legend(*left.get_legend_handles_labels(), loc="outside upper left", ncols=3)
    at_small = tuned[tuned.batch_size == small]
    milliseconds = (1000 * clock.groupby("batch_size").seconds.median()).map("{:.0f}".format)
    caption = (
        f"Digits, MLP with {tuned.hidden.iloc[0]} hidden units, SGD, momentum {tuned.momentum.iloc[0]:g}, 1cycle; its "
        f"peak is tuned at every point, among {tuned.peaks.iloc[0]} on other seeds. Dotted: B = {small}, where the "
        f"budgets meet (epochs: {tuned.epochs.iloc[0]:g}, updates: {at_small.updates.max():.0f}). Plain fit takes "
        f"{', '.join(milliseconds)} ms for 1000 rows at B = {', '.join(map(str, sizes))}. {plots.seeds_text(tuned)}"
    )
    plots.caption(fig, caption + (". Circled: best peak at an end of the grid." if len(border) else ""))
    return fig


_CORRECTION = (
    "Whether small or large batches are better depends on the budget and on the tuning. In equally many epochs small "
    "ones win because they make more updates. In equally many updates, each tuned, that advantage is gone or nearly "
    "so. The paper compares at equal time, and what that means is up to the hardware."
)
_REFERENCE = (
    "for small batches Masters & Luschi (2018), arXiv:1804.07612, Keskar et al. (2017), arXiv:1609.04836; for the "
    "budget Hoffer et al. (2017), arXiv:1705.08741, Goyal et al. (2017), arXiv:1706.02677, Shallue et al. (2019), JMLR "
    "20(112)"
)

CLAIMS = (
    Claim(
        "7.4-a/epochs",
        "In equally many epochs the small batch ends with a lower test loss than the large one, each at its best peak.",
        paired("test_loss", lower=SMALL, than=LARGE, where={"budget": EPOCHS}, table="tuned"),
        expected=HOLDS,
        ask="Both batch sizes see every row equally often. Which one has the lower test loss at the end?",
        why="In an epoch the small batch makes many more updates, and a higher rate makes up for a part of them only.",
        beware="This is no sign of regularisation: the large batch has simply not finished.",
    ),
    Claim(
        "7.4-a/updates",
        "Small batches regularise: in equally many updates too, the small batch ends with a lower test loss.",
        paired("test_loss", lower=SMALL, than=LARGE, where={"budget": UPDATES}, table="tuned"),
        expected=NO_DIFFERENCE,
        ask="Now both make equally many updates. Does the noise of the small batch show as a lower test loss?",
        why="With the rate tuned for each, the noise of the gradient is what differs. It can keep a network from "
        "fitting its rows too closely, of which a short training is in little danger, and it can cost progress.",
        beware="Equal updates are not equal work: the large batch has read many times the rows.",
        correction=_CORRECTION,
        reference=_REFERENCE,
    ),
    Claim(
        "7.4-a/seconds",
        "In equally many seconds of plain fit on this computer, the large batch ends with a lower test loss.",
        paired("time_loss", lower=LARGE, than=SMALL, table="in_time"),
        expected=INCONCLUSIVE,
        ask="The paper compares at equal time. Which batch size gets further in it here, on a processor?",
        why="How many updates fit into the time is up to the hardware. A GPU makes an update of many rows in the "
        "time of one of few. On a processor rows take their time, and so does each epoch, however few its updates.",
        beware="This verdict is about the computer as much as about the batch size, and may turn on another one.",
        correction=_CORRECTION,
        reference=_REFERENCE,
    ),
    Claim(
        "7.4-a/depends",
        "How far the large batch lies behind the small one depends on the budget: more in equal epochs than in equal "
        "updates.",
        contrast(
            "test_loss", first=((LARGE, EPOCHS), (SMALL, EPOCHS)), second=((LARGE, UPDATES), (SMALL, UPDATES)),
            by=("condition", "budget"), table="tuned",
        ),
        expected=HOLDS,
        ask="Is the gap between the two in equal epochs larger than the one in equal updates?",
        why="The small batch's training is the same in both budgets. The gap between the sizes moves with what the "
        "large batch makes of more updates.",
        beware="Of a comparison of batch sizes ask first: at equal what, and was the rate tuned for both?",
        correction=_CORRECTION,
        reference=_REFERENCE,
    ),
)  # fmt: skip
