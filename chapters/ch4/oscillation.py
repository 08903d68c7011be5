"""4.7.1 An oscillating validation loss (검증 손실의 진동)

Of a validation loss that goes up and down from epoch to epoch, the text says that the learning rate is too large. That
is one cause of three: small batches make the weights themselves noisy, and few validation images make the same weights
look better or worse by chance. So one run can seem calm on many images and restless on a few of them. Here all three
are varied at once, and the swing is the standard deviation of the step from one epoch's loss to the next, over the
second half of training.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import FAILS, HOLDS, Claim, Run, estimate, paired, share
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas

ENTRIES = ("4.7.1-c",)
DATA = "digits"

_FEW, _MANY = 60, 597
_CELL = ["learning_rate", "batch_size", "images"]


def measure(
    run: Run,
    *,
    rates: tuple[float, float] = (0.02, 0.2),
    batches: tuple[int, int] = (16, 128),
    momentum: float = 0.9,
) -> dict[str, pd.DataFrame]:
    """Train with both rates and both batch sizes; look at each run through many and through few validation images."""
    conditions = {
        f"{rate} {batch}": Condition(learning_rate=rate, batch_size=batch, momentum=momentum)
        for rate in rates
        for batch in batches
    }
    # The few images take the place of the test part, so that one run is seen through both. Nothing is chosen here, and
    # no part of the data is kept for a last judgement.
    runs = train_replicas(
        mlp,
        run.splits("digits", (1024, _MANY, _FEW)),
        conditions=conditions,
        seeds=run.seeds,
        epochs=max(8, run.epochs(20)),
        test_every_epoch=True,
    )
    setting = runs.condition.str.split(" ", expand=True)
    runs["learning_rate"], runs["batch_size"] = setting[0].astype(float), setting[1].astype(int)
    seen = {_MANY: "val_loss", _FEW: "test_loss"}
    columns = ["learning_rate", "batch_size", "seed", "epoch", "loss", "diverged"]
    curves = pd.concat(
        runs[columns].assign(images=images, validation_loss=runs[name].where(~runs.diverged, runs.chance_loss))
        for images, name in seen.items()
    )
    swings = curves.groupby([*_CELL, "seed"]).apply(_swing, include_groups=False).rename("swing").reset_index()
    lower = dict(zip(("learning_rate", "batch_size"), (min(rates), max(batches)), strict=True)) | {"images": _MANY}
    return {
        "curves": curves,
        "swings": swings,
        "factors": pd.concat(_ratio(swings, column, calm) for column, calm in lower.items()),
        "look-alike": _look_alike(curves, min(rates), min(batches)),
    }


def _swing(run: pd.DataFrame) -> float:
    """Standard deviation of the steps from epoch to epoch over the second half of a run, in nats."""
    losses = run.sort_values("epoch").validation_loss.to_numpy()
    return float(np.std(np.diff(losses[len(losses) // 2 - 1 :]), ddof=1))


def _ratio(swings: pd.DataFrame, column: str, calm: float) -> pd.DataFrame:
    """By what factor a setting's restless level raises the swing over its calm one: a geometric mean for each seed."""
    logs = swings.assign(log=np.log(swings.swing)).groupby(["seed", swings[column] == calm]).log.mean().unstack()
    ratio = np.exp(logs[False] - logs[True]).rename("ratio").reset_index()
    return ratio.assign(factor=column.replace("_", " ").replace("images", "validation images"))


def _look_alike(curves: pd.DataFrame, rate: float, batch: int) -> pd.DataFrame:
    """At the small rate: does the loss rise after epoch 5 although the training loss falls at every epoch up to 8?"""
    chosen = (curves.learning_rate == rate) & (curves.batch_size == batch) & (curves.epoch <= 8)
    rows = []
    for (seed, images), run in curves[chosen].groupby(["seed", "images"]):
        run = run.sort_values("epoch")
        training, held_out = np.diff(run.loss), np.diff(run.validation_loss)
        rises = bool((held_out[4:] > 0).any())
        rows.append({"seed": seed, "images": images, "looks_alike": rises and bool((training < 0).all())})
    return pd.DataFrame(rows)


