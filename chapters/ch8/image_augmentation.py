"""8.4.2 Rotation, shift, flip (이미지 증강: 회전, 이동, 뒤집기)

More images are made of those there are by turning, moving and mirroring them. Each transform claims something: that
the label stays. Of a photograph seen from the left or from the right that is so. A six turned by half a turn is a nine,
and a mirrored two is no digit at all. Which transforms may be used is a question to the labels, not to the layer. The
layers' units are a trap of their own: Keras's `RandomRotation(0.1)` turns by up to a tenth of a full turn, 36 degrees.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, HOLDS, REVERSED, Claim, Run, estimate, exact, paired
from textbook.seeding import stream

ENTRIES = ("8.4.2-a",)
DATA = "digits"

_HEIGHT, _WIDTH = 48, 72  # of the photographs in the gallery
_NONE, _SMALL, _HALF = "none", "turn", "180°"
_SHOWN_DIGITS = (6, 2)


def _transforms(degrees, side: int) -> dict:
    """Name → function of images as wide as `side` pixels, in the order of the gallery; degrees may differ by image."""
    from textbook.augmentation import flip, rotate, shift

    return {
        _NONE: lambda images: images,
        "shift ⅛": lambda images: shift(images, 0, across=round(side / 8)),
        _SMALL: lambda images: rotate(images, degrees),
        "flip ↔": flip,
        "flip ↕": lambda images: flip(images, axis="vertical"),
        _HALF: lambda images: flip(flip(images), axis="vertical"),
    }


def measure(run: Run, *, degrees: float = 15.0, rows: int = 300) -> dict[str, pd.DataFrame]:
    """Transform two photographs and two digits, hold the layers against NumPy, and ask the nearest neighbour.

    Args:
        degrees: of the rotation in the gallery and of the copies.
        rows: training images of the nearest neighbour, 0 to 9 alike.
    """
    photographs, digits = _photographs(), run.data("digits")
    images = digits.x.reshape(-1, 8, 8)
    shown = {f"digit {label}": _typical(images[digits.y == label]) for label in _SHOWN_DIGITS}
    runs, sixes = _neighbours(run, degrees, rows)
    return {
        "photographs": _gallery(photographs, degrees),
        "digits": _gallery(shown, degrees),
        "checks": _checks(np.stack(list(photographs.values())), images[:200, ..., None]),
        "runs": runs,
        "sixes": sixes,
    }


def _photographs() -> dict[str, np.ndarray]:
    """Two photographs that come with scikit-learn, (height, width, 3) from 0 to 1, made small by averaging."""
    from sklearn.datasets import load_sample_image

    small = {}
    for name in ("china", "flower"):
        image = load_sample_image(f"{name}.jpg") / 255
        block = min(image.shape[0] // _HEIGHT, image.shape[1] // _WIDTH)
        cut = image[: _HEIGHT * block, : _WIDTH * block]
        small[name] = cut.reshape(_HEIGHT, block, _WIDTH, block, 3).mean(axis=(1, 3))
    return small


def _typical(images: np.ndarray) -> np.ndarray:
    """The image that is nearest to the mean of all."""
    return images[((images - images.mean(axis=0)) ** 2).sum(axis=(1, 2)).argmin()]


def _gallery(pictures: dict[str, np.ndarray], degrees: float) -> pd.DataFrame:
    """A row per picture, transform and line of pixels; a pixel is 65536·red + 256·green + blue, each 0…255."""
    lines = []
    for name, picture in pictures.items():
        for transform, function in _transforms(degrees, picture.shape[1]).items():
            changed = function(picture[None])[0]
            coloured = changed if changed.ndim == 3 else np.repeat(changed[..., None], 3, axis=-1)
            packed = np.rint(coloured * 255).astype(int) @ (65536, 256, 1)
            pixels = pd.DataFrame(packed, columns=[f"x{column}" for column in range(packed.shape[1])])
            lines.append(pixels.assign(picture=name, transform=transform, line=range(len(pixels))))
    return pd.concat(lines, ignore_index=True)


def _checks(photographs: np.ndarray, digits: np.ndarray) -> pd.DataFrame:
    """Largest errors of the layers, on photographs and digits: against the images themselves, NumPy and Keras."""
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    from textbook.augmentation import RandomFlip, RandomWarp, rotate, shift

    rows = []
    for kind, images in (("photographs", photographs), ("digits", digits)):
        images = images.astype(np.float32)
        mirror = RandomFlip(share=1.0)
        height, width = images.shape[1:3]
        turn = keras.layers.RandomRotation((0.1, 0.1), fill_mode="constant")
        move = keras.layers.RandomTranslation((0.25, 0.25), (0.125, 0.125), fill_mode="constant")
        compared = {
            "identity": (RandomWarp(pixels=0, degrees=0)(images, training=True), images),
            "two flips": (mirror(mirror(images, training=True), training=True), images),
            "Keras turns": (turn(images, training=True), rotate(images, 36)),
            "Keras moves": (move(images, training=True), shift(images, height / 4, across=width / 8)),
        }
        for check, (ours, wanted) in compared.items():
            error = np.abs(keras.ops.convert_to_numpy(ours) - wanted).max()
            rows.append({"check": check, "images": kind, "error": float(error)})
    return pd.DataFrame(rows)


def _neighbours(run: Run, degrees: float, rows: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What the nearest neighbour makes of copies, added to the training images, and of sixes turned by half a turn."""
    splits = run.splits("digits", (rows, 473, 300))
    runs, sixes = [], []
    for seed in run.seeds:
        part = splits(seed)
        x, y = part.train.x.reshape(-1, 8, 8), part.train.y
        # nothing is chosen, so that validation and test rows alike are new images
        new = np.concatenate([part.validation.x, part.test.x]).reshape(-1, 8, 8)
        labels = np.concatenate([part.validation.y, part.test.y])
        sign = stream(seed, "masks").choice((-1.0, 1.0), size=len(x))
        for name, function in _transforms(sign * degrees, 8).items():
            named = _nearest(np.concatenate([x, function(x)]), np.concatenate([y, y]), new)
            runs.append({"copies": name, "seed": seed, "accuracy": (named == labels).mean()})
        turned = _nearest(x, y, new[labels == _SHOWN_DIGITS[0]][:, ::-1, ::-1])
        sixes.append({"seed": seed, "called_nine": (turned == 9).mean(), "called_six": (turned == 6).mean()})
    return pd.DataFrame(runs).assign(rows=rows, degrees=degrees), pd.DataFrame(sixes)


