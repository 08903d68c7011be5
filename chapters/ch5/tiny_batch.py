"""5.5 Learn twenty rows by heart (작은 데이터로 과적합시키기)

A sound network learns twenty rows by heart within a hundred updates, and one that cannot has a bug. The text says so
without a condition, but with penalties and dropout on, a sound network cannot either: switch them off first. And the
test is one-sided. Random labels are learnt by heart as well, only a little later, so passing it proves little about
data, regularisation or evaluation.
"""

import dataclasses
import functools

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import FAILS, HOLDS, Claim, Run, share
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas

ENTRIES = ("5.5-d",)
DATA = "digits"
SOUND, REGULARISED = "no bug", "no bug, but dropout and L2"
BLATANT = ("softmax applied twice", "learning rate 0", "inputs zeroed")
ENOUGH = 1e-2  # nats


def measure(
    run: Run, *, rows: int = 20, updates: int = 200, rate: float = 0.1, dropout: float = 0.5, l2: float = 1e-2
) -> dict[str, pd.DataFrame]:
    """Train on a few digits, all of them in every update, with one bug at a time and without.

    Args:
        rows: to learn by heart; validation and test parts play no role.
        updates: at most (a quarter with `--quick`).
        rate: of SGD with momentum 0.9.
        dropout, l2: of the sound network that is trained with its regularisation on.
    """
    from textbook.checks.bug_zoo import training  # here, because it loads Keras

    splits = run.splits(sizes=(rows, 16, 16))
    # a sum over the rows instead of their mean is, for SGD, a learning rate that many times as large
    settings = {"learning_rate": rate, "momentum": 0.9, "batch_size": "all"}
    conditions = {
        SOUND: Condition(**settings),
        REGULARISED: Condition(model=functools.partial(mlp, dropout=dropout, l2=l2), **settings),
        "random labels": Condition(splits=run.splits(sizes=(rows, 16, 16), label_noise=1.0), **settings),
        "frozen layer": Condition(model=_with(training.first_layer_frozen), **settings),
        "summed loss": Condition(**settings | {"learning_rate": rate * rows}),
        "softmax applied twice": Condition(model=_with(training.ending_in_probabilities), **settings),
        "inputs zeroed": Condition(splits=_zeroed(splits), **settings),
        "learning rate 0": Condition(**settings | {"learning_rate": 0.0}),
    }
    curves = train_replicas(mlp, splits, conditions=conditions, seeds=run.seeds, epochs=run.epochs(updates))
    # one update an epoch: what Keras reports is of the weights before it, with dropout on and penalties in
    curves = curves[["condition", "seed", "updates", "loss", "accuracy"]].assign(updates=curves.updates - 1)
    by_heart = (curves.loss < ENOUGH) & (curves.accuracy == 1)
    runs = curves.assign(learnt=by_heart).groupby(["condition", "seed"], sort=False)
    judged = runs.learnt.any().reset_index()
    first = curves[by_heart].groupby(["condition", "seed"]).updates.min().rename("first").reset_index()
    judged = judged.merge(first, how="left", on=["condition", "seed"])
    blatant = judged[judged.condition.isin(BLATANT)].groupby("seed", as_index=False).learnt.any()
    return {
        "curves": curves,
        "judged": judged.assign(rows=rows),
        "blatant": blatant.assign(all_caught=~blatant.learnt).drop(columns="learnt"),
    }


def _with(change):
    """A builder of the book's network with a change made to it."""
    return lambda input_shape, outputs: change(mlp(input_shape, outputs))


def _zeroed(splits):
    """The same splits of data whose inputs are all 0; one array for all seeds."""
    nothing = []

    def split(seed: int):
        found = splits(seed)
        nothing.append(np.zeros_like(found.x))
        return dataclasses.replace(found, x=nothing[0])

    return split


