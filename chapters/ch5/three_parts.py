"""5.6 Three parts of a data set (훈련·검증·테스트 데이터)

Training rows move the weights; validation rows only measure, so that something may be chosen by them; test rows judge
what was chosen, once. The text calls the test set data from real life, mostly without labels. That is another thing:
rows met in use have no labels, and so nothing can be judged by them; a test set is labelled, held out, and looked at
once. Nor is the validation part untouched by training: whoever keeps the best of many networks has fitted the choice
to its rows, and the winner's lead there overstates what it is worth.
"""

import functools

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, HOLDS, Claim, Run, estimate, exact
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.splits import TestVault
from textbook.statistics import best_of

ENTRIES = ("5.6-e",)
DATA = "any"
_MOST = 100
# little to validate on, and much to know the truth by
SIZES = (400, 100, 1297)


def measure(run: Run, *, networks: int = 16, epochs: int = 8) -> dict[str, pd.DataFrame]:
    """Count what each part changes, and keep the best of k networks by validation accuracy.

    Args:
        networks: trained per seed on one split, with weights and orders of their own; at most 100.
        epochs: of each.
    """
    if not 1 < networks <= _MOST:
        raise ValueError(f"expected 1 < networks ≤ {_MOST}, got {networks}; mend by networks=16")
    split = run.splits("digits", sizes=SIZES if run.chosen is None else None)
    runs = _train(run, split, networks, epochs)
    gains = pd.DataFrame(
        (seed, k, gain.apparent, gain.real, gain.optimism)
        for seed, mine in runs.groupby("seed")
        for k in range(1, networks + 1)
        for gain in [best_of(mine.val_accuracy, mine.test_accuracy, k)]
    ).set_axis(["seed", "k", "validation", "test", "optimism"], axis=1)
    return {
        "uses": _uses(split(run.seeds[0])),
        "gains": gains,
        "judged": gains[gains.k == networks],
        "rows": pd.DataFrame([[len(part) for part in _parts(split(run.seeds[0]))]], columns=_NAMES),
    }


_NAMES = ("training", "validation", "test")


def _parts(split):
    return split.train, split.validation, split.test