def _nearest(known, labels, new) -> np.ndarray:
    """The label of the nearest known image, by squared distance of the pixels."""
    known, new = known.reshape(len(known), -1), new.reshape(len(new), -1)
    distances = (known**2).sum(axis=1) - 2 * new @ known.T
    return labels[distances.argmin(axis=1)]


def draw(tables: dict[str, pd.DataFrame]):
    """Above, a gallery of photographs and digits, a row per picture and a column per transform; below, the accuracy of
    the nearest neighbour with such copies added.
    """
    photographs, digits, runs, sixes = (tables[name] for name in ("photographs", "digits", "runs", "sixes"))
    fig = plots.figure(1, 1, size=(7, 7.4))[0]
    fig.clear()
    degrees = f"{runs.degrees.iloc[0]:g}°"
    names = list(dict.fromkeys(runs.copies))
    grid = fig.add_gridspec(5, len(names), height_ratios=[0.75, 0.75, 1, 1, 2.8])
    place = 0
    for table in (photographs, digits):
        for picture in dict.fromkeys(table.picture):
            for column, transform in enumerate(names):
                ax = fig.add_subplot(grid[place, column])
                mine = table[(table.picture == picture) & (table["transform"] == transform)].sort_values("line")
                ax.imshow(_unpacked(mine), interpolation="nearest")
                ax.set_axis_off()
                if place == 0:
                    ax.set_title({_NONE: "as it is", _SMALL: degrees}.get(transform, transform), fontsize=10.5)
            place += 1
    ax = fig.add_subplot(grid[4, :])
    percent = runs.assign(
        accuracy=100 * runs.accuracy, copies=runs.copies.replace({_NONE: "none", _SMALL: f"± {degrees}"})
    )
    plots.dots(ax, percent, value="accuracy", by="copies")
    ax.set(xlabel="new digits that the nearest neighbour names rightly (%)", ylabel="copies added")
    plots.caption(
        fig,
        f"Photographs that come with scikit-learn, and digits of 8 × 8 pixels. Below: {runs['rows'].iloc[0]} training "
        "images and a copy of each (turned to either side). Of new sixes turned by 180°, "
        f"{100 * sixes.called_nine.mean():.0f} % are called a nine, {100 * sixes.called_six.mean():.0f} % a six. Mean, "
        "95 % interval; "
        f"{plots.seeds_text(runs)}.",
    )
    return fig


