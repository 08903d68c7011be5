"""4.6 Which batch size wins depends on the budget (같은 epoch, 같은 갱신 횟수)

The text finds that SGD usually performs better than batch gradient descent. That is true per epoch, where small batches
make many updates from the same rows; per update the full batch has the better gradient. So the rate is tuned for every
batch size on one grid, and each size gets two budgets: equal epochs, and equal updates. The text also says that a
smaller rate tames the noise: on a least-squares surface, started at its minimum, all that moves the weights is noise.
"""

import dataclasses

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import FAILS, HOLDS, Claim, Run, contrast, paired, trend
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.seeding import stream
from textbook.surfaces import LeastSquares, minibatches, trajectory
from textbook.update_rules import GradientDescent

ENTRIES = ("4.6-c",)
DATA = "any"

RATES = (0.03, 0.08, 0.2, 0.5, 1.25, 3.0)
TUNING_SEEDS = 4
MINI, FULL = "B = 32", "full batch"
EPOCHS, UPDATES = "equal epochs", "equal updates"


def measure(
    run: Run, *, epochs: int = 20, batch_sizes: tuple[int, ...] = (1, 8, 32, 128, 512)
) -> dict[str, pd.DataFrame]:
    """Tune the rate for every batch size and budget, then train with the chosen rates on the judging seeds.

    The budgets are `epochs` passes over the training rows, and as many updates as batches of 32 make in them.
    """
    arms = _arms(run.splits("digits"), run.seeds[0], {32, *batch_sizes}, epochs=run.epochs(epochs))
    tuning = _train(arms, dict.fromkeys(arms, RATES), seeds=run.tuning(TUNING_SEEDS))
    # a diverged run is as good as a guess, which keeps it out of the choice
    scores = tuning.assign(score=np.where(tuning.diverged, tuning.chance_loss, tuning.val_loss))
    means = scores.groupby(["condition", "budget", "rate"]).score.mean()
    chosen = {arm: means[arm].idxmin() for arm in arms}
    tuned = _train(arms, {arm: (rate,) for arm, rate in chosen.items()}, seeds=run.seeds)
    tuned["on_border"] = tuned.rate.isin((RATES[0], RATES[-1]))
    return {"tuning": tuning, "tuned": tuned, "noise": _noise(run.seeds)}


