"""6.3 Black cats, yellow cats (공변량 변화)

A network that has seen black cats alone fails on yellow ones: the inputs are distributed otherwise, and what follows
from an input is as before. That is covariate shift, and the text says that batch norm solves it. It does not. At
inference batch norm uses the means and variances of the training data, and these are as out of date as the weights.
What helps against some shifts is to take the statistics from the new inputs, which needs no labels. Batch norm was
proposed against something else, the drift of a layer's inputs during training, and whether that is why it works is
another section's question.
"""

import functools

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import FAILS, HOLDS, NO_DIFFERENCE, Claim, Run, paired
from textbook.models import mlp
from textbook.replicas import Condition

ENTRIES = ("6.3-b",)
DATA = "digits"

PLAIN, NORM, ADAPTED = "no batch norm", "batch norm", "batch norm, new statistics"
ONE_CLASS = "statistics of one class"
TRAINED, PALER, INVERTED = "as trained", "paler", "inverted"


def measure(
    run: Run,
    *,
    contrasts: tuple[float, ...] = (1.0, 0.75, 0.5, 0.25, -0.25, -0.5, -0.75, -1.0),
    hidden: tuple[int, ...] = (64, 64),
    learning_rate: float = 0.1,
    momentum: float = 0.9,
    epochs: int = 20,
) -> dict[str, pd.DataFrame]:
    """Train on digits as they are, and test on digits in other ink: 0.5 + contrast · (pixel − 0.5).

    New statistics are those of the validation images in that ink, without their labels.

    Args:
        contrasts: of the ink at the test; 1 is that of training, 0 would be plain grey, −1 is white on black.
    """
    from textbook.replicas.trainer import ReplicaTrainer  # here, because a cached run loads no TensorFlow

    if 1.0 not in contrasts or 0.0 in contrasts or min(contrasts) > 0 or not any(0 < c < 1 for c in contrasts):
        raise ValueError(f"expected contrasts with 1, some between 0 and 1 and some below 0, got {contrasts}")
    settings = {"learning_rate": learning_rate, "momentum": momentum}
    splits = run.splits("digits")
    trainer = ReplicaTrainer(
        mlp,
        splits,
        conditions={
            name: Condition(model=functools.partial(mlp, hidden=tuple(hidden), batch_norm=norm), **settings)
            for name, norm in ((PLAIN, False), (NORM, True))
        },
        seeds=run.seeds,
        epochs=run.epochs(epochs),
    )
    result, rows = trainer.run(), []
    for seed in run.seeds:
        split = splits(seed)
        plain, norm = (result.trained(name, seed) for name in (PLAIN, NORM))
        rows += [(seed, *row) for row in _tested(plain, norm, split, contrasts)]
    table = pd.DataFrame(rows, columns=["seed", "network", "contrast", "test_accuracy"])
    kind = np.select([table.contrast == 1, table.contrast < 0], [TRAINED, INVERTED], PALER)
    end = result.table.epoch.max()
    settings = {"hidden": "-".join(map(str, hidden)), "epochs": end, "chance": result.table.chance_accuracy.mean()}
    return {"accuracy": table.assign(kind=kind, **settings), "gallery": _gallery(splits(run.seeds[0]), contrasts)}


def in_ink(x, contrast: float):
    """Images of this contrast around middle grey; pixels from 0 to 1."""
    return 0.5 + contrast * (x - 0.5)


def _tested(plain, norm, split, contrasts):
    """(network, contrast, accuracy on the test part) of both networks, and of batch norm with new statistics."""
    from textbook.normalisation.recalibration import recalibrated

    test, unlabelled = np.asarray(split.test.x, "float32"), np.asarray(split.validation.x, "float32")
    for contrast in contrasts:
        x, other = in_ink(test, contrast), in_ink(unlabelled, contrast)
        yield PLAIN, contrast, _accuracy(plain, x, split.test.y)
        yield NORM, contrast, _accuracy(norm, x, split.test.y)
        with recalibrated(norm, other, batch_size=len(other)):
            yield ADAPTED, contrast, _accuracy(norm, x, split.test.y)
    alone = unlabelled[split.validation.y == 0]
    with recalibrated(norm, alone, batch_size=len(alone)):
        yield ONE_CLASS, 1.0, _accuracy(norm, test, split.test.y)


