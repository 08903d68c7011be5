"""8.4 Does regularising hinder training? (정칙화와 학습 방해)

The text says that most methods work by getting in the way of training. At one learning rate for all, that can be read
off: how much higher the training loss ends, measured alike for all (nothing dropped, nothing added), and how many more
epochs it takes to a low training loss. Set against what happens to the test loss, hindering and helping turn out to be
two things: a method can do the one without the other.
"""

import pandas as pd

from chapters.shared.regularisers import AUGMENTATION, BATCH_NORM, DROPOUT, L2, PLAIN, regularisers
from textbook import plots
from textbook.experiment import HOLDS, REVERSED, Claim, Run, paired
from textbook.statistics import mean_interval

ENTRIES = ("8.4-b",)
DATA = "digits"


def measure(run: Run) -> dict[str, pd.DataFrame]:
    """All methods at one learning rate: the losses at the end, and the epochs to a low training loss."""
    tables = run.shared(regularisers)
    runs = tables["runs"]
    return {"runs": runs[runs.same_rate].drop(columns=["chosen", "same_rate"]), "chosen": tables["chosen"]}


def draw(tables: dict[str, pd.DataFrame]):
    """Change of the test loss against change of the training loss; epochs to a low training loss by method."""
    runs = tables["runs"]
    fig, (left, right) = plots.figure(1, 2, size=(7.6, 4.8))
    wide = {column: runs.pivot(index="seed", columns="method", values=column) for column in ("train_loss", "test_loss")}
    changes = {column: table.drop(columns=PLAIN).sub(table[PLAIN], axis=0) for column, table in wide.items()}
    looks = plots.looks(sorted(runs.method.unique()))
    with plots.style():
        for method in changes["train_loss"]:
            (x, x_half), (y, y_half) = (_middle(*mean_interval(table[method])) for table in changes.values())
            look = {"color": looks[method]["color"], "marker": looks[method]["marker"], "markersize": 7}
            left.errorbar(x, y, xerr=x_half, yerr=y_half, **look, linestyle="", elinewidth=0.9)
        for line in (left.axhline, left.axvline):
            line(0, color=plots.GREY, linewidth=1)
        left.set(xlabel="change of the training loss (nats)", ylabel="change of the test loss (nats)",
                 title="hindered, helped")  # fmt: skip
        plots.dots(right, runs.sort_values("method"), value="epochs_to_target", by="method", looks=looks)
        right.set(
            xlabel="epochs (of two passes)", ylabel="method", title=f"to a training loss of {runs.target.iloc[0]:g}"
        )
    first = runs.iloc[0]
    never = (runs.epochs_to_target > runs.last_epoch).groupby(runs.method).sum()
    late = ", ".join(f"{method} {count}" for method, count in never[never > 0].items()) or "none"
    plots.caption(
        fig,
        f"Symbols as on the right. Digits, N = {first.rows}, MLP with {first.hidden} hidden units, plain cross-entropy "
        "without dropout or penalties; strengths chosen on other seeds, one learning rate for all. Runs that never get "
        f"there count one epoch more than {first.last_epoch}: {late}. Mean and 95 % interval, {plots.seeds_text(runs)}",
    )
    return fig


def _middle(low: float, high: float) -> tuple[float, float]:
    """The middle of an interval, and half its width."""
    return (low + high) / 2, (high - low) / 2


def _hinders(word: str, method: str, sentence: str, **texts) -> Claim:
    # judged as the lower loss of the plain network
    test = paired("train_loss", lower=PLAIN, than=method, by="method", table="runs")
    return Claim(f"8.4-b/{word}", sentence, test, **texts)


CLAIMS = (
    _hinders(
        "l2",
        L2,
        "With an L2 penalty the training loss ends higher.",
        expected=HOLDS,
        ask="The penalty pulls at the weights. What does the loss on the training images say, the penalty left out?",
        why="The minimum of loss plus penalty is not the minimum of the loss.",
        beware="The reported loss would be higher in any case, since Keras adds the penalty to it.",
    ),
    _hinders(
        "dropout",
        DROPOUT,
        "With dropout the training loss, measured with nothing dropped, ends higher.",
        expected=HOLDS,
        ask="All units are back when the loss is measured. Is it still higher?",
        why="The weights were fitted to thinned networks, by gradients with more noise.",
        beware="After equally many updates. With more of them a good part of it is made up.",
    ),
    _hinders(
        "augmentation",
        AUGMENTATION,
        "With augmentation the loss on the original training images ends higher.",
        expected=HOLDS,
        ask="The network never sees the same image twice. How well does it know the originals?",
        why="It has to serve many versions of each image with the same weights.",
        beware="On the versions that it trains on, the loss is higher still.",
    ),
    Claim(
        "8.4-b/slower",
        "With dropout a low training loss takes more epochs.",
        paired("epochs_to_target", lower=PLAIN, than=DROPOUT, by="method", scale="log", table="runs"),
        expected=HOLDS,
        ask="How many more epochs does it take?",
        why="In each update half the units of a layer learn nothing, and the others learn for a thinned network.",
        beware="At the learning rate of the others; dropout often bears a larger one.",
    ),
    Claim(
        "8.4-b/batch-norm",
        "Batch norm hinders, too: a low training loss takes more epochs.",
        paired("epochs_to_target", lower=PLAIN, than=BATCH_NORM, by="method", scale="log", table="runs"),
        expected=REVERSED,
        ask="The text sets batch norm apart from the others. Is it quicker or slower here?",
        why="It keeps the layer's inputs at one scale, so that steps are of use everywhere; and its gradients carry "
        "the noise of small batches.",
        beware="One hidden layer and few updates, measured at inference, with moving averages of momentum 0.9; with "
        "Keras's 0.99 their lag alone would look like slowness.",
    ),
)
