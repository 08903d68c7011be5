"""4.7.1 Early stopping (조기 종료)

When the validation loss has stopped falling, further epochs fit what is peculiar to the training part, above all its
wrong labels. Early stopping waits for a number of epochs without improvement, the patience, and then ends the run; with
`restore_best_weights` it also goes back to the best epoch. Each network here is trained to the end once, and every
patience is then read off its validation curve exactly as Keras's callback would have stopped it.
"""

import functools

import numpy as np
import pandas as pd
from scipy.stats import t as student

from textbook import plots
from textbook.experiment import HOLDS, INCONCLUSIVE, Claim, Run, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.stopping import early_stopping

ENTRIES = ("4.7.1-d",)
DATA = "any"

_SIZES = (300, 473, 1024)


def measure(
    run: Run,
    *,
    patiences: tuple[int, ...] = (5, 10, 20),
    noise: float = 0.1,
    epochs: int = 150,
    rate: float = 0.1,
) -> dict[str, pd.DataFrame]:
    """Train MLP-128 on 300 digits to the end, with and without wrong labels; then stop every curve at each patience."""
    build = functools.partial(mlp, hidden=(128,))
    conditions = {
        name: Condition(learning_rate=rate, momentum=0.9, splits=run.splits("digits", _SIZES, label_noise=share))
        for name, share in (("wrong labels", noise), ("clean labels", 0.0))
    }
    curves = train_replicas(
        build, None, conditions=conditions, seeds=run.seeds, epochs=run.epochs(epochs), test_every_epoch=True
    ).rename(columns={"condition": "labels"})
    stops = pd.DataFrame(
        row
        for run_of, rows in curves.groupby(["labels", "seed"], sort=False)
        for row in _stops(*run_of, rows, patiences)
    )
    return {"curves": curves[["labels", "seed", "epoch", "clean_loss", "val_loss", "test_loss"]], "stops": stops}


def _stops(labels: str, seed: int, rows: pd.DataFrame, patiences):
    """Where each rule ends one run, and how good the weights are that it keeps."""
    rows = rows.set_index("epoch")
    rules = {"to the end": (0, False)}
    for patience in patiences:
        rules[f"patience {patience}, last weights"] = (patience, False)
        rules[f"patience {patience}, best weights"] = (patience, True)
    for name, (patience, restore) in rules.items():
        spent = kept = len(rows)
        if patience:
            stop = early_stopping(rows.val_loss, patience=patience, restore_best_weights=restore)
            spent, kept = stop.epochs, stop.kept
        columns = ["val_loss", "test_loss", "test_accuracy", "diverged", "chance_loss", "chance_accuracy"]
        yield {
            "labels": labels, "rule": name, "patience": patience, "restored": restore, "seed": seed,
            "epochs": spent, "kept": kept, **rows.loc[kept, columns],
        }  # fmt: skip


def draw(tables: dict[str, pd.DataFrame]):
    """Left, losses by epoch with wrong labels, and where each patience stops; right, the test loss by each rule, for
    wrong and for clean labels.
    """
    curves, stops = tables["curves"], tables["stops"]
    fig, (left, right) = plots.figure(1, 2, width_ratios=[1, 1.05])
    noisy = curves[curves.labels == "wrong labels"].rename(columns={"clean_loss": "training", "val_loss": "validation"})
    shown = noisy.melt(["seed", "epoch"], ["training", "validation"], "part", "loss")
    plots.band(left, shown, x="epoch", y="loss", hue="part", log=True, names="none")
    plots.log_axis(left, "y")
    for name, line in zip(("training", "validation"), left.get_lines(), strict=True):
        at = 0.5 * shown.epoch.max()
        height = np.interp(at, line.get_xdata(), line.get_ydata())
        left.annotate(name, (at, height), (0, 8), textcoords="offset points", color=line.get_color(), fontsize=10.5)
    stopped = stops[(stops.labels == "wrong labels") & (stops.patience > 0) & ~stops.restored]
    for place, (patience, rows) in enumerate(stopped.groupby("patience")):
        middle = rows.epochs.median()
        left.axvline(middle, color="#555555", linewidth=1, linestyle="-")
        # the shorter patiences stop so close together that their names have to part
        side = {0: "right", 1: "left"}.get(place, "left")
        left.text(middle, 1.01, f"{patience}", transform=left.get_xaxis_transform(), ha=side, va="bottom", fontsize=10)
    left.set(xlabel="epochs completed", ylabel="loss (nats)")
    left.set_title("where each patience stops", pad=20)
    _worth(right, stops)
    plots.caption(
        fig,
        "Digits, 300 training images, MLP 64-128-10, SGD with momentum 0.9. Left: some labels wrong; upright lines: "
        f"median stop for each patience. Means with 95 % intervals, {plots.seeds_text(stops)}.",
    )
    return fig


