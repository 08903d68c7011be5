"""8.5 Whose mean and variance at inference? (배치 정규화의 추론)

In training batch norm takes mean and standard deviation from each mini-batch. At inference, the text says, from a
moving average of the samples that come in. It is the other way round: the moving averages are gathered over the
mini-batches of *training*, and stand still at inference. Otherwise the answer for one sample would depend on the
company it comes in, on how many samples came before, and on their order. Three ways are compared on the same trained
network.
"""

import functools

import numpy as np
import pandas as pd

from chapters.shared.one_batch_norm import Trained, network, probabilities
from textbook import plots
from textbook.experiment import EXACT, HOLDS, VIOLATED, Claim, Run, UsageError, equivalent, exact, paired
from textbook.replicas import Condition
from textbook.seeding import stream

ENTRIES = ("8.5-d",)
DATA = "any"

FROZEN, BATCH, STREAM = "frozen averages", "the batch's own", "average of what comes in"
SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
_MIXED, _SORTED = "mixed", "sorted by class"
_COMPANY = 31  # rows beside the sample


def measure(
    run: Run,
    *,
    hidden: int = 64,
    learning_rate: float = 0.1,
    momentum: float = 0.9,
    stream_momentum: float = 0.9,
    epochs: int = 20,
) -> dict[str, pd.DataFrame]:
    """Train a network with batch norm, then predict in three ways, in batches of many sizes and in many companies.

    Args:
        hidden: units in front of the batch norm.
        momentum: of the optimizer.
        stream_momentum: of the moving average of what comes in, which is the text's reading.
    """
    from textbook.replicas import ReplicaTrainer  # here, because a cached run loads no TensorFlow

    splits = run.splits("digits")
    if splits(run.seeds[0]).classes is None:
        raise UsageError("expected classes to tell apart, got a regression; mend by data with whole labels")
    conditions = {
        f"momentum {norm:g}": Condition(
            learning_rate=learning_rate,
            momentum=momentum,
            model=functools.partial(network, hidden=hidden, momentum=norm),
        )
        for norm in (0.9, 0.99)
    }
    result = ReplicaTrainer(network, splits, conditions=conditions, seeds=run.seeds, epochs=run.epochs(epochs)).run()
    curves = result.table.assign(val_loss=result.table.val_loss.where(~result.table.diverged, result.table.chance_loss))
    models = {seed: result.trained("momentum 0.9", seed) for seed in run.seeds}
    modes = [
        row
        for seed, model in models.items()
        for row in _by_size(Trained.of(model), splits(seed).test, seed, stream_momentum)
    ]
    seed = run.seeds[0]
    companies = _companies(models[seed], splits(seed), seed, stream_momentum)
    modes = pd.DataFrame(modes, columns=["order", "size", "mode", "seed", "test_accuracy"])
    return {
        "curves": curves[["condition", "seed", "epoch", "val_loss"]].assign(hidden=hidden),
        "modes": modes,
        "arms": _arms(modes),
        "companies": companies,
        "apart": _apart(companies),
        "accumulated": _accumulated(models[seed], splits(seed).train.x),
    }


def _by_size(one: Trained, test, seed: int, momentum: float):
    """Accuracy of each way in batches of each size, rows mixed or sorted by class."""
    for order, rows in ((_MIXED, np.arange(len(test))), (_SORTED, np.argsort(test.y, kind="stable"))):
        x, y = test.x[rows], test.y[rows]
        sizes = {size for size in SIZES if size <= max(32, len(test))}  # 32 is what a claim is about
        for size in sorted({*sizes, len(test)}):
            logits = {
                FROZEN: one.logits(x),
                BATCH: one.logits_by_batch(x, size),
                STREAM: one.logits_streaming(x, size, momentum=momentum),
            }
            for mode, values in logits.items():
                yield order, size, mode, seed, float((values.argmax(axis=1) == y).mean())


def _arms(modes: pd.DataFrame) -> pd.DataFrame:
    """The whole test part as one batch, the frozen averages, and batches of four, of mixed rows."""
    mixed = modes[modes["order"] == _MIXED]
    chosen = {"whole": (mixed["size"].max(), BATCH), "frozen": (mixed["size"].max(), FROZEN), "four": (4, BATCH)}
    parts = [
        mixed[(mixed["size"] == size) & (mixed["mode"] == mode)].assign(arm=arm) for arm, (size, mode) in chosen.items()
    ]
    return pd.concat(parts, ignore_index=True)


