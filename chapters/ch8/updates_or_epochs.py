"""8.1 By epochs or by updates (epoch와 이터레이션)

An epoch has as many updates as batches, and the text says that more of them give more chances to learn, at the risk
of noise. Drawn against epochs, curves of different batch sizes lie far apart. Drawn against updates, those of large
batches lie on one another: a batch that already has nearly the true gradient gains nothing from more rows. Where the
curves of small batches leave the others, noise has begun to cost.
"""

import pandas as pd

from textbook import plots
from textbook.experiment import HOLDS, Claim, Run, equivalent, paired, trend
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas

ENTRIES = ("8.1-h",)
DATA = "any"
UPDATES, EPOCHS = "equal updates", "equal epochs"
PLACES = ("smallest", "small", "large", "larger", "largest")


def measure(
    run: Run,
    *,
    learning_rate: float = 0.1,
    epochs: int = 16,
    batch_sizes: tuple[int, ...] = (16, 64, 256, 512, 1024),
) -> dict[str, pd.DataFrame]:
    """Plain SGD with five batch sizes for equal epochs; the large ones go on until they have as many updates.

    Args:
        learning_rate: the same for all.
        epochs: that all train; the budget of updates is one epoch of the smallest batch.
        batch_sizes: five, growing; one beyond the training rows is the full batch.
    """
    splits = run.splits("digits")
    rows = len(splits(run.seeds[0]).train)
    sizes = sorted({min(size, rows) for size in batch_sizes})
    if len(sizes) != len(PLACES):
        raise ValueError(f"expected five different batch sizes up to {rows} rows, got {sizes}; mend by smaller ones")
    all_epochs, budget = run.epochs(epochs), -(-rows // sizes[0])
    each = {size: -(-rows // size) for size in sizes}  # updates of an epoch
    conditions = {
        f"B = {size}": Condition(
            learning_rate=learning_rate, batch_size=size, epochs=max(all_epochs, -(-budget // each[size]))
        )
        for size in sizes
    }
    curves = train_replicas(mlp, splits, conditions=conditions, seeds=run.seeds, epochs=all_epochs)
    curves["batch_size"] = curves.condition.str.removeprefix("B = ").astype(int)
    curves["place"] = curves.batch_size.map(dict(zip(sizes, PLACES, strict=True)))
    kept = ["condition", "batch_size", "place", "seed", "epoch", "updates", "val_loss", "diverged", "chance_loss"]
    curves = curves[kept].assign(learning_rate=learning_rate, common=all_epochs)
    by_updates = curves[curves.epoch == -(-budget // curves.batch_size.map(each))].assign(budget=UPDATES)
    by_epochs = curves[curves.epoch == all_epochs].assign(budget=EPOCHS)
    return {"curves": curves, "equal": pd.concat([by_updates, by_epochs]).drop(columns="epoch")}


def draw(tables: dict[str, pd.DataFrame]):
    """Validation loss for each batch size: the same curves against epochs (left) and against updates (right)."""
    curves, equal = tables["curves"], tables["equal"]
    fig, (left, right) = plots.figure(1, 2, size=(7.6, 4.6), sharey=True)
    common = curves.common.iloc[0]
    plots.band(left, curves[curves.epoch <= common], x="epoch", y="val_loss", log=True, names="none")
    plots.band(right, curves, x="updates", y="val_loss", log=True, names="legend")
    budget = int(equal[equal.budget == UPDATES].updates.min())
    with plots.style():
        for ax in (left, right):
            for axis in "xy":
                plots.log_axis(ax, axis)
        right.axvline(budget, color=plots.GREY, linestyle=":", linewidth=1.2)
        left.set(xlabel="epochs completed", ylabel="validation loss (nats)", title="against epochs")
        right.set(xlabel="updates", title="against updates")
    plots.caption(
        fig,
        f"Digits, MLP with 64 hidden units, plain SGD at rate {curves.learning_rate.iloc[0]:g}; judged at epoch "
        f"{common} and at {budget} updates (dotted). Geometric means, 95 % bands. {plots.seeds_text(curves)}",
    )
    return fig


CLAIMS = (
    Claim(
        "8.1-h/chances",
        "After equally many epochs the loss is the lower, the smaller the batch, which had more updates.",
        trend("val_loss", over="batch_size", direction="rises", where={"budget": EPOCHS}, table="equal"),
        expected=HOLDS,
        ask="All have read the rows equally often. In which order do the losses stand?",
        why="At one rate an update moves the weights by about as much, however many rows it averages, and a small "
        "batch makes more of them.",
        beware="At one rate for all. A large batch can bear a larger rate, and makes up for a part of it.",
    ),
    Claim(
        "8.1-h/collapse",
        "After equally many updates the three largest batch sizes have the same loss.",
        equivalent("val_loss", conditions=tuple((UPDATES, place) for place in PLACES[2:]), bad=(EPOCHS, "largest"),
                   by=("budget", "place"), table="equal"),
        expected=HOLDS,
        ask="The same curves against updates: do those of large batches still differ?",
        why="Their gradients are nearly the true one, so they walk nearly one path, and more rows buy nothing.",
        beware="Nearly the same path at very different cost: the larger the batch, the more rows an update reads.",
    ),
    Claim(
        "8.1-h/noise",
        "After equally many updates the smallest batch has a higher loss than the largest.",
        paired("val_loss", lower=(UPDATES, "largest"), than=(UPDATES, "smallest"), by=("budget", "place"),
               table="equal"),
        expected=HOLDS,
        ask="And the smallest batch: has its noise cost anything by then?",
        why="The noise of a step costs curvature × rate² / 2 × variance, and the variance is the larger, the smaller "
        "the batch.",
        beware="On another rate another price: it falls with the rate's square.",
    ),
)  # fmt: skip