def draw(tables: dict[str, pd.DataFrame]):
    """Left, one run's loss on a large and on a small validation set; right, by what factor learning rate, batch size
    and validation set each raise the swing.
    """
    fig, (left, right) = plots.figure(1, 2, width_ratios=[1.15, 1])
    curves, factors = tables["curves"], tables["factors"]
    seed = curves.seed.min()
    run = curves[
        (curves.seed == seed)
        & (curves.learning_rate == curves.learning_rate.max())
        & (curves.batch_size == curves.batch_size.max())
    ]
    for place, images in enumerate((_MANY, _FEW)):
        rows = run[run.images == images]
        look = plots.look(place)
        left.plot(rows.epoch, rows.validation_loss, label=f"validation, {images} images", **look | {"markersize": 4})
    rows = run[run.images == _MANY]
    left.plot(rows.epoch, rows.loss, color=plots.GREY, linestyle=":", label="training")
    plots.log_axis(left, "y")
    left.legend(title=f"one run, rate {run.learning_rate.iloc[0]:g}", fontsize=10)
    left.set(
        xlabel="epochs completed",
        ylabel="loss (nats)",
        title="the same network, twice",
        xticks=(1, 5, 10, 15, 20),
    )
    left.set_xlim(0.5, rows.epoch.max() + 0.5)
    _ratios(right, factors, curves)
    plots.caption(
        fig,
        "Digits, MLP 64-64-10, SGD with momentum 0.9. Swing: sd of the step from epoch to epoch, second half of the "
        f"run; bars with 95 % intervals. Left: seed {seed}. Right: {plots.seeds_text(factors)}.",
    )
    return fig


def _ratios(ax, factors: pd.DataFrame, curves: pd.DataFrame) -> None:
    """Geometric mean and 95 % t-interval of each factor's ratio, from 1, which is no effect."""
    names = {}
    for column, factor in (
        ("learning_rate", "learning rate"),
        ("batch_size", "batch size"),
        ("images", "validation images"),
    ):
        low, high = sorted(curves[column].unique())
        pair = (low, high) if factor == "learning rate" else (high, low)
        names[factor] = f"{factor}\n{pair[0]:g} → {pair[1]:g}"
    rows = factors.assign(named=factors.factor.map(names))
    plots.dots(ax, rows, value="ratio", by="named")
    ax.axvline(1, color="#444444", linewidth=1, linestyle="-")
    ax.margins(x=0.05)  # before the log scale; else dots at the ends are cut
    plots.log_axis(ax, "x")
    ax.set(xlabel="swing, times as large", title="what makes it swing")


_SWING_SCALE = {"table": "factors", "scale": "log"}

CLAIMS = (
    Claim(
        "4.7.1-c/rate",
        "A larger learning rate makes the validation loss swing more from epoch to epoch.",
        estimate("ratio", above=1, where={"factor": "learning rate"}, **_SWING_SCALE),
        expected=HOLDS,
        ask="Ten times the rate, everything else the same: how much more does the validation loss swing?",
        why="Each update overshoots or undershoots in proportion to the rate, so the weights never settle.",
        beware="It is one cause among several; the next claims have the others.",
        correction="A large rate makes the validation loss swing, but so do small batches and a small validation set.",
        reference="Smith and Le (2018), arXiv:1710.06451: the noise of training grows as rate over batch size",
    ),
    Claim(
        "4.7.1-c/images",
        "A small validation set makes it swing more, with the very same weights.",
        estimate("ratio", above=1, where={"factor": "validation images"}, **_SWING_SCALE),
        expected=HOLDS,
        ask="The same network is evaluated on 597 images and on 60. Which loss is the calmer one?",
        why="With few images, one that changes sides moves the mean a lot.",
        beware="The same images come back every epoch, so part of their luck cancels between epochs: ten times fewer "
        "images do not mean √10 times the swing.",
    ),
    Claim(
        "4.7.1-c/batch",
        "Small batches make it swing more.",
        estimate("ratio", above=1, where={"factor": "batch size"}, **_SWING_SCALE),
        expected=HOLDS,
        ask="The rate stays, the batches get eight times smaller. Does the validation loss get calmer?",
        why="A small batch's gradient is a noisier estimate, and an epoch has more of them to add up.",
        beware="Rate and batch size act together: lowering one or raising the other calms the same noise.",
    ),
    Claim(
        "4.7.1-c/most",
        "Of the two causes that the picture cannot tell apart, the rate matters more than the size of the validation "
        "set.",
        paired("ratio", higher="learning rate", than="validation images", by="factor", **_SWING_SCALE),
        expected=FAILS,
        ask="A tenfold rate or a tenth of the validation images: which one makes the curve more restless?",
        why="The rate moves the weights themselves; the size of the validation set only the reading of them, and the "
        "same images are read every time.",
        beware="Both factors are for a tenfold change; other ranges give other factors.",
    ),
    Claim(
        "4.7.1-c/look-alike",
        "At the small rate, in batches of 16 and on 60 validation images, the validation loss rises at least once "
        "between epochs 5 and 8 while the reported training loss falls at every epoch up to 8.",
        share("looks_alike", table="look-alike", where={"images": _FEW}),
        expected=HOLDS,
        ask="Would you recognise a rate that is too large from eight epochs of one run?",
        why="After five epochs the loss falls only slowly, and then a little noise, of small batches or of few images, "
        "is enough for a step upwards.",
        beware="This rests on the training loss as Keras reports it, a mean over the epoch and so a calm one, and on "
        "asking for a single rise: nothing is asked of the validation loss before epoch 5. On 597 images it happens "
        "nearly as often, so the few images are not what makes it. One step upwards is no oscillation.",
    ),
)
