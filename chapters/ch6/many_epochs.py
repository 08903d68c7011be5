"""6.1 Many epochs, or images never seen (여러 epoch, 또는 처음 보는 데이터)

Training is iterative: the same images again and again, or images changed a little each time, which the network has not
seen in that form. More epochs show nothing new; they let the network fit what it has. Augmentation shows new forms of
old images, and it takes longer to fit them: early on it costs, later it can pay. By how much depends on how long one
trains and on how many images there are.
"""

import functools

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import HOLDS, Claim, Run, contrast, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas

ENTRIES = ("6.1-b",)
DATA = "digits"

_SAME, _CHANGED = "the same images", "changed each time"
_FEW, _SOME, _MANY = "few", "some", "many"
_BATCH = 32


def measure(
    run: Run,
    *,
    few: int = 100,
    some: int = 400,
    many: int = 1200,
    pixels: float = 0.5,
    degrees: float = 10.0,
    updates: int = 1200,
    learning_rate: float = 0.05,
    momentum: float = 0.9,
) -> dict[str, pd.DataFrame]:
    """Train on three numbers of images with equal updates, on the same images at each epoch and on changed ones.

    Args:
        few, some, many: training images.
        pixels, degrees: largest shift and rotation of an image that is changed, drawn anew at each epoch.
        updates: of every network, so that few images are gone through more often.
    """
    sizes = {_FEW: few, _SOME: some, _MANY: many}
    whole = run.splits("digits", (max(sizes.values()), 297, 300))

    def parts(rows):
        # The trainer's epoch is as long for all sizes, so that they train in one stack: small parts come several times.
        times = max(sizes.values()) // rows

        def of(seed):
            train, validation, test = whole(seed).rows
            return whole.with_rows((np.tile(train[:rows], times), validation, test), seed)

        return of

    builders = {_SAME: mlp, _CHANGED: functools.partial(_augmenting, pixels=pixels, degrees=degrees)}
    conditions = {
        f"{name}/{images}": Condition(model=build, splits=parts(rows), learning_rate=learning_rate, momentum=momentum)
        for name, rows in sizes.items()
        for images, build in builders.items()
    }
    curves = train_replicas(
        mlp, whole, conditions=conditions, seeds=run.seeds, updates=run.epochs(updates), batch_size=_BATCH
    )
    curves["size"] = curves.condition.str.split("/").str[0]
    curves["images"] = curves.condition.str.split("/").str[1]
    for name in ("clean_loss", "val_loss"):
        curves[name] = curves[name].where(~curves.diverged, curves.chance_loss)
    curves["rows"] = curves["size"].map(sizes)
    curves["passes"] = curves.updates * _BATCH / curves["rows"]
    kept = ["size", "images", "rows", "seed", "epoch", "passes", "updates", "clean_loss", "val_loss"]
    curves = curves[kept].assign(pixels=pixels, degrees=degrees)
    return {"curves": curves, "times": _times(curves)}


def _augmenting(input_shape, outputs, *, pixels: float, degrees: float):
    """The same network behind a layer that turns and moves its training images."""
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    from textbook.augmentation import RandomWarp

    side = round(input_shape[0] ** 0.5)
    changing = [keras.layers.Reshape((side, side, 1)), RandomWarp(pixels=pixels, degrees=degrees)]
    return keras.Sequential(
        [keras.Input(input_shape), *changing, keras.layers.Flatten(), *mlp(input_shape, outputs).layers]
    )


def _times(curves: pd.DataFrame) -> pd.DataFrame:
    """Validation losses early, when a tenth of the updates is first seen to be done, and at the end."""
    key = ["size", "images", "seed"]
    early = curves[curves.updates >= curves.groupby(key).updates.transform("max") / 10]
    at = {"early": early.groupby(key).epoch.idxmin(), "end": curves.groupby(key).epoch.idxmax()}
    columns = [*key, "passes", "val_loss"]
    return pd.concat([curves.loc[rows, columns].assign(time=time) for time, rows in at.items()], ignore_index=True)


