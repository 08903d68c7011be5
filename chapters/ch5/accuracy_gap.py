"""5.6 The gap between training and validation accuracy (훈련 정확도와 검증 정확도의 차이)

A falling training loss does not show whether a network learns the task or its training rows by heart. What shows it is
the distance between training and validation accuracy. The usual sketch has one training curve and two validation
curves, one close below it (little overfitting) and one far below (strong overfitting); here both are measured: 1200
rows with dropout 0.2 against 100 rows, of which every fifth has a wrong label, and a network four times as wide.
Compared when both have the same training loss, their validation accuracies are twenty points apart, which that loss
cannot know. Both accuracies are of the same weights, after the epoch and without dropout.
"""

import functools

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import HOLDS, Claim, Run, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas

ENTRIES = ("5.6-d",)
DATA = "any"

LITTLE, STRONG = "little overfitting", "strong overfitting"


def measure(
    run: Run,
    *,
    rows: tuple[int, int] = (1200, 100),
    dropout: float = 0.2,
    width: int = 256,
    label_noise: float = 0.2,
    target: float = 0.2,
    epochs: int = 40,
) -> dict[str, pd.DataFrame]:
    """Train a setting that overfits little and one that overfits strongly.

    Args:
        rows: of the training part, for the one and for the other.
        dropout: of the one with little overfitting.
        width, label_noise: units of the hidden layer, and share of wrong training labels, of the other.
        target: training loss (nats), measured after an epoch, at which the two are compared.
    """
    many, few = rows
    conditions = {
        LITTLE: Condition(model=functools.partial(mlp, dropout=dropout), splits=run.splits("digits", (many, 300, 297))),
        STRONG: Condition(
            model=functools.partial(mlp, hidden=(width,)),
            splits=run.splits("digits", (few, 300, 297), label_noise=label_noise),
        ),
    }
    curves = train_replicas(
        mlp,
        run.splits("digits"),
        conditions={
            name: Condition(learning_rate=0.1, momentum=0.9, model=setting.model, splits=setting.splits)
            for name, setting in conditions.items()
        },
        seeds=run.seeds,
        epochs=run.epochs(epochs),
    )
    curves["gap"] = curves.clean_accuracy - curves.val_accuracy
    columns = ["condition", "seed", "epoch", "clean_loss", "clean_accuracy", "val_accuracy", "gap", "diverged"]
    curves = curves[[*columns, "chance_accuracy"]]
    return {"curves": curves, "same loss": _at_target(curves, target).assign(target=target)}


def _at_target(curves: pd.DataFrame, target: float) -> pd.DataFrame:
    """The first epoch of every run whose training loss is at most the target; of one that never gets there, the last.

    `arrived` tells them apart.
    """
    arrived = curves.clean_loss <= target
    last = curves.epoch == curves.groupby(["condition", "seed"]).epoch.transform("max")
    rows = curves.assign(arrived=arrived)[arrived | last].sort_values("epoch")
    return rows.groupby(["condition", "seed"], as_index=False, sort=False).first()


def draw(tables: dict[str, pd.DataFrame]):
    """Left, training and validation accuracy by epoch with little and with strong overfitting, and the gaps at the end;
    right, validation accuracy by training loss, which both run through.
    """
    curves, same = tables["curves"], tables["same loss"]
    looks = {LITTLE: plots.look(0), STRONG: plots.look(1)}
    fig, (left, right) = plots.figure(1, 2, width_ratios=[1.3, 1], sharey=True)
    percent = curves.assign(**{name: 100 * curves[name] for name in ("clean_accuracy", "val_accuracy")})
    for name, rows in percent.groupby("condition", sort=False):
        for column, dashes in (("clean_accuracy", (0, (1.2, 1.2))), ("val_accuracy", "-")):
            look = {**looks[name], "linestyle": dashes, "marker": ""}
            plots.band(left, rows, x="epoch", y=column, hue=None, looks={"": look}, names="none")
        ends = rows[rows.epoch == rows.epoch.max()]
        at, low, high = rows.epoch.max() + 0.8, ends.val_accuracy.mean(), ends.clean_accuracy.mean()
        left.plot([at, at], [low, high], color=looks[name]["color"], lw=3, linestyle="-", marker="_", clip_on=False)
        height, side = (high + 2, "bottom") if name == LITTLE else (low - 6, "top")
        left.annotate(f"{name}: gap {high - low:.0f} points", (at, height), (-6, 0), textcoords="offset points",
                      ha="right", va=side, color=looks[name]["color"], fontsize=10.5)  # fmt: skip
    for name, rows in percent.groupby("condition", sort=False):
        mean = rows.groupby("epoch")[["val_accuracy"]].mean()
        mean["clean_loss"] = np.exp(np.log(rows.clean_loss).groupby(rows.epoch).mean())
        right.plot(mean.clean_loss, mean.val_accuracy, **{**looks[name], "linestyle": "-", "marker": ""})
    target = same.target.iloc[0]
    right.axvline(target, color=plots.GREY, lw=1)
    plots.log_axis(right, "x")
    right.invert_xaxis()
    right.set(xlabel="training loss (nats), falling →", title="validation")
    left.set(xlabel="epochs completed", ylabel="accuracy (%)", title="···· training   — validation", ylim=(0, 112))
    missed = int((~same.arrived).sum())
    plots.caption(
        fig,
        "Digits, one hidden layer, SGD with momentum 0.9; mean and 95 % band. Validation labels are all correct. Grey: "
        f"training loss {target:g}, reached by {len(same) - missed} of {len(same)} runs. {plots.seeds_text(curves)}",
    )
    return fig


CLAIMS = (
    Claim(
        "5.6-d/gap",
        "The gap between training and validation accuracy is wider where a network overfits strongly.",
        paired("gap", higher=STRONG, than=LITTLE, unit="points", delta=0.5, table="curves"),
        expected=HOLDS,
        ask="A hundred rows, every fifth mislabelled, and a wide network: how far apart will the two accuracies end?",
        why="A wide network can fit any hundred rows, wrong labels too, and what it fitted there says nothing about "
        "other rows.",
        beware="The gap names overfitting, not its cause: here rows, labels, width and dropout all differ. And a "
        "narrow gap at a low level is underfitting.",
    ),
    Claim(
        "5.6-d/same-loss",
        "At the same training loss, 0.2, the network that overfits little has the higher validation accuracy.",
        paired("val_accuracy", higher=LITTLE, than=STRONG, table="same loss"),
        expected=HOLDS,
        ask="Two training losses have both just fallen below 0.2. Can you tell which network is the better one?",
        why="The training loss looks at the training rows alone, and these a network can learn by heart.",
        beware="The better one needs fewer epochs to get there, so a training curve is not wholly silent; but how fast "
        "a loss falls depends on the rate and on the number of rows as well.",
    ),
)
