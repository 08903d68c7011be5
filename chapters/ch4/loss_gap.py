"""4.8 Why val_loss can lie below train_loss (훈련 손실 > 검증 손실)

A validation loss below the training loss looks wrong, since the network was fitted to the training rows. The two
numbers are not measured alike, and each difference can be measured by itself. The text names penalties, dropout and
chance, but not the running mean: the training loss is an average over an epoch in which the network was still getting
better. The terms add up to the gap exactly, and in Keras the penalty is not among them.
"""

import functools

import pandas as pd
from scipy.stats import t as student

from textbook import plots
from textbook.experiment import EXACT, HOLDS, Claim, Run, estimate, exact, share
from textbook.loss_gap import LAG, loss_gap, waterfall
from textbook.models import mlp
from textbook.replicas import Condition

ENTRIES = ("4.8-a",)
DATA = "any"


def measure(
    run: Run, *, epochs: int = 5, learning_rate: float = 0.1, dropout: float = 0.5, l2: float = 1e-3
) -> dict[str, pd.DataFrame]:
    """Train four networks for a few epochs, and take the gap between their two reported losses apart."""
    from textbook.replicas import ReplicaTrainer  # here, because a run that finds its tables cached loads no TensorFlow

    models = {
        "plain": mlp,
        "dropout": functools.partial(mlp, dropout=dropout),
        "L2 penalty": functools.partial(mlp, l2=l2),
        "batch norm": functools.partial(mlp, batch_norm=True),
    }
    splits = run.splits("digits")
    result = ReplicaTrainer(
        mlp,
        splits,
        conditions={
            name: Condition(model=model, learning_rate=learning_rate, momentum=0.9) for name, model in models.items()
        },
        seeds=run.seeds,
        epochs=run.epochs(epochs),
    ).run()
    last = result.table[result.table.epoch == result.table.epoch.max()]
    terms, gaps = [], []
    for row in last.itertuples():
        others = last[(last.condition == row.condition) & (last.seed != row.seed)]
        split = splits(row.seed)
        table = loss_gap(
            result.trained(row.condition, row.seed),
            split.train,
            validation=split.validation,
            reported_loss=row.loss,
            reported_val_loss=row.val_loss,
            other_validation_losses=tuple(others.val_clean_loss),
            # only batch norm sees who else is in the batch; otherwise large ones are the same and quicker
            batch_size=32 if row.condition == "batch norm" else len(split.train),
            repeats=2,
        )
        table = table.assign(condition=row.condition, seed=row.seed)
        terms.append(table[["condition", "seed", "cause", "nats", "before", "after"]])
        gap = row.loss - row.val_loss
        gaps.append((row.condition, row.seed, row.epoch, gap, table.nats.sum(), gap > 0))
    names = ["condition", "seed", "epoch", "gap", "sum_of_terms", "validation_below"]
    terms = pd.concat(terms)
    return {"terms": terms, "gaps": pd.DataFrame(gaps, columns=names)}


def draw(tables: dict[str, pd.DataFrame]):
    """Above, a waterfall of bars from the reported training loss to the validation loss of a network with dropout,
    cause by cause; below, every cause in four networks.
    """
    terms = tables["terms"]
    fig, (above, below) = plots.figure(2, 1, height_ratios=[1.2, 1])
    dropout = terms[terms.condition == "dropout"]
    waterfall(above, dropout.groupby("cause", sort=False, as_index=False)[["nats", "before", "after"]].mean())
    above.set_ylim(0, 1.14 * dropout.before.groupby(dropout.cause).mean().max())
    above.tick_params(axis="x", labelsize=9)
    above.set_title("a network with dropout")
    causes = list(terms.cause.unique())
    looks = plots.looks(terms.condition.unique())
    for i, (name, mine) in enumerate(terms.groupby("condition", sort=False)):
        spread = mine.groupby("cause").nats
        half = student.ppf(0.975, mine.seed.nunique() - 1) * spread.sem()[causes]
        at = [place + 0.17 * (i - 1.5) for place in range(len(causes))]
        look = {**looks[name], "linestyle": ""}
        below.errorbar(spread.mean()[causes], at, xerr=half, **look, label=name)
    below.axvline(0, color="#222222", linewidth=1)
    below.set_yticks(range(len(causes)), causes)
    below.set(ylim=(len(causes) - 0.5, -0.5), xlabel="adds to training − validation loss (nats)")
    below.legend(loc="lower right")
    below.set_title("each cause in four networks")
    plots.caption(
        fig,
        f"Digits, MLP 64-64-10, SGD with momentum 0.9, losses of epoch {tables['gaps'].epoch.max()}; bars: 95 %. "
        f"{plots.seeds_text(terms)}",
    )
    return fig


CLAIMS = (
    Claim(
        "4.8-a/sum",
        "Lag of the running average, training mode, penalty, generalisation gap and split luck add up to the reported "
        "training loss less the validation loss.",
        exact(measured="sum_of_terms", expected="gap", tolerance=1e-5, table="gaps"),
        expected=EXACT,
        ask="Name every way in which Keras measures the two losses differently. Is the list complete?",
        why="Each term changes one thing about the measurement, and the last one ends at the validation loss. What "
        "could fail is that the network, measured again, gives the validation loss that was reported.",
        beware="The terms are what each switch costs in this order; dropout and lag are measured on other weights when "
        "the order changes. An easier, duplicated or leaking validation part hides in the last two terms.",
        correction="Penalties, dropout and chance are not all: the training loss is a mean over the epoch, the "
        "validation loss is measured after it. Augmentation, and validation rows that are easier or duplicates of "
        "training rows, are further causes.",
        reference="Keras FAQ, 'Why is my training loss much higher than my testing loss?'",
    ),
    Claim(
        "4.8-a/happens",
        "With dropout, the validation loss after the first epochs is below the training loss.",
        share("validation_below", table="gaps", where={"condition": "dropout"}),
        expected=HOLDS,
        ask="A sound network, a sound split: can val_loss be below train_loss?",
        why="The training loss is measured with units missing and half an epoch earlier, which outweighs the little "
        "that the network overfits so far.",
        beware="It says nothing about whether the network overfits: compare both losses after the epoch, dropout off.",
    ),
    Claim(
        "4.8-a/lag",
        "Without dropout, penalty or batch norm, the lag of the running average alone lifts the training loss.",
        estimate("nats", above=0, unit="nats", delta=0.01, table="terms", where={"condition": "plain", "cause": LAG}),
        expected=HOLDS,
        ask="Take away dropout and penalties. Do the two ways of measuring still differ?",
        why="Most of the epoch's batches met weights that were worse than those at its end.",
        beware="The lag fades as the loss flattens: late in training it explains nothing.",
    ),
)
