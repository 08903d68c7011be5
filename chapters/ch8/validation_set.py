"""8.3 The validation set (검증 데이터셋)

A random part of the training data is set aside to see whether a network overfits. Keras's `validation_split` does set a
part aside, but not a random one: it takes the last rows as they stand, before any shuffling. In a file that is sorted
by class, as iris is, that part is a class of its own, which training never sees. What a validation part is for shows in
the curves over the epochs: where labels are wrong, the validation loss turns and rises while the training loss goes on
falling. It need not turn; with clean labels it may stay level.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, HOLDS, VIOLATED, Claim, Run, contrast, exact, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.splits import Split, Splitter

ENTRIES = ("8.3-b",)
DATA = "digits"

# rows of a class that a random third of iris has more or less than its share: three standard deviations
_LUCK = 8
LAST, STRATIFIED = "last rows", "stratified"
CLEAN, NOISY = "clean labels", "wrong labels"
BEST, END = "best epoch", "last epoch"


def measure(
    run: Run, *, share: float = 1 / 3, rows: int = 300, label_noise: float = 0.2, epochs: int = 60
) -> dict[str, pd.DataFrame]:
    """Hold out a share of iris both ways, and follow the losses of a network of few rows, with right and wrong labels.

    Args:
        share: of iris, held out.
        rows: of the training part of digits.
        label_noise: share of wrong labels in it; those of the other parts are right.
        epochs: on digits.
    """
    iris = run.data("iris")
    parts = {labels: run.splits("digits", (rows, 473, 1797 - 473 - rows), label_noise=wrong)
             for labels, wrong in ((CLEAN, 0.0), (NOISY, label_noise))}  # fmt: skip
    curves = train_replicas(
        mlp,
        None,
        conditions={
            labels: Condition(learning_rate=0.1, momentum=0.9, splits=splits) for labels, splits in parts.items()
        },
        seeds=run.seeds,
        epochs=run.epochs(epochs),
        test_every_epoch=True,
    ).rename(columns={"condition": "labels"})
    columns = ["labels", "seed", "epoch", "clean_loss", "val_loss", "test_loss", "diverged", "chance_loss"]
    return {
        "held_out": held_out(iris.x, iris.y, share),
        "rows": pd.DataFrame({"row": np.arange(len(iris.y)), "label": iris.y, "held_out": _strip(iris.y, share)}),
        "iris": _train_on_iris(run, iris, share),
        "curves": curves[columns].assign(rows=len(parts[CLEAN](run.seeds[0]).train), label_noise=label_noise),
        "turns": turns(curves[columns]),
    }


def held_out(x, y, share: float) -> pd.DataFrame:
    """Rows of each class in the part that Keras holds out, as its own validation metrics count them.

    Beside it the classes of the last rows, and what a part in proportion has.
    """
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    def counts(label):
        def share_of_class(truth, _):
            return keras.ops.cast(keras.ops.equal(truth, label), "float32")

        share_of_class.__name__ = f"share_of_{label}"
        return share_of_class

    classes = np.unique(y)
    model = keras.Sequential([keras.Input(x.shape[1:]), keras.layers.Dense(len(classes))])
    # a rate of 0: only the counts are wanted; few updates cost less step by step than a graph does
    metrics = [counts(int(label)) for label in classes]
    model.compile(keras.optimizers.SGD(0.0), "mse", metrics=metrics, run_eagerly=True)
    # the label in every output, so that metrics and loss see one shape
    history = model.fit(x, np.repeat(y[:, None], len(classes), axis=1), validation_split=share, verbose=0).history
    # Keras trains on the first int(n(1 − share)) rows
    size = len(y) - int(len(y) * (1 - share))
    return pd.DataFrame(
        {
            "label": int(label),
            "keras": round(history[f"val_share_of_{label}"][-1] * size, 6),
            "last": int((y[-size:] == label).sum()),
            "in_proportion": (y == label).sum() * size / len(y),
        }
        for label in classes
    )


def _strip(y, share: float) -> np.ndarray:
    """1 for the rows that a stratified split holds out, 2 for the last rows, 3 for both."""
    size = len(y) - int(len(y) * (1 - share))
    held = np.zeros(len(y), int)
    held[Splitter((np.arange(float(len(y)))[:, None], y), sizes=(len(y) - size, size, 0))(0).rows[1]] = 1
    held[-size:] += 2
    return held


def _train_on_iris(run: Run, iris, share: float) -> pd.DataFrame:
    """Validation accuracy of a network trained on what is left of iris, for both ways to hold rows out."""
    size = len(iris.y) - int(len(iris.y) * (1 - share))
    order, scaled = np.arange(len(iris.y)), Splitter(iris, sizes=(len(iris.y) - size, size, 0), scale="standard")

    def last_rows(seed):
        rows = (order[:-size], order[-size:], order[:0])
        first = Split(iris.x, iris.y, rows, classes=3, seed=seed)
        offset, scale = first.train.x.mean(axis=0), first.train.x.std(axis=0)
        return Split(iris.x, iris.y, rows, classes=3, seed=seed, offset=offset, scale=scale)

    curves = train_replicas(
        mlp,
        None,
        conditions={
            name: Condition(learning_rate=0.1, momentum=0.9, splits=splits)
            for name, splits in ((LAST, last_rows), (STRATIFIED, scaled))
        },
        seeds=run.seeds,
        epochs=run.epochs(20),
        batch_size=20,
    )
    last = curves[curves.epoch == curves.epoch.max()]
    return last[["condition", "seed", "accuracy", "val_accuracy", "diverged", "chance_accuracy"]]


def turns(curves: pd.DataFrame) -> pd.DataFrame:
    """Test loss at the epoch of the lowest validation loss and at the last one.

    On the validation part itself no epoch is lower than its lowest, so the turn is judged on rows that did not choose.
    """
    rows = []
    for (labels, seed), mine in curves.groupby(["labels", "seed"], sort=False):
        best = mine.loc[mine.val_loss.idxmin()]
        for when, row in ((BEST, best), (END, mine.loc[mine.epoch.idxmax()])):
            rows.append((labels, seed, when, row.epoch, row.test_loss, row.diverged, row.chance_loss))
    return pd.DataFrame(rows, columns=["labels", "seed", "when", "at", "test_loss", "diverged", "chance_loss"])


def draw(tables: dict[str, pd.DataFrame]):
    """Above, which rows of iris each way holds out; below, training and validation loss by epoch with right and with
    wrong labels.
    """
    curves, found = tables["curves"], tables["turns"]
    fig, axes = plots.figure(2, 2, size=(7, 6.6), height_ratios=[1, 1.9], sharey="row")
    grid = axes[0, 0].get_gridspec()
    for ax in axes[0]:
        ax.remove()
    _draw_strips(fig.add_subplot(grid[0, :]), tables["rows"], tables["iris"])
    for ax, labels in zip(axes[1], (CLEAN, NOISY), strict=True):
        mine = curves[curves.labels == labels].rename(columns={"clean_loss": "training", "val_loss": "validation"})
        shown = mine.melt(["seed", "epoch"], ["training", "validation"], "part", "loss")
        plots.band(ax, shown, x="epoch", y="loss", hue="part", log=True, names="none")
        plots.log_axis(ax, "y")
        best = found[(found.labels == labels) & (found.when == BEST)]["at"].median()
        ax.axvline(best, color="#444444", linestyle=":", linewidth=1.4, zorder=0)
        ax.annotate(f" lowest: epoch {best:.0f}", (best, 0.03), xycoords=("data", "axes fraction"), fontsize=9.5)
        ax.set(xlabel="epochs completed", title=labels)
    axes[1, 0].set_ylabel("loss (nats)")
    axes[1, 0].legend(loc="center right", fontsize=10)
    first = curves.iloc[0]
    plots.caption(
        fig,
        f"Below: digits, {first['rows']} training rows, {first.label_noise:.0%} of the labels wrong on the right; MLP "
        f"64-64-10, SGD with momentum. Geometric means, 95 % bands; the dotted line is the median over seeds. "
        f"{plots.seeds_text(curves)}.",
    )
    return fig


def _draw_strips(ax, rows: pd.DataFrame, iris: pd.DataFrame) -> None:
    """A strip for the order of the file and one for each way to hold rows out."""
    for label, colour in zip(sorted(rows.label.unique()), plots.COLOURS, strict=False):
        mine = rows.row[rows.label == label]
        ax.broken_barh([(row, 1) for row in mine], (2.1, 0.75), facecolor=colour, alpha=0.75)
        ax.text(mine.mean(), 2.47, f"class {label}", ha="center", va="center", fontsize=10.5, weight="bold")
    accuracy = iris.val_accuracy.where(~iris.diverged, iris.chance_accuracy).groupby(iris.condition).mean()
    for height, bit, name in ((1.05, 2, LAST), (0.0, 1, STRATIFIED)):
        ax.broken_barh([(0, len(rows))], (height, 0.75), facecolor="#e6e6e6")
        held = rows.row[(rows.held_out & bit) > 0]
        ax.broken_barh([(row, 1) for row in held], (height, 0.75), facecolor="#222222")
        ax.text(len(rows) + 2, height + 0.37, f"accuracy there:\n{accuracy[name]:.0%}", va="center", fontsize=10)
    ax.set(xlim=(0, len(rows) * 1.32), ylim=(-0.1, 2.95), xlabel="row of the file (black: held out for validation)")
    ax.set_xticks(range(0, len(rows) + 1, 25))
    ax.set_yticks([2.47, 1.42, 0.37], ["iris", "validation_split", "stratified"])
    ax.grid(visible=False)


_KERAS = "Keras, Model.fit, argument validation_split: the last samples of x and y, before shuffling"

CLAIMS = (
    Claim(
        "8.3-b/random",
        "The part that Keras's validation_split holds out is like a random part: up to luck, each class of iris has "
        "its share.",
        exact(measured="keras", expected="in_proportion", tolerance=_LUCK, table="held_out"),
        expected=VIOLATED,
        ask="A third of iris is to be held out. How many rows of each class will validation_split take?",
        why="The file lists one class after the other, and the last rows are all of the last class.",
        beware="fit(shuffle=True) shuffles the training rows only, and only after the part has been cut off.",
        correction="Keras takes the last rows as they stand. Shuffle, or better stratify, before calling fit, and pass "
        "the part as validation_data.",
        reference=_KERAS,
    ),
    Claim(
        "8.3-b/last",
        "It holds out the last rows: as many of each class as stand there.",
        exact(measured="keras", expected="last", table="held_out"),
        expected=EXACT,
        ask="Which rows are they, then?",
        why="Keras cuts the arrays once, at ⌊rows × (1 − share)⌋.",
        beware="The cut is the same in every call, so several runs with validation_split do not vary their validation "
        "part.",
    ),
    Claim(
        "8.3-b/iris",
        "On iris, a network validated on the last rows scores lower than one validated on a stratified part.",
        paired("val_accuracy", higher=STRATIFIED, than=LAST, table="iris"),
        expected=HOLDS,
        ask="What does a network score on a class that it has never seen?",
        why="No training row has the last class, so nothing can make the network answer it.",
        beware="Nearly perfect on the training part and wrong on every validation row looks like overfitting, and is a "
        "fault of the split.",
    ),
    Claim(
        "8.3-b/turn",
        "Where some training labels are wrong, the loss on other data turns: it ends higher than it was at the epoch "
        "of the lowest validation loss.",
        paired("test_loss", higher=END, than=BEST, by="when", table="turns", where={"labels": NOISY}),
        expected=HOLDS,
        ask="The training loss falls to the end. Does the loss on new data fall as long?",
        why="What most labels agree on is learnt first. Wrong labels are learnt one by one, later, and cost sure "
        "errors on other rows.",
        beware="The lowest of many validation losses is partly luck; the turn is therefore judged on the test part.",
    ),
    Claim(
        "8.3-b/labels",
        "How far it turns depends on the labels: further with wrong ones than with right ones.",
        contrast(
            "test_loss",
            first=((NOISY, END), (NOISY, BEST)),
            second=((CLEAN, END), (CLEAN, BEST)),
            by=("labels", "when"),
            table="turns",
        ),
        expected=HOLDS,
        ask="The text's second figure has a U. Is there one with right labels, too?",
        why="With right labels there is little to learn by heart that would be wrong elsewhere.",
        beware="A level curve is no proof that nothing is overfitted: the network may still grow surer of itself.",
    ),
)