def _train(run, split, networks, epochs) -> pd.DataFrame:
    """Validation and test accuracy of each network; the hundreds of its number name the seed of its split."""
    curves = train_replicas(
        mlp,
        functools.cache(lambda number: split(number // _MOST)),
        conditions={"": Condition(learning_rate=0.1, momentum=0.9)},
        seeds=[seed * _MOST + number for seed in run.seeds for number in range(networks)],
        epochs=run.epochs(epochs),
    )
    last = curves[curves.epoch == curves.epoch.max()]
    scores = {name: last[name].mask(last.diverged, last.chance_accuracy) for name in ("val_accuracy", "test_accuracy")}
    return pd.DataFrame({"seed": last.seed // _MOST, **scores})


def _uses(split) -> pd.DataFrame:
    """What one pass over each part does to the weights, how many of its rows are labelled, and how often it is open."""
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    vault = TestVault(split)
    model = mlp(split.train.x.shape[1:], split.classes)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    table = []
    for name in _NAMES:
        part = vault.open("nothing: only what it changes is counted") if name == "test" else getattr(vault, _OF[name])
        before = [np.array(weight) for weight in model.get_weights()]
        if name == "training":
            model.fit(part.x, part.y, verbose=0)
        else:
            model.evaluate(part.x, part.y, verbose=0)
        moved = sum(not np.array_equal(old, new) for old, new in zip(before, model.get_weights(), strict=True))
        labelled = int(np.isin(part.y, np.arange(split.classes)).sum())
        table.append((name, len(part), labelled, moved, len(before) if name == "training" else 0))
    return pd.DataFrame(table, columns=["part", "rows", "labelled", "tensors_moved", "tensors_moved_by_definition"])


_OF = {"training": "train", "validation": "validation"}


def draw(tables: dict[str, pd.DataFrame]):
    """Above, boxes for the three parts with their uses, and one for data in use; below, what the best of k networks
    gains over the mean on validation and on test data.
    """
    fig, (above, below) = plots.figure(2, 1, size=(7, 6.6), height_ratios=[1, 2.2])
    _draw_parts(above, tables["uses"])
    gains = tables["gains"]
    curves = pd.concat(
        gains[["seed", "k"]].assign(part=name, points=100 * gains[name]) for name in ("validation", "test")
    )
    below.axhline(0, color="#222222", linewidth=1)
    plots.band(below, curves, x="k", y="points", hue="part")
    below.set(
        xlabel="networks trained, best kept by validation accuracy (k)",
        ylabel="accuracy over the mean network (points)",
        title="the winner's lead, on the rows that chose it and on others",
    )
    rows = tables["rows"].iloc[0]
    plots.caption(
        fig,
        f"Digits, {rows.training} training, {rows.validation} validation and {rows.test} test rows; MLP 64-64-10, SGD "
        f"with momentum 0.9; bands: 95 %, {plots.seeds_text(gains)}.",
    )
    return fig


def _draw_parts(ax, uses) -> None:
    does = {
        "training": "moves the\nweights",
        "validation": "measures,\nto choose by",
        "test": "judges once,\nlabelled as well",
        "in use": "no labels,\nno verdict",
    }
    fills = (*plots.COLOURS[:3], "white")
    for place, ((name, text), fill) in enumerate(zip(does.items(), fills, strict=True)):
        ax.barh(0, 0.94, left=place, height=1, color=fill, alpha=0.75, edgecolor="#444444", linewidth=1.2,
                linestyle="--" if name == "in use" else "-")  # fmt: skip
        ax.text(place + 0.47, 0.27, name, ha="center", va="center", fontsize=12, weight="bold")
        ax.text(place + 0.47, -0.18, text, ha="center", va="center", fontsize=10)
    ax.text(3.47, 0.62, "not a test set", ha="center", va="bottom", fontsize=10)
    moved = uses.set_index("part").tensors_moved
    for place, name in enumerate(_NAMES):
        text = f"{uses['rows'][place]} rows,\ntensors moved: {moved[name]}"
        ax.text(place + 0.47, -0.6, text, ha="center", va="top", fontsize=9.5)
    ax.set(xlim=(-0.05, 4), ylim=(-1.15, 0.95))
    ax.axis("off")


CLAIMS = (
    Claim(
        "5.6-e/updates",
        "Only training rows move the weights: a pass over the validation or the test part changes none of them.",
        exact(measured="tensors_moved", expected="tensors_moved_by_definition", table="uses"),
        expected=EXACT,
        ask="A network with two layers has four weight tensors. How many change in `fit`, and how many in `evaluate`?",
        why="`evaluate` takes no gradient; it only counts.",
        beware="Batch norm's moving averages are weights as well, and they too move in `fit` alone.",
    ),
    Claim(
        "5.6-e/labelled",
        "Every row of the test part has its label.",
        exact(measured="labelled", expected="rows", table="uses"),
        expected=EXACT,
        ask="Can an accuracy be computed on rows without labels?",
        why="A test score compares predictions with labels; rows without them can be predicted but not judged.",
        beware="Competitions hide the labels of their test sets from you; the organisers have them.",
        correction="A test set is labelled, held out, and used once after every choice is made. Data met in use, "
        "mostly unlabelled, is something else, and may differ from all three parts.",
        reference="cs231n: Image Classification, validation sets for hyperparameter tuning; Hastie, Tibshirani and "
        "Friedman (2009), The Elements of Statistical Learning, section 7.2",
    ),
    Claim(
        "5.6-e/selection",
        "Keep the best of 16 networks by validation accuracy, and its lead there overstates its lead on the test part.",
        estimate("optimism", above=0, unit="points", delta=0.5, table="judged"),
        expected=HOLDS,
        ask="Sixteen networks differ by their initial weights and the order of their rows alone. How much of the "
        "winner's lead is real?",
        why="The best of many noisy numbers lies above the rest by luck as well as merit, and luck stays behind. A "
        "hundred rows leave luck much room.",
        beware="The same happens to a test part that is looked at while choosing: it has become a validation part.",
        correction="No gradient is taken on validation rows, but what is chosen by them is fitted to them: they too "
        "take part in the training, through the choice.",
        reference="Cawley and Talbot (2010), JMLR 11, 2079–2107",
    ),
)
