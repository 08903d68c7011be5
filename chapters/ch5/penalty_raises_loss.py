"""5.5 A stronger penalty must raise the loss (정칙화 강도와 손실)

At fixed weights the total loss is the data's loss plus λ times a sum that λ does not touch. So it is a straight line in
λ, whose slope is Σw² for L2 and Σ|w| for L1 and which meets λ = 0 at the data's loss. A line that is flat, bent or
falling means that the penalty does not reach the loss, or reaches it otherwise than was meant. Weight decay in the
optimizer is no such term: it shrinks the weights, and no loss shows it.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, Claim, Run, exact
from textbook.models import mlp
from textbook.seeding import word

ENTRIES = ("5.5-c",)
DATA = "digits"


def measure(run: Run, *, l2: float = 1e-3, l1: float = 1e-4, rows: int = 200) -> dict[str, pd.DataFrame]:
    """The total loss of fresh networks at 0 to 4 times their strength λ, with L2 and with L1.

    Args:
        l2, l1: λ, above 0.
        rows: of the training part, on which the loss is taken.
    """
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    from textbook.checks import check_penalty_raises_loss

    splits, lines, slopes = run.splits(), [], []
    arms = {"L2": {"l2": l2}, "L1": {"l1": l1}}
    for seed in run.seeds[:4]:  # an identity: more seeds would only repeat it
        train = splits(seed).train
        x, y, classes = train.x[:rows], train.y[:rows], int(train.y.max()) + 1
        for name, strength in arms.items():
            keras.utils.set_random_seed(word(seed, "weights"))
            model = mlp(x.shape[1:], classes, **strength)
            model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
            found = check_penalty_raises_loss(model, x, y)
            kernels = [np.asarray(w, dtype=float) for w in model.get_weights() if w.ndim == 2]
            by_hand = sum((w**2).sum() if name == "L2" else np.abs(w).sum() for w in kernels)
            (one,) = strength.values()
            lines.append(found.table.assign(penalised=name, seed=seed, strength=found.table.multiple * one))
            slopes.append((name, seed, found.slope / one, by_hand))
    table = pd.concat(lines, ignore_index=True)
    rises = table.groupby(["penalised", "seed"]).total.diff()
    data = table.groupby(["penalised", "seed"]).total.transform("first")
    return {
        "lines": table.assign(rises=rises.isna() | (rises > 0), at_zero=data),
        "slopes": pd.DataFrame(slopes, columns=["penalised", "seed", "slope", "sum_of_weights"]),
    }


def draw(tables: dict[str, pd.DataFrame]):
    """Total loss and data loss by the strength of an L2 and of an L1 penalty, a line for each seed."""
    lines, slopes = tables["lines"], tables["slopes"]
    fig, axes = plots.figure(1, 2, sharey=True)
    for number, (ax, (name, rows)) in enumerate(zip(axes, lines.groupby("penalised", sort=False), strict=True)):
        look = plots.look(number)
        for _, own in rows.groupby("seed"):
            total = {"color": look["color"], "linewidth": 1.4, "linestyle": "-", "marker": look["marker"]}
            ax.plot(own.strength, own.total, markersize=4, **total)
            ax.plot(own.strength, own.data_loss, color=plots.GREY, linewidth=1, marker="", linestyle="--")
        slope = slopes[slopes.penalised == name].slope.mean()
        sums = "Σw²" if name == "L2" else "Σ|w|"
        plots.note(ax, f"data + λ{sums}, slope {slope:.0f} on average", at="upper left")
        plots.note(ax, "dashed: data alone", at="lower left")
        ends = sorted(rows.strength.unique())[::2]
        ax.set_xticks(ends, [plots.plain(end) for end in ends])
        ax.set(xlabel=f"strength λ of {name}", title=name)
    axes[0].set_ylabel("loss at fixed weights (nats)")
    axes[0].set_ylim(lines.data_loss.min() - 0.2, lines.total.max() + 0.15)
    plots.caption(
        fig,
        "Digits, fresh MLP 64-64-10, kernels penalised; a line a seed, nothing trained. " + plots.seeds_text(lines),
    )
    return fig


CLAIMS = (
    Claim(
        "5.5-c/slope",
        "At fixed weights the loss rises with λ by Σw² for L2, and by Σ|w| for L1.",
        exact(measured="slope", expected="sum_of_weights", tolerance=1e-4, relative=True, table="slopes"),
        expected=EXACT,
        ask="The weights stay as they are and λ doubles. By how much does the loss rise?",
        why="The penalty is λ times a sum that does not contain λ; the data's loss does not know λ.",
        beware="Not ½Σw²: Keras's L2 has no half in it, so its gradient is 2λw.",
    ),
    Claim(
        "5.5-c/rises",
        "Each larger λ gives a larger loss.",
        exact(measured="rises", expected=True, table="lines"),
        expected=EXACT,
        ask="Could a stronger penalty ever lower the loss, if nothing is trained in between?",
        why="A sum of squares or of sizes is above 0 unless all weights are 0.",
        beware="After training it is another matter: each λ then has weights of its own. And a decay in the optimizer, "
        "as in AdamW, is in no loss at all.",
    ),
    Claim(
        "5.5-c/data",
        "The data's loss stays the same at every λ.",
        exact(measured="data_loss", expected="at_zero", tolerance=1e-4, table="lines"),
        expected=EXACT,
        ask="Which part of the loss does λ leave alone?",
        why="Outputs depend on weights and inputs, and neither has changed.",
        beware="Keras's loss and val_loss both contain the penalty: subtract it before you compare with ln C.",
    ),
)
