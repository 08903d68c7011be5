"""5.9 How large a Hessian is (헤시안의 크기)

The text takes an image of 1024×1024 pixels and arrives at a Hessian of 10¹² entries. The number belongs to another
thing: the Hessian that Newton's method needs has a row and a column for each *weight*, whatever the size of the image.
A convolutional network that ends in a global average has as many weights for 8×8 pixels as for a million; a million
*weights* make 10¹² entries, 3725 GiB in float32. What can be had at any size is the Hessian's product with a vector.
"""

import time

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, HOLDS, VIOLATED, Claim, Run, exact, paired
from textbook.models import mlp
from textbook.seeding import stream

ENTRIES = ("5.9-c",)
DATA = "digits"
MEASURED = ("seconds",)
SIDES = (8, 64, 1024)  # pixels
ROWS = 64  # of data, for the clock
REPEATS = 5


def measure(run: Run, *, widths: tuple[int, ...] = (2, 8, 32)) -> dict[str, pd.DataFrame]:
    """Count the Hessians of the books' networks, and time the matrix and a product with it for growing networks.

    Args:
        widths: hidden units of the networks that are timed, two or more; they have 75 weights a unit, and 10.
    """
    return {"images": _images(), "networks": _networks(), "million": _million(), "times": _times(run, widths)}


def _images() -> pd.DataFrame:
    """Entries of the Hessian of one convolutional network, by the size of its images."""
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    rows = []
    for side in SIDES:
        model = keras.Sequential(
            [
                keras.Input((side, side, 1)),
                keras.layers.Conv2D(8, 3, activation="relu"),
                keras.layers.Conv2D(16, 3, activation="relu"),
                keras.layers.GlobalAveragePooling2D(),
                keras.layers.Dense(10),
            ]
        )
        weights = _trainable(model)
        rows.append((f"{side}×{side}", side**2, weights, float(weights) ** 2, float(side**2) ** 2))
    return pd.DataFrame(rows, columns=["image", "pixels", "weights", "entries", "pixels_squared"])


def _networks() -> pd.DataFrame:
    """Weights of the books' networks, and bytes of their Hessians; known: worked out by hand."""
    from textbook.curvature import hessian_bytes

    built = {
        "MLP-64": (mlp((64,), 10), 176.5),
        "MLP-128": (mlp((64,), 10, hidden=(128,)), 704.6),
        "chapter 8's": (_of_chapter_8(), 57164.0),
    }
    rows = []
    for name, (model, known) in built.items():
        weights = _trainable(model)
        rows.append((name, weights, hessian_bytes(weights, dtype="float64") / 2**20, known))
    return pd.DataFrame(rows, columns=["network", "weights", "mib", "known"])


def _of_chapter_8():
    """The network of 8.5: 300 inputs and three hidden layers, each with batch norm."""
    import keras

    layers = [keras.Input((300,))]
    for units in (200, 100, 50):
        layers += [keras.layers.Dense(units), keras.layers.LeakyReLU(), keras.layers.BatchNormalization()]
    return keras.Sequential([*layers, keras.layers.Dense(10)])


def _trainable(model) -> int:
    return sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)


def _million() -> pd.DataFrame:
    from textbook.curvature import hessian_bytes

    weights = 10**6
    gib = hessian_bytes(weights, dtype="float32") / 2**30
    return pd.DataFrame({"weights": [weights], "entries": hessian_bytes(weights, dtype="int8"), "gib": gib})


def _times(run: Run, widths) -> pd.DataFrame:
    """Wall time of the Hessian, of one product with it and of one gradient, taking turns; bytes that each returns."""
    import keras

    from textbook.curvature import LossCurvature
    from textbook.gradients import LossGradient

    split = run.splits("digits")(run.seeds[0])
    x, y = split.train.x[:ROWS], split.train.y[:ROWS]
    jobs = {}
    for width in widths:
        model = mlp(x.shape[1:], split.classes, hidden=(width,), activation="tanh")
        model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        curvature, gradient = LossCurvature(model), LossGradient(model)
        count = curvature.parameters
        vector = stream(run.seeds[0], "vector").normal(size=count)
        jobs[count, "Hessian"] = lambda curvature=curvature: curvature.hessian(x, y)
        jobs[count, "product"] = lambda curvature=curvature, vector=vector: curvature.product(x, y, vector)
        jobs[count, "gradient"] = lambda gradient=gradient: np.concatenate([g.ravel() for g in gradient(x, y)])
    for job in jobs.values():  # each is compiled before any clock runs
        job()
    rows = []
    for repeat in range(REPEATS):
        for (count, name), job in jobs.items():
            start = time.perf_counter()
            result = job()
            seconds = time.perf_counter() - start
            entries = count**2 if name == "Hessian" else count
            rows.append((name, count, repeat, result.nbytes, entries * result.itemsize, seconds))
    columns = ["condition", "weights", "seed", "bytes", "expected_bytes", "seconds"]
    largest = max(count for count, _ in jobs)
    return pd.DataFrame(rows, columns=columns).assign(largest=lambda table: table.weights == largest)


