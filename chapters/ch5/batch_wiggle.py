"""5.6 The loss wiggles from batch to batch (배치마다 흔들리는 손실)

Plotted batch by batch, the training loss wiggles, and the text advises a larger batch. Each batch is a sample: the mean
of B losses has a standard deviation of σ/√B, so sixteen times the batch calms the curve by a factor of four. That is a
statement about the reading more than about the training. What Keras hands to a callback after each batch, and prints in
its progress bar, is another thing still: the mean over the epoch so far, which hardly wiggles whatever the batch. The
sections on oscillation ask about the validation loss from epoch to epoch; here it is the training loss within an
epoch, of networks that start from the same weights.
"""

import functools

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import HOLDS, Claim, Run, paired, slope
from textbook.models import mlp
from textbook.replicas import Condition

ENTRIES = ("5.6-c",)
DATA = "any"


def measure(
    run: Run,
    *,
    learning_rate: float = 0.01,
    batch_sizes: tuple[int, ...] = (4, 16, 64, 256),
    warm_up: int = 3,
    passes: int = 4,
) -> dict[str, pd.DataFrame]:
    """Train a network for each seed a little, then go on from there with every batch size, and keep each batch's loss.

    The common start keeps the batch sizes comparable: from random weights, small batches would be further down after
    the same rows. Several passes, because one has only four batches of 256.

    Args:
        learning_rate: of plain SGD in the passes that are looked at.
        warm_up: epochs at rate 0.1 with momentum 0.9 beforehand.
        passes: epochs that are looked at.
    """
    from textbook.replicas import ReplicaTrainer  # here, because a run that finds its tables loads no TensorFlow

    train = functools.partial(ReplicaTrainer, mlp, run.splits("digits"), seeds=run.seeds)
    warm = train(conditions={"warm": Condition(learning_rate=0.1, momentum=0.9)}, epochs=warm_up).run()
    weights = {seed: warm.trained("warm", seed).get_weights() for seed in run.seeds}
    rows = len(run.splits("digits")(run.seeds[0]).train)
    # a single batch an epoch has no spread within it
    sizes = {f"B = {size}": size for size in batch_sizes if size < rows}
    if len(sizes) < 2:
        raise ValueError(f"expected batch sizes below the {rows} training rows, got {batch_sizes}; mend by smaller")
    conditions = {
        name: Condition(learning_rate=learning_rate, batch_size=size, initial_weights=weights)
        for name, size in sizes.items()
    }
    result = train(conditions=conditions, epochs=passes, trace=True).run()
    first = result.table[result.table.epoch == 1].set_index(["condition", "seed"]).updates
    batches = result.trace[["condition", "seed", "update", "loss"]]
    per_epoch = first.loc[list(zip(batches.condition, batches.seed, strict=True))].to_numpy()
    batches = batches.assign(
        batch_size=batches.condition.map(sizes), epoch=(batches["update"].to_numpy() - 1) // per_epoch
    )
    runs = batches.groupby(["batch_size", "seed", "epoch"]).loss
    batches["running_mean"] = runs.cumsum() / (runs.cumcount() + 1)
    one = batches[batches.seed == run.seeds[0]]
    return {"batches": one.assign(learning_rate=learning_rate), "spread": _spread(batches)}


def _spread(batches: pd.DataFrame) -> pd.DataFrame:
    """Standard deviation within an epoch, pooled over the epochs: of the batches' losses and of the running means.

    Σ over epochs of the squared distances from the epoch's mean, over the number of batches less one an epoch.
    """
    rows = []
    for (size, seed), run in batches.groupby(["batch_size", "seed"]):
        epochs = run.groupby("epoch")
        free = len(run) - epochs.ngroups
        row = {"batch_size": size, "seed": seed, "smallest": size == batches.batch_size.min()}
        for column, name in (("loss", "deviation"), ("running_mean", "shown")):
            distances = run[column] - epochs[column].transform("mean")
            row[name] = float(np.sqrt((distances**2).sum() / free))
        rows.append(row)
    table = pd.DataFrame(rows)
    return table.melt(["batch_size", "seed", "smallest"], var_name="of", value_name="deviation_of_loss")


