"""8.4 Ways to regularise, side by side (다양한 정칙화 방법)

Regularisation is whatever is done to a network, its data, its loss or its training so that it errs less on what it has
not seen. The text shows a picture of the methods; here they are measured on one small training set, each at the best
of three settings found on other seeds. In Korean texts 정규화 stands for two things, regularisation (정칙화) and
normalisation, as in batch normalisation (배치 정규화): the second is not made to regularise, and whether it does is one
of the claims.
"""

import pandas as pd

from chapters.shared.regularisers import (
    AUGMENTATION,
    BATCH_NORM,
    DROPOUT,
    L2,
    NOISE,
    PLAIN,
    SMOOTHING,
    STOPPING,
    regularisers,
)
from textbook import plots
from textbook.experiment import HOLDS, INCONCLUSIVE, Claim, Run, paired

ENTRIES = ("8.4-a",)
DATA = "digits"
# what each one touches
KINDS = {
    L2: "loss",
    SMOOTHING: "labels",
    AUGMENTATION: "data",
    NOISE: "inputs",
    DROPOUT: "units",
    BATCH_NORM: "layers",
    STOPPING: "time",
}


def measure(run: Run) -> dict[str, pd.DataFrame]:
    """Each method at its best setting, and its differences from the plain network, seed by seed."""
    tables = run.shared(regularisers)
    runs = tables["runs"][tables["runs"].chosen]
    plain = runs[runs.method == PLAIN].set_index("seed")
    others = runs[runs.method != PLAIN].set_index("seed")
    differences = pd.DataFrame(
        {
            "method": others.method,
            "test": others.test_loss - plain.test_loss.reindex(others.index),
            "train": others.train_loss - plain.train_loss.reindex(others.index),
        }
    ).reset_index()
    return {"runs": runs, "differences": differences, "chosen": tables["chosen"]}


def draw(tables: dict[str, pd.DataFrame]):
    """Change of the test loss and of the training loss by each method, with 95 % intervals."""
    differences, runs, chosen = tables["differences"], tables["runs"], tables["chosen"].set_index("method")
    fig, (left, right) = plots.figure(1, 2, size=(7.6, 4.8), sharey=True)
    order = differences.groupby("method").test.mean().sort_values(ascending=False).index
    shown = differences.set_index("method").loc[order].reset_index()
    shown["name"] = [f"{method} ({KINDS[method]})" for method in shown.method]
    for ax, column, title in ((left, "test", "test loss"), (right, "train", "training loss")):
        plots.dots(ax, shown, value=column, by="name", looks=dict.fromkeys(shown.name.unique(), plots.look(0)))
        ax.axvline(0, color=plots.GREY, linewidth=1)
        ax.set(xlabel="change from plain (nats)", title=title)
    left.set_ylabel("method (what it touches)")
    first = runs.iloc[0]
    settings = ", ".join(
        f"{method} {row.what} {row.setting:g}{'*' if row.border else ''}" for method, row in chosen.iterrows()
    )
    plots.caption(
        fig,
        f"Digits, N = {first.rows}, MLP with {first.hidden} hidden units, plain cross-entropy. Best of three settings "
        f"on other seeds (* at the border): {settings}. Mean and 95 % interval, {plots.seeds_text(runs)}",
    )
    return fig


def _claim(word: str, method: str, sentence: str, **texts) -> Claim:
    test = paired("test_loss", lower=method, than=PLAIN, by="method", table="runs")
    return Claim(f"8.4-a/{word}", sentence, test, **texts)


CLAIMS = (
    _claim(
        "l2",
        L2,
        "An L2 penalty on the weights lowers the test loss.",
        expected=HOLDS,
        ask="300 images and weights that cost something: does the network err less on new ones?",
        why="Small weights make a function that changes slowly, and one that has to change fast pays for it.",
        beware="The best of three strengths on other seeds: one of those tried, not the best there is.",
    ),
    _claim(
        "dropout",
        DROPOUT,
        "Dropout in the hidden layer lowers the test loss.",
        expected=HOLDS,
        ask="Half the units are missing in every update. Does that help on new images?",
        why="No unit can rely on one other, and the network at inference is an average of many thinned ones.",
        beware="On a small training set; with more rows there is less to prevent.",
    ),
    _claim(
        "augmentation",
        AUGMENTATION,
        "Shifting and turning the training images lowers the test loss.",
        expected=HOLDS,
        ask="The same 300 images, moved a little each time. Is that worth something?",
        why="It tells the network what does not matter: half a pixel, a few degrees.",
        beware="Only as good as what it says: a digit that is mirrored is another digit, or none.",
    ),
    _claim(
        "smoothing",
        SMOOTHING,
        "Label smoothing lowers the test loss.",
        expected=INCONCLUSIVE,
        ask="The right class is worth a little less than one. Does the loss on new images gain?",
        why="It takes away the reward for ever larger logits, which makes confident errors cheaper.",
        beware="The loss judged is the plain cross-entropy. A smoothed network is trained for another.",
    ),
    _claim(
        "noise",
        NOISE,
        "Noise on the inputs lowers the test loss.",
        expected=INCONCLUSIVE,
        ask="Every pixel is off by chance in every batch. Does it help?",
        why="The network has to give the same answer in a neighbourhood of each image.",
        beware="For small noise it acts like a penalty on the slope of the network's answer.",
    ),
    _claim(
        "stopping",
        STOPPING,
        "Early stopping lowers the test loss.",
        expected=INCONCLUSIVE,
        ask="Stop when the validation loss no longer falls. Is the test loss lower for it?",
        why="The weights have had less time to grow around single images.",
        beware="It looks at the validation part to decide, which the others do not.",
    ),
    _claim(
        "batch-norm",
        BATCH_NORM,
        "Batch normalisation lowers the test loss.",
        expected=INCONCLUSIVE,
        ask="Batch norm carries 정규화 in its Korean name. Is it a regulariser?",
        why="Each image is normalised with the company it happens to keep, which is a kind of noise; and the network "
        "also trains faster, which lets it overfit sooner.",
        beware="One hidden layer, batches of 64: a place with little noise.",
        correction="Regularisation (정칙화) lowers the error on new data; normalisation sets mean and variance. The "
        "text has one word for both.",
        reference="Ioffe and Szegedy (2015), arXiv:1502.03167; Goodfellow, Bengio and Courville (2016), chapter 7",
    ),
)