def _accuracy(model, x, y) -> float:
    return float((np.asarray(model(x)).argmax(axis=1) == y).mean())


def _gallery(split, contrasts) -> pd.DataFrame:
    """One test image in every ink: contrast, pixel, value."""
    image = np.asarray(split.test.x[0], float).ravel()
    inks = [pd.DataFrame({"contrast": c, "pixel": range(image.size), "value": in_ink(image, c)}) for c in contrasts]
    return pd.concat(inks, ignore_index=True)


def draw(tables: dict[str, pd.DataFrame]):
    """Above, a digit in each ink; below, test accuracy by the contrast of the ink, from as trained to inverted, without
    batch norm, with it, and with new statistics.
    """
    table, gallery = tables["accuracy"], tables["gallery"]
    fig, (strip, main) = plots.figure(2, 1, sharex=True, height_ratios=[1, 7])
    for contrast, ink in gallery.groupby("contrast"):
        side = round(len(ink) ** 0.5)
        pixels = ink.sort_values("pixel").value.to_numpy().reshape(side, -1)
        # the digits have bright ink on black: shown dark on white, as written
        extent = (contrast + 0.1, contrast - 0.1, 0, 1)  # the axis runs down from 1
        strip.imshow(1 - pixels, cmap="gray", vmin=0, vmax=1, extent=extent, aspect="auto")
        strip.plot([*extent[:2], *extent[1::-1], extent[0]], [0, 0, 1, 1, 0], "-", color=plots.GREY, marker="", lw=0.8)
    strip.set(ylim=(0, 1))
    strip.axis("off")
    lines = table[table.network != ONE_CLASS]
    looks = {network: plots.look(place) for place, network in enumerate((PLAIN, NORM, ADAPTED))}
    for part in (lines[lines.contrast > 0], lines[lines.contrast < 0]):  # at 0, plain grey, nothing was tested
        plots.band(main, part, x="contrast", y="test_accuracy", hue="network", looks=looks, names="none")
    alone = table[table.network == ONE_CLASS].test_accuracy.mean()
    main.plot(1, alone, "X", color=plots.look(3)["color"], markersize=10)
    main.annotate(
        ONE_CLASS.replace(" of ", "\nof "),
        (1, alone),
        (9, 0),
        textcoords="offset points",
        va="center",
        ha="left",
        fontsize=10,
    )
    main.axhline(table.chance.iloc[0], color=plots.GREY, linestyle=":", linewidth=1.3)
    main.annotate("a guess", (-0.6, table.chance.iloc[0]), (0, 3), textcoords="offset points", fontsize=10)
    main.set(xlabel="contrast of the ink at the test (1: as trained, 0: plain grey, −1: inverted)",
             ylabel="test accuracy", ylim=(0, 1.03), xlim=(1.15, -1.15))  # fmt: skip
    main.legend(*(part[: len(looks)] for part in main.get_legend_handles_labels()), loc="upper right")
    first = table.iloc[0]
    plots.caption(
        fig,
        f"Digits, MLP 64-{first.hidden}-10, SGD with momentum, {first.epochs} epochs in ink of contrast 1. New "
        f"statistics: means and variances of unlabelled images in the ink of the test; ×: of the images of a zero "
        f"alone. Mean, 95 % band; {plots.seeds_text(table)}.",
    )
    return fig


_NOT_THIS = (
    "Covariate shift is a change of p(x) with p(y|x) unchanged. Batch norm does not address it: at inference it uses "
    "the training data's statistics. It was proposed against internal covariate shift, the drift of a layer's inputs "
    "during training, which is another thing."
)
_SOURCES = (
    "Shimodaira (2000), J. Statistical Planning and Inference 90, 227-244; Ioffe and Szegedy (2015), arXiv:1502.03167; "
    "Li et al. (2016), arXiv:1603.04779"
)
_ARM = ("network", "kind")