def draw(tables: dict[str, pd.DataFrame]):
    """Validation loss against epochs for the same images and for images changed each time, a panel for each number of
    images; dotted, the training images as they are.
    """
    curves, times = tables["curves"], tables["times"]
    sizes = list(dict.fromkeys(curves["size"]))
    fig, axes = plots.figure(1, len(sizes), size=(9, 4.9), sharey=True)
    looks = plots.looks([_SAME, _CHANGED])
    for ax, size in zip(axes, sizes, strict=True):
        mine = curves[curves["size"] == size]
        plots.band(ax, mine, x="passes", y="val_loss", hue="images", looks=looks, names="legend", log=True)
        training = mine.groupby(["images", "passes"]).clean_loss.mean()
        for images, look in looks.items():
            line = training[images]
            ax.plot(line.index, line, color=look["color"], linestyle=":", linewidth=1.4)
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_ylim(0.3 * curves.groupby(["size", "images", "passes"]).val_loss.mean().min(), None)
        early = times[(times["size"] == size) & (times.time == "early")].passes.max()
        ax.axvline(early, color="#888888", linewidth=1)
        plots.log_axis(ax, "x")
        plots.log_axis(ax, "y")
        ax.set(xlabel="epochs", title=f"{mine['rows'].iloc[0]} images")
        ax.get_legend().remove()
    axes[0].set_ylabel("loss (nats)")
    axes[-1].legend(fontsize=10)
    first = curves.iloc[0]
    plots.caption(
        fig,
        f"Digits, MLP 64-64-10, SGD with momentum, {curves.updates.max()} updates of {_BATCH} images whatever their "
        f"number. Changed: moved by up to {first.pixels:g} px and turned by up to {first.degrees:g}°, each time anew. "
        "Lines: validation, geometric mean, 95 % band. Dotted: training images as they are. Grey: a tenth of the "
        "updates; "
        f"{plots.seeds_text(curves)}.",
    )
    return fig


CLAIMS = (
    Claim(
        "6.1-b/epochs",
        "Training on the same images for many epochs lowers the loss on new ones: with 400 images the validation loss "
        "is lower at the end than after a tenth of the updates.",
        paired("val_loss", lower="end", than="early", by="time", table="times", where={"size": _SOME, "images": _SAME}),
        expected=HOLDS,
        ask="After a tenth of the training every image has been seen several times. Is there anything left to learn "
        "from them for the others?",
        why="An update is a small step, and one pass is far too few of them to fit what the images have in common.",
        beware="The loss on new images levels off long before that on the training images does, and can rise again. "
        "More epochs show the network no new data.",
    ),
    Claim(
        "6.1-b/new",
        "Images changed a little each time lower it further: with 400 images the validation loss at the end is lower "
        "than with the same images each time.",
        paired(
            "val_loss", lower=_CHANGED, than=_SAME, by="images", table="times", where={"size": _SOME, "time": "end"}
        ),
        expected=HOLDS,
        ask="As many updates, but no image comes twice in the same form. Which network does better on new images?",
        why="A network that cannot learn single images by heart is left with what stays when they move and turn.",
        beware="The changes must be such that new images could show them. Digits that are moved further than any "
        "writer would are harder, and no better.",
    ),
    Claim(
        "6.1-b/early",
        "But not at once: with 400 images, after a tenth of the updates the validation loss is higher with changed "
        "images than with the same.",
        paired(
            "val_loss", higher=_CHANGED, than=_SAME, by="images", table="times", where={"size": _SOME, "time": "early"}
        ),
        expected=HOLDS,
        ask="Who leads after a tenth of the training?",
        why="There is more to fit, so that fitting takes longer.",
        beware="Who judges augmentation in a short trial, as a search does, may throw it out.",
    ),
    Claim(
        "6.1-b/depends",
        "What the changed images gain depends on the time: from a tenth of the updates to the end, their lead over "
        "the same images grows (with 400 images).",
        contrast(
            "val_loss",
            first=((_SAME, "end"), (_CHANGED, "end")),
            second=((_SAME, "early"), (_CHANGED, "early")),
            by=("images", "time"),
            table="times",
            where={"size": _SOME},
        ),
        expected=HOLDS,
        ask="Is the difference between the two ways the same throughout, only noisier at first?",
        why="The same images are learnt by heart sooner or later, and from then on teach nothing; changed ones go on "
        "being new.",
        beware="Other numbers of images are in the figure. Where there are more, each is seen less often in the same "
        "training, and both the cost and the gain come later; where there are fewest, no lasting gain shows.",
    ),
)