def _arms(splits, seed: int, sizes, *, epochs: int) -> dict[tuple[str, str], Condition]:
    """(name of the batch size, budget) → what it trains on and for how long."""
    rows = len(splits(seed).train)
    updates = epochs * -(-rows // 32)
    arms = {}
    for size in (*sorted(size for size in sizes if size < rows), rows):
        name, per_epoch = FULL if size == rows else f"B = {size}", -(-rows // size)
        if size > 1:  # N epochs of single rows, tuned, would outlast all the rest together
            arms[name, EPOCHS] = Condition(batch_size=size, epochs=epochs)
        if per_epoch > updates:  # the budget ends within the first epoch: train once on the rows that it reaches
            cut = _FirstRows(splits, updates * size)
            arms[name, UPDATES] = Condition(batch_size=size, epochs=1, splits=cut)
        else:
            arms[name, UPDATES] = Condition(batch_size=size, epochs=round(updates / per_epoch))
    return {arm: dataclasses.replace(condition, splits=condition.splits or splits) for arm, condition in arms.items()}


@dataclasses.dataclass(frozen=True)
class _FirstRows:
    """The splits of a splitter with only the first rows of their training parts, which are in random order."""

    splits: object
    count: int

    def __call__(self, seed: int):
        split = self.splits(seed)
        train, *held_out = split.rows
        return dataclasses.replace(split, rows=(train[: self.count], *held_out))


def _train(arms, rates, *, seeds) -> pd.DataFrame:
    """The end of every run: one row per arm, rate and seed."""
    runs = {f"{arm} {rate}": (arm, rate) for arm in arms for rate in rates[arm]}
    conditions = {name: dataclasses.replace(arms[arm], learning_rate=rate) for name, (arm, rate) in runs.items()}
    some = next(iter(arms.values()))  # every condition says its own splits and epochs
    table = train_replicas(mlp, some.splits, conditions=conditions, seeds=seeds, epochs=some.epochs)
    ends = table[table.epoch == table.groupby("condition").epoch.transform("max")]
    described = pd.DataFrame(
        [(*runs[name][0], arms[runs[name][0]].batch_size, runs[name][1]) for name in ends.condition],
        columns=["condition", "budget", "batch_size", "rate"],
    )
    kept = ["seed", "updates", "val_loss", "test_loss", "test_accuracy", "diverged", "chance_loss", "chance_accuracy"]
    return pd.concat([described, ends[kept].reset_index(drop=True)], axis=1)


def _noise(seeds) -> pd.DataFrame:
    """The loss above the minimum that single-row steps keep up at each rate: mean over updates 301 to 600."""
    table = []
    for seed in seeds:
        random = stream(seed, "surface")
        x = random.normal(size=(200, 2))
        surface = LeastSquares(x, x @ np.array([1.0, 0.5]) + random.normal(size=200))
        for rate in (0.01, 0.02, 0.05, 0.1, 0.2):
            path = trajectory(
                surface, GradientDescent(rate), start=surface.minimum, steps=600,
                batches=minibatches(200, 1, generator=stream(seed, "order")),
            )  # fmt: skip
            table.append((seed, rate, surface.value(path[301:]).mean() - surface.value(surface.minimum)))
    return pd.DataFrame(table, columns=["seed", "rate", "excess"])


def draw(tables: dict[str, pd.DataFrame]):
    """Left, test loss by batch size at equal updates and at equal epochs; right, the noise that each learning rate
    leaves above the minimum.
    """
    fig, (left, right) = plots.figure(1, 2, width_ratios=[3, 2])
    tuned = tables["tuned"].query("not diverged")
    plots.band(left, tuned, x="batch_size", y="test_loss", hue="budget", log=True, names="legend")
    for axis in "xy":
        plots.log_axis(left, axis)
        plots.log_axis(right, axis)
    border = tuned[tuned.on_border].groupby(["budget", "batch_size"]).test_loss.mean()
    for (_, size), loss in border.items():
        left.plot(size, loss, "o", markersize=14, markerfacecolor="none", markeredgecolor="black")
    left.set(xlabel="batch size (rows)", ylabel="test loss (nats)", title="rate tuned for each point")
    noise = tables["noise"].assign(condition="B = 1")
    plots.band(right, noise, x="rate", y="excess", log=True, names="none", looks={"B = 1": plots.look(2)})
    right.set(xlabel="learning rate", ylabel="loss above the minimum (units of y²)", title="B = 1, least squares")
    at_32 = tuned[tuned.condition == MINI].updates.max()
    caption = (
        f"Left: digits, MLP 64-64-10, plain SGD, rate chosen among {len(RATES)} on {tables['tuning'].seed.nunique()} "
        f"tuning seeds. Both budgets are {at_32} updates at B = 32; B = 1 was given equal updates only. "
        f"Right: single rows, started at the minimum. {plots.seeds_text(tuned)}"
    )
    plots.caption(fig, caption + (". Circled: best rate at an end of the grid." if len(border) else ""))
    return fig


CLAIMS = (
    Claim(
        "4.6-c/epochs",
        "After equally many epochs, batches of 32 reach a lower test loss than the full batch, each at its best rate.",
        paired("test_loss", lower=MINI, than=FULL, where={"budget": EPOCHS}, table="tuned"),
        expected=HOLDS,
        ask="Twenty passes over the rows, each method with its own best rate: which one ends lower?",
        why="Twenty epochs are 640 updates in batches of 32 and twenty of the full batch; no rate makes up for that.",
        beware="An epoch costs the full batch less time on parallel hardware than it costs small batches.",
    ),
    Claim(
        "4.6-c/updates",
        "After equally many updates, batches of 32 still reach a lower test loss than the full batch.",
        paired("test_loss", lower=MINI, than=FULL, where={"budget": UPDATES}, table="tuned"),
        expected=FAILS,
        ask="Now both make 640 updates. Does the noisy gradient still win?",
        why="The full batch follows the true gradient, so it stands a larger rate, and it has read 32 times the rows.",
        beware="Equal updates are not equal work: the full batch's 640 updates are 640 epochs.",
        correction="SGD does better per epoch, that is for the same number of rows read. For the same number of "
        "updates, with the rate tuned, the full batch matches or beats it.",
        reference="Shallue et al. (2019), JMLR 20(112)",
    ),
    Claim(
        "4.6-c/depends",
        "How far the full batch lies behind batches of 32 depends on the budget.",
        contrast(
            "test_loss", first=((FULL, EPOCHS), (MINI, EPOCHS)), second=((FULL, UPDATES), (MINI, UPDATES)),
            by=("condition", "budget"), table="tuned",
        ),
        expected=HOLDS,
        ask="Is the gap between the two at equal epochs larger than the gap at equal updates?",
        why="The budget decides how many updates each makes; the gradients are the same in both.",
        beware="'SGD is better' and 'the full batch is better' can both be right: ask at equal what.",
    ),
    Claim(
        "4.6-c/rate",
        "The smaller the rate, the less noise single-row steps leave around the minimum.",
        trend("excess", over="rate", direction="rises", scale="log", table="noise"),
        expected=HOLDS,
        ask="Started exactly at the minimum, how far up does SGD wander at a rate of 0.2, and at 0.01?",
        why="Each step throws the weights off by the rate times the noise, and the pull back is in proportion to the "
        "rate, so less remains at a small one. Here every row comes once an epoch, and at small rates an epoch's noise "
        "partly cancels as well: what remains falls faster than the rate.",
        beware="A small rate also learns slowly from afar, which is why rates are lowered during training.",
    ),
)  # fmt: skip