def _companies(model, split, seed: int, momentum: float) -> pd.DataFrame:
    """The probability of the true class for some samples, each in several companies; by Keras where it can do it."""
    import keras

    one, test, rows = Trained.of(model), split.test, []
    random = stream(seed, "company")
    for sample in range(8):
        own = np.flatnonzero(test.y == test.y[sample])
        other = np.flatnonzero(test.y == (test.y[sample] + 1) % split.classes)
        companies = {f"random {k + 1}": random.integers(len(test), size=_COMPANY) for k in range(6)}
        companies |= {"same class": random.choice(own, _COMPANY), "next class": random.choice(other, _COMPANY)}
        for name, beside in {"alone": np.array([], int), **companies}.items():
            x = test.x[[*beside, sample]]  # the sample comes last
            logits = {
                FROZEN: keras.ops.convert_to_numpy(model(x, training=False)).astype(float),
                BATCH: one.logits_by_batch(x, len(x)),
                STREAM: one.logits_streaming(x, 1, momentum=momentum),
            }
            rows += [(mode, name, sample, probabilities(values)[-1, test.y[sample]]) for mode, values in logits.items()]
    return pd.DataFrame(rows, columns=["mode", "company", "sample", "probability"])


def _apart(companies: pd.DataFrame) -> pd.DataFrame:
    """How far each sample's probability moves between companies, and Keras's from the text's reading."""
    groups = companies.groupby(["mode", "sample"]).probability
    apart = (groups.max() - groups.min()).reset_index(name="range")
    wide = companies.pivot(index=["company", "sample"], columns="mode", values="probability")
    text = pd.DataFrame(
        {"mode": "Keras", "sample": wide.index.get_level_values("sample"), "keras": wide[FROZEN].to_numpy(),
         "text": wide[STREAM].to_numpy()}
    )  # fmt: skip
    return pd.concat([apart, text], ignore_index=True)


def _accumulated(model, x) -> pd.DataFrame:
    """Keras's moving averages after batches of training, and the same from the batches' moments in closed form."""
    import keras

    sums = x.reshape(len(x), -1) @ Trained.of(model).kernel
    layer = keras.layers.BatchNormalization(dtype="float64")
    layer.build((None, sums.shape[1]))
    batches = [sums[at : at + 32] for at in range(0, len(sums), 32)]
    for batch in batches:
        layer(batch, training=True)
    before = [keras.ops.convert_to_numpy(part) for part in (layer.moving_mean, layer.moving_variance)]
    for batch in batches[:4]:
        layer(3 * batch + 1, training=False)  # other data, at inference
    rows = []
    for name, part, start in (("mean", layer.moving_mean, 0.0), ("variance", layer.moving_variance, 1.0)):
        moments = np.array([batch.mean(axis=0) if name == "mean" else batch.var(axis=0) for batch in batches])
        kept = layer.momentum ** np.arange(len(batches) - 1, -1, -1)
        formula = layer.momentum ** len(batches) * start + (1 - layer.momentum) * kept @ moments
        after = keras.ops.convert_to_numpy(part)
        trained = before[name == "variance"]
        rows += [(name, *values) for values in zip(trained, after, formula, strict=True)]
    return pd.DataFrame(rows, columns=["statistic", "after_training", "after_inference", "formula"])


def draw(tables: dict[str, pd.DataFrame]):
    """The probability of an image's class in other company; test accuracy by batch size, rows mixed and sorted by
    class, with each kind of statistics; and the validation loss when the averages are frozen too early."""
    modes, companies, curves = tables["modes"], tables["companies"], tables["curves"]
    fig, axes = plots.figure(2, 2, size=(7.4, 7.2))
    (beside, size), (ordered, lag) = axes
    looks = plots.looks([FROZEN, BATCH, STREAM])
    _strip(beside, companies, looks)
    for ax, order in ((size, _MIXED), (ordered, _SORTED)):
        mine = modes[modes["order"] == order].assign(accuracy=100 * modes.test_accuracy)
        plots.band(ax, mine, x="size", y="accuracy", hue="mode", looks=looks, names="none")
        plots.log_axis(ax, "x", at=(1, 4, 16, 64, modes["size"].max()))
        ax.set(title=f"rows {order}", xlabel="rows in a test batch", ylabel="test accuracy (%)", ylim=(0, 103))
    size.legend(loc="lower right", fontsize=9)
    plots.band(lag, curves, x="epoch", y="val_loss", log=True, names="legend",
               looks={name: plots.look(3 + k) for k, name in enumerate(curves.condition.unique())})  # fmt: skip
    plots.log_axis(lag, "y")
    lag.set(title="frozen too early", xlabel="epochs completed", ylabel="validation loss (nats)")
    plots.caption(
        fig,
        f"Digits, MLP 64-{curves.hidden.iloc[0]}-10 with batch norm (momentum 0.9), {curves.epoch.max()} epochs. Top "
        f"left: a column is a test image, a mark one company of {_COMPANY} others, or none; one network. Bottom right: "
        f"averages frozen after so many epochs. Mean, 95 % band; {plots.seeds_text(modes)}.",
    )
    return fig


def _strip(ax, companies: pd.DataFrame, looks) -> None:
    """The probability of the true class, a column of marks for each sample and way."""
    for k, (mode, look) in enumerate(looks.items()):
        mine = companies[companies["mode"] == mode]
        at = mine["sample"] + 1 + 0.27 * (k - 1)
        ax.plot(at, mine.probability, look["marker"], color=look["color"], markersize=4, alpha=0.6, markeredgewidth=0)
    ax.set(title="one image, other company", xlabel="test image", ylabel="probability of its class", ylim=(-0.03, 1.03))
    ax.set_xticks(sorted(companies["sample"].unique() + 1))