def draw(tables: dict[str, pd.DataFrame]):
    """Left, the losses of one epoch, batch by batch, for several batch sizes; right, their standard deviation by batch
    size; with both, the running mean that Keras shows.
    """
    batches, spread = tables["batches"], tables["spread"]
    sizes = sorted(batches.batch_size.unique())
    fig, axes = plots.figure(1, 2, width_ratios=[1.3, 1])
    left, right = axes
    looks = plots.looks(sizes)
    first = batches[batches.epoch == 0]
    drawn = first if len(sizes) < 3 else first[first.batch_size.isin(sizes[:-1])]
    for size, rows in drawn.groupby("batch_size"):
        seen = np.arange(1, len(rows) + 1) / len(rows)
        left.plot(seen, rows.loss, color=looks[size]["color"], lw=0.8 if size == sizes[0] else 1.6, linestyle="-",
                  marker="", alpha=0.75 if size == sizes[0] else 1, label=f"B = {size}")  # fmt: skip
    smallest = first[first.batch_size == sizes[0]]
    left.plot(np.arange(1, len(smallest) + 1) / len(smallest), smallest.running_mean, color="#222222", lw=1.8,
              linestyle="--", marker="", label=f"B = {sizes[0]}, as Keras shows it")  # fmt: skip
    left.set(xlabel="share of the epoch", ylabel="loss (nats)", title="each batch's own loss")
    left.set_ylim(0, 1.45 * smallest.loss.max())
    left.legend(loc="upper left", ncols=2, fontsize=9.5, handlelength=1.5)
    names = {"deviation": "each batch's own", "shown": "as Keras shows it"}
    named = spread.assign(of=spread.of.map(names))
    two = {names["deviation"]: plots.look(0), names["shown"]: {**plots.look(3), "color": "#222222"}}
    plots.band(right, named, x="batch_size", y="deviation_of_loss", hue="of", log=True, names="none", looks=two)
    own = spread[spread.of == "deviation"]
    middle = np.exp(np.log(own.deviation_of_loss).mean() + 0.5 * np.log(own.batch_size).mean())
    right.plot(sizes, middle / np.sqrt(sizes), color=plots.GREY, linestyle=":", lw=1.6, marker="", label="∝ 1/√B")
    plots.log_axis(right, "xy")
    right.set(xlabel="batch size (rows)", ylabel="sd within an epoch (nats)", title="how much it wiggles")
    right.set_ylim(None, 5 * own.deviation_of_loss.max())
    right.legend(loc="upper right", fontsize=9.5)
    plots.caption(
        fig,
        f"Digits, MLP 64-64-10, plain SGD, rate {batches.learning_rate.iloc[0]:g}, all sizes from the same weights. "
        f"Left: seed {batches.seed.iloc[0]}. Right: geometric mean, 95 % band; {plots.seeds_text(spread)}",
    )
    return fig


CLAIMS = (
    Claim(
        "5.6-c",
        "A larger batch calms the loss from batch to batch: its standard deviation falls as 1/√B.",
        slope("deviation_of_loss", over="batch_size", theory=-0.5, table="spread", where={"of": "deviation"}),
        expected=HOLDS,
        ask="Batches of 256 instead of 4, sixty-four times as many rows: how much calmer is the curve?",
        why="The loss of a batch is the mean of B losses, and the mean of B independent numbers varies by σ/√B.",
        beware="A calm curve is not a better training: the wiggle is in the reading, and an average over the last "
        "batches calms it as well without changing a single update. The slope is a little flatter than −½ because in "
        "batches of 4 the network learns more from the same rows, which lowers its losses: with weights that stand "
        "still (--set learning_rate=0) it is −0.49.",
    ),
    Claim(
        "5.6-c/shown",
        "In batches of 4 the loss that Keras shows after each batch wiggles less than the batch's own loss.",
        paired(
            "deviation_of_loss", lower="shown", than="deviation", by="of", scale="log", where={"smallest": True},
            table="spread",
        ),
        expected=HOLDS,
        ask="The progress bar of fit shows a loss after every batch. Whose loss is it?",
        why="It is the mean over the epoch so far: after a hundred batches, one more moves it by a hundredth.",
        beware="Whoever draws the logs of a batch hook draws that mean, with a jump at each new epoch. "
        "textbook.callbacks.BatchLoss keeps each batch's own.",
    ),
)  # fmt: skip