def draw(tables: dict[str, pd.DataFrame]):
    """Left, bytes of a Hessian by the number of weights, with some networks marked; right, the time that it takes,
    beside a product with it and a gradient.
    """
    networks, times, million = tables["networks"], tables["times"], tables["million"].iloc[0]
    images = tables["images"]
    fig, (left, right) = plots.figure(1, 2, width_ratios=[1.3, 1], size=(7, 4.8))
    weights = np.geomspace(100, 3e7, 50)
    left.plot(weights, 8 * weights**2 / 2**30, **{**plots.look(0), "marker": ""})
    points = [(row.weights, row.mib / 1024, row.network) for row in networks.itertuples()]
    points.append((images.weights.iloc[0], 8 * images.entries.iloc[0] / 2**30, "a CNN on 8² or\n1024² pixels"))
    points.append((million.weights, 2 * million.gib, "a million\nweights"))
    for count, gib, name in points:
        left.plot(count, gib, "o", color=plots.COLOURS[0], markersize=7)
        offset = (9, -10) if name == "MLP-64" or "CNN" in name else (-7, 3)
        side = "right" if offset[0] < 0 else "left"
        left.annotate(name, (count, gib), offset, textcoords="offset points", fontsize=10, ha=side, va="center")
    left.axhline(16, color=plots.GREY, linewidth=1.3, linestyle=(0, (4, 2)))
    room = {"textcoords": "offset points", "color": plots.GREY, "fontsize": 10, "ha": "right", "va": "top"}
    left.annotate("a laptop's 16 GiB", (2.5e7, 16), (0, -5), **room)
    left.set(xscale="log", yscale="log", xlabel="trainable weights", ylabel="Hessian in float64 (GiB)")
    left.set_title("its memory")
    looks = plots.looks(["Hessian", "product", "gradient"])
    named = {"Hessian": "Hessian", "product": "product\nwith a vector", "gradient": "gradient"}
    milliseconds = times.assign(milliseconds=1000 * times.seconds)
    plots.band(right, milliseconds, x="weights", y="milliseconds", looks=looks, log=True, names="none")
    last = milliseconds[milliseconds.largest]
    for name, text in named.items():
        value = np.exp(np.log(last[last.condition == name].milliseconds).mean())
        down = {"Hessian": (-4, 8, "bottom"), "product": (-4, 8, "bottom"), "gradient": (-4, -8, "top")}[name]
        right.annotate(
            text,
            (last.weights.iloc[0], value),
            down[:2],
            textcoords="offset points",
            color=looks[name]["color"],
            ha="right",
            va=down[2],
        )
    plots.log_axis(right, "x")
    plots.log_axis(right, "y")
    right.margins(y=0.16)
    right.set(xlabel="trainable weights", ylabel="wall time (ms)", title="its time")
    plots.caption(
        fig,
        f"Right: networks 64-h-10 with tanh on {ROWS} rows of digits, on this machine; geometric mean and 95 % band of "
        f"{times.seed.nunique()} repeats in turn.",
    )
    return fig


CLAIMS = (
    Claim(
        "5.9-c/image",
        "The Hessian that training needs has as many entries as the square of the image's pixels.",
        exact(measured="entries", expected="pixels_squared", table="images"),
        expected=VIOLATED,
        ask="The same convolutional network on 8×8 and on 1024×1024 pixels: how many times larger is its Hessian?",
        why="The loss is differentiated by the weights, and a convolution has as many for any image.",
        beware="A dense first layer does have a row of weights for each pixel; then the weights are more still.",
        correction="The Hessian has P² entries for P weights; 10¹² entries belong to a million parameters, not to a "
        "million pixels.",
        reference="Stanford CS231n, Neural Networks Part 3, Second order methods: a million parameters, 3725 gigabytes",
    ),
    Claim(
        "5.9-c/million",
        "A million weights make 10¹² entries, 3725 GiB in float32.",
        exact(measured="gib", expected=3725, tolerance=0.5, table="million"),
        expected=EXACT,
        ask="Would the Hessian of a million weights fit on a disk?",
        why="10⁶ · 10⁶ numbers of 4 bytes are 4·10¹² bytes.",
        beware="Symmetry saves only half, and a factorisation wants float64: twice as much.",
    ),
    Claim(
        "5.9-c/networks",
        "In float64 the Hessian of MLP-64 takes 176.5 MiB, that of MLP-128 704.6 MiB, that of chapter 8's net 56 GiB.",
        exact(measured="mib", expected="known", tolerance=1e-3, relative=True, table="networks"),
        expected=EXACT,
        ask="MLP-64 has 4,810 weights. Does its Hessian fit in memory?",
        why="P² · 8 bytes.",
        beware="Twice as many weights, four times the memory, and eight times the work to solve for a step.",
    ),
    Claim(
        "5.9-c/bytes",
        "What the computed Hessians take is P² numbers, and a product with a vector takes P.",
        exact(measured="bytes", expected="expected_bytes", table="times"),
        expected=EXACT,
        ask="How much smaller than the matrix is what one product with it leaves behind?",
        why="The product is the derivative of a number, v·∇L, by the weights: a vector.",
        beware="While it is computed it also takes a few times the memory of a gradient.",
    ),
    Claim(
        "5.9-c/product",
        "A product of the Hessian with a vector is quicker to be had than the Hessian.",
        paired("seconds", lower="product", than="Hessian", table="times", where={"largest": True}),
        expected=HOLDS,
        ask="A product is a gradient of v·∇L. How many products does the whole Hessian cost?",
        why="Row by row the Hessian is P products; done in blocks they are cheaper, but still P of them.",
        beware="The clock is this machine's, and on small networks most of what it shows is the cost of a call.",
    ),
)
