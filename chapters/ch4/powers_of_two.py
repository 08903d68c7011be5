"""4.6 Powers of two (2의 거듭제곱)

The text says to try batch sizes of 32, 64, 128, 256, 512, "multiples of two", unless the set has at most 2000 samples,
for which the usual rule of thumb is the full batch. They are powers of two, a habit from the alignment of hardware: the
network learns the same from 30 or 33 rows at a time. Digits has fewer than 2000 samples, so the rule of thumb applies,
and it is tried at equal epochs and at equal seconds of plain `fit`.
"""

import numpy as np
import pandas as pd

from chapters.shared.epoch_seconds import epoch_seconds
from textbook import plots
from textbook.experiment import FAILS, HOLDS, REVERSED, Claim, Run, equivalent, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas

ENTRIES = ("4.6-d",)
# clock readings, and what hangs on them: how far the full batch gets in the time that batches of 32 take
MEASURED = ("seconds", "affordable_epochs", "epochs_in_time", "in_time_accuracy")

SIZES = (30, 32, 33, 60, 64, 65, 100, 128)
FULL = "full batch"


def measure(
    run: Run, *, learning_rate: float = 0.1, momentum: float = 0.9, repeats: int = 5
) -> dict[str, pd.DataFrame]:
    """Train with powers of two, their neighbours and the full batch; time an epoch of plain `fit` for each."""
    splits, epochs = run.splits("digits"), run.epochs(20)
    settings = {"learning_rate": learning_rate, "momentum": momentum}
    conditions = {f"B = {size}": Condition(batch_size=size, **settings) for size in SIZES}
    small = train_replicas(mlp, splits, conditions=conditions, seeds=run.seeds_for(24), epochs=epochs)
    full = train_replicas(
        mlp,
        splits,
        conditions={FULL: Condition(batch_size="all", epochs=4 * epochs, **settings)},
        seeds=run.seeds_for(24),
        epochs=epochs,
        test_every_epoch=True,  # how many epochs it has time for is known only from the clock
    )
    split = splits(run.seeds[0])
    times = epoch_seconds(mlp, split, batch_sizes=(*SIZES, len(split.train)), repeats=2 if run.quick else repeats)
    kept = ["condition", "seed", "epoch", "test_accuracy", "diverged", "chance_accuracy"]
    ends = pd.concat([small[small.epoch == epochs], full[full.epoch == epochs]])[kept]
    return {"accuracy": ends, "times": times, "in_time": _in_time(ends, full[kept], times, epochs=epochs)}


def _in_time(ends, full, times, *, epochs: int) -> pd.DataFrame:
    """Test accuracy of the full batch after the seconds that batches of 32 take for all their epochs."""
    seconds = times.groupby("batch_size").seconds.median()
    affordable = int(epochs * seconds[32] / seconds[times.batch_size.max()])
    reached = int(np.clip(affordable, 1, full.epoch.max()))
    arms = (ends[ends.condition == "B = 32"], full[full.epoch == reached])
    table = pd.concat(arms).rename(columns={"test_accuracy": "in_time_accuracy", "epoch": "epochs_in_time"})
    return table.assign(affordable_epochs=affordable)


def draw(tables: dict[str, pd.DataFrame]):
    """A line for each batch size: left, the test accuracy of every seed; right, the time of
    an epoch in every repeat.
    """
    fig, (left, right) = plots.figure(1, 2, size=(7, 5.4), sharey=True, width_ratios=[3, 2])
    accuracy = tables["accuracy"].assign(percent=lambda table: 100 * table.test_accuracy)
    rows = tables["times"].batch_size.max()
    names = {size: FULL if size == rows else f"B = {size}" for size in tables["times"].batch_size}
    times = tables["times"].assign(condition=lambda table: table.batch_size.map(names), ms=lambda t: 1000 * t.seconds)
    looks = {name: plots.look(0 if size & (size - 1) == 0 and size < rows else 1) for size, name in names.items()}
    looks[FULL] = plots.look(2)
    for ax, table, value, label in (
        (left, accuracy, "percent", "test accuracy (%)"),
        (right, times, "ms", "time per epoch (ms)"),
    ):
        plots.dots(ax, table, value=value, looks=looks)
        ax.set_xlabel(label)
    right.set_xlim(0, None)
    plots.caption(
        fig,
        f"Circles: powers of two. Left: digits, MLP 64-64-10, SGD with momentum, {int(accuracy.epoch.max())} epochs, "
        f"{plots.seeds_text(accuracy)}. Right: plain fit on this computer, {times.seed.nunique()} repeats in turn.",
    )
    return fig


CLAIMS = (
    Claim(
        "4.6-d/near-32",
        "30, 32 or 33 rows per update: the test accuracy is the same to within half a point.",
        equivalent("test_accuracy", conditions=("B = 32", "B = 30", "B = 33"), bad=FULL, table="accuracy"),
        expected=HOLDS,
        ask="Would you lose accuracy by choosing 33 rows instead of 32?",
        why="The gradient's noise changes with the batch size as 1/√B: from 32 to 33 that is one and a half per cent.",
        beware="One seed's two runs still differ by a point: that is the luck of the order, not the size of the batch. "
        "The full batch is the control: that it is told apart shows only that several points would be seen.",
        correction="32, 64, 128, … are powers of two (2의 거듭제곱), not multiples of two (2의 배수). Training asks "
        "for neither: they are a habit from hardware.",
        reference="Raschka (2022), No, we don't have to choose batch sizes as powers of 2",
    ),
    Claim(
        "4.6-d/near-64",
        "60, 64 or 65 rows per update: the test accuracy is the same to within half a point.",
        equivalent("test_accuracy", conditions=("B = 64", "B = 60", "B = 65"), bad=FULL, table="accuracy"),
        expected=HOLDS,
        ask="And 65 instead of 64?",
        why="The number of updates per epoch hardly changes either: 16 with 64 or 65 rows, 18 with 60.",
        beware="64 divides 1024 and 65 does not: its last batch is smaller, and it does no harm here.",
    ),
    Claim(
        "4.6-d/full-batch",
        "With at most 2000 samples the full batch reaches a higher test accuracy than batches of 32, at equal epochs "
        "and the same rate.",
        paired("test_accuracy", higher=FULL, than="B = 32", table="accuracy"),
        expected=FAILS,
        ask="Digits has 1797 samples. By the rule of thumb, is the full batch the better choice?",
        why="Equal epochs give the full batch one update for every 32 of the small batches.",
        beware="Few samples make the full batch affordable, not better. The rate is one that suits small batches; the "
        "section on budgets tunes it for each size. These runs are also the control of the two claims above.",
        correction="That small sets want the full batch is Ng's rule of thumb about cost. A set that small can be "
        "trained either way, and at equal epochs small batches get further.",
        reference="Ng, Improving Deep Neural Networks: mini-batch gradient descent (lecture)",
    ),
    Claim(
        "4.6-d/full-batch-time",
        "The full batch reaches a higher test accuracy than batches of 32 in the same seconds of plain fit, at the "
        "same rate.",
        paired("in_time_accuracy", higher=FULL, than="B = 32", table="in_time"),
        expected=REVERSED,
        ask="Its epochs are quicker, so it gets more of them. Is that enough to catch up?",
        why="Its epoch is a few times quicker, but holds 32 times fewer updates.",
        beware="This depends on the computer: the faster it is at large batches, the more epochs the full batch gets.",
    ),
)