def draw(tables: dict[str, pd.DataFrame]):
    """Left, the loss of the rows by update, for a sound network and for each bug; right, in how many seeds they were
    learnt by heart.
    """
    curves, judged = tables["curves"], tables["judged"]
    names = list(judged.condition.unique())
    fig, (left, right) = plots.figure(1, 2, size=(7.8, 5.2), width_ratios=[1.5, 1])
    looks = {name: {**plots.look(number), "marker": ""} for number, name in enumerate(names)}
    looks[names[-1]] |= {"color": plots.GREY, "linestyle": (0, (1, 3))}  # one more than there are colours
    # the geometric mean needs losses above 0 and finite
    shown = curves.assign(loss=curves.loss.clip(lower=1e-5, upper=1e4))
    plots.band(left, shown, x="updates", y="loss", looks=looks, names="none", log=True)
    left.axhline(ENOUGH, color=plots.GREY, linestyle="--", linewidth=1.2)
    left.annotate("enough", (shown.updates.max(), ENOUGH), (0, 3), textcoords="offset points", ha="right")
    plots.log_axis(left, "y")
    left.set(xlabel="updates", ylabel="reported loss of the rows (nats)")
    learnt = judged.groupby("condition", sort=False).learnt.mean().mul(100)
    for row, name in enumerate(names):
        right.barh(row, learnt[name], color=looks[name]["color"], height=0.55, alpha=0.85)
        first = judged[judged.condition == name]["first"].median()
        text = f"after {first:.0f}" if np.isfinite(first) else "never"
        right.annotate(text, (learnt[name], row), (4, 0), textcoords="offset points", va="center", fontsize=10)
    right.set_yticks(range(len(names)), [name.replace(", but ", ",\nbut ") for name in names], fontsize=10)
    right.set(ylim=(len(names) - 0.5, -0.5), xlim=(0, 150), xlabel="seeds that learnt them (%)", xticks=[0, 50, 100])
    right.grid(visible=False, axis="y")
    fig.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=3, fontsize=9.5, handlelength=2.2)
    plots.caption(
        fig,
        f"{judged.rows.iloc[0]} digits, MLP 64-64-10, SGD with momentum 0.9, all rows in every update; geometric mean "
        f"and 95 % band; summed loss: shown as a mean; after: median updates. {plots.seeds_text(judged)}",
    )
    return fig


def _learnt(condition: str, **settings) -> share:
    return share("learnt", table="judged", where={"condition": condition}, **settings)


CLAIMS = (
    Claim(
        "5.5-d/sound",
        "A sound network learns twenty digits by heart within 200 updates: every one right, a loss below 0.01.",
        _learnt(SOUND, threshold=0.8),
        expected=HOLDS,
        ask="4,810 weights, twenty digits, a learning rate of 0.1: how many updates until the loss is below 0.01?",
        why="There are far more weights than rows, and nothing that holds the network back.",
        beware="Two hundred updates are many here and few for a deep network, or for a rate that is too small.",
    ),
    Claim(
        "5.5-d/caught",
        "A softmax that is applied twice, a learning rate of 0 and zeroed inputs all keep it from that.",
        share("all_caught", table="blatant", threshold=0.8),
        expected=HOLDS,
        ask="With probabilities in the place of logits, how low can the cross-entropy fall?",
        why="Probabilities lie in 0…1, so as logits they cannot push the loss below ln(1 + 9/e) = 1.46. A rate of 0 "
        "moves nothing, and equal inputs get equal outputs.",
        beware="That it failed says that there is a bug, not which. And Keras on TensorFlow undoes the mistake behind "
        "activation='softmax', with a warning; here the softmax is a layer of its own.",
    ),
    Claim(
        "5.5-d/summed",
        "So does a loss that is summed over the rows instead of averaged.",
        _learnt("summed loss", above=False),
        expected=HOLDS,
        ask="The sum of twenty rows in the place of their mean: what does that do to a learning rate of 0.1?",
        why="The gradient is twenty times as large, and so is each step: a rate of 2 is beyond what is stable.",
        beware="Adam divides the factor out again and learns all the same; the first loss, 46 and not 2.3, shows it.",
    ),
    Claim(
        "5.5-d/random-labels",
        "A network that learns twenty rows by heart has its labels right.",
        _learnt("random labels", above=False),
        expected=FAILS,
        ask="Every label is replaced by another class. Will the test notice?",
        why="Learning by heart needs no sense in the labels, only enough weights.",
        beware="New digits show it: learnt by heart, such labels say nothing about them.",
        correction="The test is one-sided: failing means a bug, passing does not mean that there is none. It cannot "
        "see wrong labels, wrong regularisation or a wrong evaluation.",
        reference="Zhang et al. (2017), Understanding deep learning requires rethinking generalization, arXiv "
        "1611.03530",
    ),
    Claim(
        "5.5-d/frozen",
        "The test does not notice a first layer that is frozen: the rows are learnt by heart within 200 updates.",
        _learnt("frozen layer"),
        expected=HOLDS,
        ask="The hidden layer keeps its random weights. Are they enough for twenty rows?",
        why="Sixty-four random features separate twenty rows, and soon every row is right. But the output layer alone "
        "lowers the loss slowly: after 200 updates it is still above the bound.",
        beware="With more updates it gets below. Do not count on the bound: look at which weights moved; "
        "`overfit_tiny_batch` names those that did not.",
    ),
    Claim(
        "5.5-d/regularised",
        "With dropout and an L2 penalty on, a sound network gets there as well.",
        _learnt(REGULARISED),
        expected=FAILS,
        ask="Nothing is wrong, dropout is ½ and L2 0.01. Does the reported loss fall below 0.01?",
        why="The penalty alone is larger than that, and dropout hides half of the hidden units in every update.",
        beware="A test that fails for this reason sends you looking for a bug that is not there.",
        correction="Switch penalties, dropout and augmentation off before the test; with them on, a loss of 0 is out "
        "of reach of a sound network too.",
        reference="cs231n: Neural Networks Part 3, sanity checks (overfit a tiny subset, with regularisation at zero)",
    ),
)