def _worth(ax, stops: pd.DataFrame) -> None:
    """Test loss of each rule with wrong labels and with clean ones, means with 95 % intervals."""
    rules = list(stops.rule.unique())
    for place, (labels, rows) in enumerate(stops.groupby("labels", sort=False)):
        look = plots.look((0, 2)[place])
        table = rows.pivot(index="seed", columns="rule", values="test_loss")[rules]
        half = student.ppf(0.975, len(table) - 1) * table.std(ddof=1) / np.sqrt(len(table)) if len(table) > 1 else None
        ax.errorbar(
            table.mean(), np.arange(len(rules)) + 0.12 * (2 * place - 1), xerr=half, fmt=look["marker"],
            color=look["color"],
        )  # fmt: skip
        top = {"xy": (table["to the end"].mean(), 1), "xycoords": ("data", "axes fraction"), "ha": "center"}
        ax.annotate(labels, xytext=(0, 3), textcoords="offset points", color=look["color"], fontsize=10.5, **top)
    ax.set_yticks(range(len(rules)), [rule.replace(", ", ",\n") for rule in rules], fontsize=9.5)
    ax.set_ylim(len(rules) - 0.5, -0.5)
    ax.grid(visible=False, axis="y")
    ax.set(xlabel="test loss (nats)")
    ax.set_title("how each rule ends", pad=20)
    ax.margins(x=0.12)


CLAIMS = (
    Claim(
        "4.7.1-d/noise",
        "With wrong labels among the training data, early stopping (patience 10, best weights) ends at a lower loss on "
        "held-out data than training to the end.",
        paired(
            "test_loss",
            lower="patience 10, best weights",
            than="to the end",
            by="rule",
            table="stops",
            where={"labels": "wrong labels"},
        ),
        expected=HOLDS,
        ask="A tenth of the labels is wrong. What does the network do with them in the later epochs?",
        why="The right labels agree with each other and are learnt first; the wrong ones can only be learnt by heart, "
        "and that is what the later epochs do.",
        beware="The validation part was used to choose the epoch, so its loss at that epoch flatters; judge on a test "
        "part.",
    ),
    Claim(
        "4.7.1-d/clean",
        "With clean labels, early stopping raises the accuracy on held-out data.",
        paired(
            "test_accuracy",
            higher="patience 10, best weights",
            than="to the end",
            by="rule",
            table="stops",
            where={"labels": "clean labels"},
        ),
        expected=INCONCLUSIVE,
        ask="All labels are right, and the training part is learnt by heart. Does it help to stop earlier?",
        why="Without wrong labels there is little that later epochs could spoil: they mostly make right answers surer.",
        beware="Loss and accuracy can disagree: the loss also punishes being too sure of a wrong answer.",
    ),
    Claim(
        "4.7.1-d/restore",
        "With wrong labels and a patience of 20, going back to the best weights ends lower than keeping the last ones.",
        paired(
            "test_loss",
            lower="patience 20, best weights",
            than="patience 20, last weights",
            by="rule",
            table="stops",
            where={"labels": "wrong labels"},
        ),
        expected=HOLDS,
        ask="Training stops 20 epochs after the best one. Which weights does Keras leave in the model by default?",
        why="By the time patience runs out, the weights are that many epochs past the best ones.",
        beware="`restore_best_weights` is False by default.",
    ),
)