_WRONG = (
    "The moving averages are gathered over the mini-batches of training and stand still at inference. What comes in at "
    "inference moves nothing."
)
_IOFFE = "Ioffe and Szegedy (2015), arXiv:1502.03167, algorithm 2; Keras 3.15.1, BatchNormalization.call"


def _of(mode: str) -> dict:
    return {"table": "apart", "where": {"mode": mode}}


CLAIMS = (
    Claim(
        "8.5-d/text",
        "At inference batch norm uses a moving average of the samples that come in: Keras's probabilities are those of "
        "such an average.",
        exact(measured="keras", expected="text", tolerance=1e-3, **_of("Keras")),
        expected=VIOLATED,
        ask="A network is given one image at a time. Does it normalise the tenth by a mean over the ten?",
        why="A moving average of what comes in has to begin somewhere, and follows whatever comes. That of training is "
        "known when training ends, and need not change any more.",
        beware="Moving averages there are, which is why the sentence sounds right; the samples are those of training.",
        correction=_WRONG,
        reference=_IOFFE,
    ),
    Claim(
        "8.5-d/frozen",
        "With the averages frozen, a sample's probability is the same in any company.",
        exact(measured="range", expected=0.0, tolerance=1e-5, **_of(FROZEN)),
        expected=EXACT,
        ask="The same image, alone, with 31 random others, with 31 of its own class. By how much does Keras's answer "
        "change?",
        why="Mean and variance are constants then, and batch norm is a fixed straight line for each unit.",
        beware="Equal up to rounding: products of other sizes are summed in another order.",
    ),
    Claim(
        "8.5-d/batch",
        "Normalised by the test batch's own statistics, a sample's probability is the same in any company.",
        exact(measured="range", expected=0.0, tolerance=1e-3, **_of(BATCH)),
        expected=VIOLATED,
        ask="And if each test batch were normalised by itself, as in training?",
        why="The mean and the variance are those of the company. Alone, every image becomes β, and gets one answer.",
        beware="This is what model(x, training=True) does, and a network that was left in training mode.",
    ),
    Claim(
        "8.5-d/stream",
        "Normalised by a moving average of what comes in, a sample's probability is the same in any company.",
        exact(measured="range", expected=0.0, tolerance=1e-3, **_of(STREAM)),
        expected=VIOLATED,
        ask="And by a moving average of all that came before?",
        why="What came before is another company, only remembered longer.",
        beware="Averages that follow new data are in use, to adapt a network to another camera or hospital. That is a "
        "choice, made with batches in mixed order, and no part of batch norm.",
    ),
    Claim(
        "8.5-d/accumulated",
        "After inference Keras's moving averages are still the exponential averages of the training batches' moments.",
        exact(measured="after_inference", expected="formula", tolerance=1e-9, table="accumulated"),
        expected=EXACT,
        ask="From which batches could you compute the moving mean by hand?",
        why="moving ← m · moving + (1 − m) · batch, once for every training batch, from 0 and 1 on; inference "
        "reads only.",
        beware="m is the weight of the old value in Keras and that of the new one in torch.",
    ),
    Claim(
        "8.5-d/small",
        "In test batches of four, the batch's own statistics give a lower test accuracy than the frozen ones.",
        paired("test_accuracy", lower=(4, BATCH), than=(4, FROZEN), by=("size", "mode"), table="modes",
               where={"order": _MIXED}),
        expected=HOLDS,
        ask="Four images at a time, normalised by themselves: how many are still told rightly?",
        why="The mean of four rows is off by half a standard deviation, for each unit.",
        beware="In training such noise differs from step to step and averages out over many updates. An answer is "
        "given once.",
    ),
    Claim(
        "8.5-d/large",
        "With the whole test part as one batch, the batch's own statistics give the same test accuracy as the "
        "frozen ones.",
        equivalent("test_accuracy", conditions=("whole", "frozen"), bad="four", by="arm", table="arms"),
        expected=HOLDS,
        ask="And all test images in one batch?",
        why="Many mixed rows have about the statistics of the training data.",
        beware="Only because the test images come from where the training images came from.",
    ),
    Claim(
        "8.5-d/sorted",
        "With the rows sorted by class, in batches of 32, the batch's own statistics give a lower test accuracy than "
        "the frozen ones.",
        paired("test_accuracy", lower=(32, BATCH), than=(32, FROZEN), by=("size", "mode"), table="modes",
               where={"order": _SORTED}),
        expected=HOLDS,
        ask="Thirty-two images that all show the same digit: what is left after their mean is taken away?",
        why="What they have in common is what tells their class, and it is the mean.",
        beware="Test files are often sorted. A network that is right only on shuffled ones is in training mode.",
    ),
)  # fmt: skip