def _unpacked(lines: pd.DataFrame) -> np.ndarray:
    """(height, width, 3) whole numbers 0…255."""
    packed = lines[[name for name in lines if name[0] == "x" and name[1:].isdigit()]].to_numpy(dtype=int)
    return np.stack([packed // 65536, packed // 256 % 256, packed % 256], axis=-1)


_INVARIANT = (
    "A transform makes training data only where it leaves the label as it is. Flips and half turns do so for most "
    "photographs, not for digits."
)
_REFERENCE = "Simard, Steinkraus and Platt (2003), ICDAR; Chen, Dobriban and Lee (2020), arXiv:1907.10905"

CLAIMS = (
    Claim(
        "8.4.2-a/labels",
        "Images turned over are more training images: with copies turned by 180° beside the training digits, the "
        "nearest neighbour is right more often than without copies.",
        paired("accuracy", higher=_HALF, than=_NONE, by="copies", table="runs"),
        expected=REVERSED,
        ask="Twice as many training images, the second half upside down. Are more new digits named rightly, or fewer?",
        why="A turned copy keeps the label of its image. A six upside down then stands among the known images as a "
        "six, where the nines are.",
        beware="Most digits lose nothing by it: their turned copies look like no digit and are nobody's neighbour. The "
        "damage is done to the pairs that a turn makes equal. And a neighbour has no luck of its own: the seeds differ "
        "in their splits of one data set alone, which overlap, so the interval is about these images.",
        correction=_INVARIANT,
        reference=_REFERENCE,
    ),
    Claim(
        "8.4.2-a/six",
        "A six keeps its label when it is turned by half a turn: fewer than half of new sixes, turned, are called a "
        "nine by the nearest neighbour.",
        estimate("called_nine", below=0.5, unit="points", delta=0.5, table="sixes"),
        expected=REVERSED,
        ask="New sixes upside down, and known digits that all stand upright: what are the sixes taken for?",
        why="Turning by half a turn maps one shape onto the other, up to habits of handwriting.",
        beware="The label of a transformed image is decided by who reads it, not by the file that it was made from.",
        correction=_INVARIANT,
        reference=_REFERENCE,
    ),
    Claim(
        "8.4.2-a/rotation",
        "A small rotation makes useful copies: with them the nearest neighbour is right more often than without.",
        paired("accuracy", higher=_SMALL, than=_NONE, by="copies", table="runs"),
        expected=HOLDS,
        ask="Each digit once more, tilted a little to the left or to the right. Does that help?",
        why="Writers tilt their digits too, so that a tilted copy may lie nearer to somebody else's digit than any of "
        "the images does. How often that changes an answer depends on how many tilts the images hold already.",
        beware="By how much an image may be turned depends on the labels again: the limit is where one class begins "
        "to look like another.",
    ),
    Claim(
        "8.4.2-a/identity",
        "At strength 0 a warping layer gives back every pixel as it was.",
        exact(measured="error", expected=0.0, table="checks", where={"check": "identity"}),
        expected=EXACT,
        ask="A layer that interpolates is asked to turn by no angle and move by no distance. Is the image blurred?",
        why="Every place that a pixel is taken from is then the middle of a pixel, where interpolation gives that "
        "pixel alone.",
        beware="A shift by half a pixel is the mean of two pixels, and several layers in a row blur several times.",
    ),
    Claim(
        "8.4.2-a/flip",
        "A flip loses nothing: flipped twice, every pixel is back.",
        exact(measured="error", expected=0.0, table="checks", where={"check": "two flips"}),
        expected=EXACT,
        ask="Which of the three transforms can be undone without any loss?",
        why="A flip puts pixels elsewhere and computes nothing. A shift pushes some out of the image, and a rotation "
        "interpolates.",
        beware="That it can be undone says nothing about the label.",
    ),
    Claim(
        "8.4.2-a/units",
        "Keras's layers measure in shares: RandomRotation at 0.1 turns anticlockwise by 36 degrees, RandomTranslation "
        "at 0.25 moves down by a quarter of the height.",
        exact(
            measured="error",
            expected=0.0,
            tolerance=1e-4,
            table="checks",
            where={"check": ("Keras turns", "Keras moves")},
        ),
        expected=EXACT,
        ask="RandomRotation(15) for fifteen degrees: what would that do?",
        why="Factors are shares of a full turn, and of height or width. Our own layers take degrees and pixels.",
        beware="Keras fills what comes in from outside with a mirror image unless fill_mode says otherwise; a digit "
        "then has a piece of another beside it.",
    ),
)