def _accuracy_of(higher: tuple, than: tuple):
    return paired("test_accuracy", higher=higher, than=than, by=_ARM, mean_over="contrast", table="accuracy")


CLAIMS = (
    Claim(
        "6.3-b/cats",
        "A network trained on one ink fails on inverted ink: without batch norm, its accuracy is lower there.",
        _accuracy_of((PLAIN, TRAINED), (PLAIN, INVERTED)),
        expected=HOLDS,
        ask="You read a white digit on black as easily as a black one on white. Does the network?",
        why="No image of that kind was among those it learnt from, and nothing in the loss asked for it.",
        beware="A high accuracy on a test part of the same origin says nothing about this.",
    ),
    Claim(
        "6.3-b/solved",
        "Batch norm solves it: on paler and on inverted ink, the network with batch norm is more accurate.",
        paired(
            "test_accuracy",
            higher=NORM,
            than=PLAIN,
            by="network",
            mean_over="contrast",
            table="accuracy",
            where={"kind": (PALER, INVERTED)},
        ),
        expected=FAILS,
        ask="Every layer's values are normalised. Whose mean and variance are subtracted and divided by at the test?",
        why="The moving averages of the training images, which the new ink does not move: at inference batch norm is "
        "a fixed factor and shift for each unit. Values arrive shifted and shrunk, and the old numbers do not put them "
        "right.",
        beware="Which of the two suffers more, and by how much, is a matter of these networks. In training mode a "
        "batch's own statistics would be used, and the answer for one image would depend on the others in its batch.",
        correction=_NOT_THIS,
        reference=_SOURCES,
    ),
    Claim(
        "6.3-b/adapted",
        "With means and variances taken anew from unlabelled paler images, batch norm is more accurate on paler ink.",
        _accuracy_of((ADAPTED, PALER), (NORM, PALER)),
        expected=HOLDS,
        ask="No weight changes and no label is used, only the statistics are counted again. Is that enough?",
        why="A paler ink multiplies the values before the first normalisation and shifts them, and the new statistics "
        "take exactly that out again.",
        beware="It takes a set of images of the new kind. With a handful, mix old statistics in (`prior=`).",
    ),
    Claim(
        "6.3-b/restored",
        "Even with new statistics, the accuracy on paler ink falls short of that on the ink of training.",
        _accuracy_of((NORM, TRAINED), (ADAPTED, PALER)),
        expected=NO_DIFFERENCE,
        ask="How much of the loss of accuracy is left afterwards?",
        why="After the first normalisation the paler image gives the values of the original, but for ε in the root. "
        "The statistics themselves come from other images than those of training, but they fit the final weights, "
        "while moving averages still remember earlier ones.",
        beware="This shift was made for it: one factor and one shift for all pixels. Blur or other handwriting is not "
        "undone so.",
    ),
    Claim(
        "6.3-b/inverted",
        "New statistics do not help against every shift: on inverted ink they leave the accuracy lower than on paler.",
        _accuracy_of((ADAPTED, PALER), (ADAPTED, INVERTED)),
        expected=HOLDS,
        ask="Inverting is a factor too, −1. Do new statistics take that out as well?",
        why="Dividing by a standard deviation takes out the size of a factor but not its sign: all values before the "
        "first activation come out negated.",
        beware="What a shift does to the values decides whether statistics can mend it, not how bad it looks.",
        correction=_NOT_THIS,
        reference=_SOURCES,
    ),
    Claim(
        "6.3-b/one-class",
        "Statistics taken from images of one class alone make it worse: on the ink of training the accuracy is lower "
        "than with the old statistics.",
        paired("test_accuracy", higher=NORM, than=ONE_CLASS, by="network", table="accuracy", where={"kind": TRAINED}),
        expected=HOLDS,
        ask="A camera sees zeros all morning, and the statistics follow. What becomes of the other digits?",
        why="What zeros have in common is taken for the mean and subtracted, and it was what told them apart.",
        beware="Then p(y) has changed, and not only p(x): new statistics assume that the classes come as before.",
    ),
)
