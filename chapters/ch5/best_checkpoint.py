"""5.11 The worker and its best checkpoint (워커와 최적 체크포인트)

A worker draws settings, trains, looks at the validation loss after each epoch and saves the best and the last weights.
The loop that the text prints does not: its `avg_loss` is set to 0 and never added to, and compared inside the loop over
validation batches, so it saves once, at the very first batch, with a best loss of 0. Mended, it does what Keras's
`ModelCheckpoint(save_best_only=True)` does. What the best checkpoint is worth depends on what later epochs learn.
"""

import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from textbook import plots
from textbook.experiment import EXACT, HOLDS, INCONCLUSIVE, VIOLATED, Claim, Run, exact, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas

ENTRIES = ("5.11-b",)
DATA = "any"

_EXAMPLE = (0.85, 0.45, 0.65)
_CLEAN, _NOISY = "clean labels", "wrong labels"


def measure(
    run: Run,
    *,
    noise: float = 0.2,
    rows: int = 512,
    epochs: int = 40,
    rate: float = 0.1,
    trials: int = 12,
) -> dict[str, pd.DataFrame]:
    """Replay both loops, let a worker search on the first seed, and compare best and last checkpoint on all.

    Args:
        noise: share of the training labels that are replaced in one arm.
        rows: of the training part.
        trials: of the worker.
    """
    conditions = {
        labels: Condition(
            learning_rate=rate, momentum=0.9, splits=run.splits("digits", (rows, 473, 300), label_noise=share)
        )
        for labels, share in ((_CLEAN, 0.0), (_NOISY, noise))
    }
    curves = train_replicas(
        mlp, None, conditions=conditions, seeds=run.seeds, epochs=run.epochs(epochs), test_every_epoch=True
    ).rename(columns={"condition": "labels"})
    first = curves[(curves.seed == run.seeds[0]) & (curves.labels == _NOISY)].val_loss.tolist()
    return {
        "saves": _saves({"example": _EXAMPLE, "a network": first}),
        "checkpoints": _checkpoints(curves),
        "curves": curves[["labels", "seed", "epoch", "val_loss", "test_accuracy"]],
        "worker": _worker(run.splits("digits", (rows, 473, 300))(run.seeds[0]), run.seeds[0], trials, run.epochs(8)),
    }


def saved_as_written(validation) -> list[int]:
    """The epochs at which the loop of the text saves; `validation` has the losses of each epoch's batches.

    Control flow as printed: `avg_loss` is set to 0 and never added to, and compared after every batch.
    """
    best_loss, saved = 1e9, []
    for epoch, batches in enumerate(validation):
        avg_loss = 0.0
        for _loss in batches:
            if avg_loss < best_loss:
                best_loss = avg_loss
                saved.append(epoch)
    return saved


def saved_when_mended(validation) -> list[int]:
    """The epochs at which the mended loop saves: the batches are averaged, then compared once."""
    best_loss, saved = 1e9, []
    for epoch, batches in enumerate(validation):
        avg_loss = sum(batches) / len(batches)
        if avg_loss < best_loss:
            best_loss = avg_loss
            saved.append(epoch)
    return saved


def saved_by_keras(losses) -> list[int]:
    """The epochs at which `keras.callbacks.ModelCheckpoint(save_best_only=True)` saves."""
    import keras

    saved, now = [], 0
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "best.weights.h5")
        callback = keras.callbacks.ModelCheckpoint(
            path, monitor="val_loss", save_best_only=True, save_weights_only=True
        )
        callback.set_model(SimpleNamespace(save_weights=lambda *_, **__: saved.append(now)))
        for now, loss in enumerate(losses):
            callback.on_epoch_end(now, {"val_loss": loss})
    return saved


def _saves(sequences: dict) -> pd.DataFrame:
    """Each sequence of validation losses as three batches an epoch, and the epochs at which the three loops save."""
    rows = []
    for name, losses in sequences.items():
        validation = [[0.5 * loss, loss, 1.5 * loss] for loss in losses]
        found = {
            "as_written": saved_as_written(validation),
            "mended": saved_when_mended(validation),
            "keras": saved_by_keras([float(np.mean(batches)) for batches in validation]),
        }
        words = {loop: " ".join(map(str, saved)) + " " for loop, saved in found.items()}
        rows.append({"losses": name, "epochs": len(losses), **words})
    return pd.DataFrame(rows)


def _checkpoints(curves: pd.DataFrame) -> pd.DataFrame:
    """The last epoch of each run and the one with the lowest validation loss."""
    sound = curves.assign(val_loss=curves.val_loss.where(~curves.diverged, np.inf))
    runs = sound.groupby(["labels", "seed"], sort=False)
    chosen = {"best": runs.val_loss.idxmin(), "last": runs.epoch.idxmax()}
    columns = ["labels", "seed", "epoch", "test_accuracy", "test_loss", "diverged", "chance_accuracy", "chance_loss"]
    tables = [curves.loc[rows, columns].assign(kept=name) for name, rows in chosen.items()]
    return pd.concat(tables, ignore_index=True).rename(columns={"epoch": "of_epoch"})


def _worker(part, seed: int, trials: int, epochs: int) -> pd.DataFrame:
    """A worker of `textbook.search`: every trial's best validation loss, the epoch it came from, the best so far."""
    import keras

    from textbook.search import random_search

    def build(hp):
        model = mlp(part.x.shape[1:], part.classes)
        rate = hp.Float("learning_rate", 1e-4, 1.0, sampling="log")
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(rate, momentum=0.9), loss)
        return model

    found = random_search(build, part, trials=trials, seed=seed, epochs=epochs).table
    table = found[["trial", "status", "score", "best_epoch", "epochs", "learning_rate"]].assign(seed=seed)
    return table.assign(so_far=table.score.cummin())


def draw(tables: dict[str, pd.DataFrame]):
    """Above, the worker's trials with the best so far, and the epochs at which the loop of the text saves, as printed
    and mended; below, test accuracy by epochs, and what the best checkpoint gains over the last.
    """
    worker, curves, kept = tables["worker"], tables["curves"], tables["checkpoints"]
    fig, axes = plots.figure(2, 2)
    ax = axes[0, 0]
    blue = plots.COLOURS[0]
    ax.plot(worker.trial + 1, worker.score, "o", color="#888888", markersize=5)
    ax.step(worker.trial + 1, worker.so_far, where="post", color=blue, linewidth=2)
    plots.log_axis(ax, "y", at=(0.1, 0.2, 0.5, 1, 2))
    ax.margins(0.05)
    ax.set_ylim(0.55 * worker.score.min(), 1.3 * worker.score.max())
    ax.text(0.97, 0.04, "best so far", transform=ax.transAxes, ha="right", color=blue, fontsize=10.5)
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.set(xlabel="trial of the worker", ylabel="best validation loss (nats)", title="a worker's trials")
    ax = axes[0, 1]
    ax.plot(np.arange(len(_EXAMPLE)), _EXAMPLE, "-", color="#888888", linewidth=1.5)
    row = tables["saves"].set_index("losses").loc["example"]
    for place, (loop, words) in enumerate((("as_written", "as printed"), ("mended", "mended"))):
        look, saved = plots.look(1 - place), [int(epoch) for epoch in str(row[loop]).split()]
        ax.plot(saved, [_EXAMPLE[epoch] - 0.035 + 0.07 * place for epoch in saved], look["marker"],
                color=look["color"], markersize=10, label=f"saves {words}", linestyle="")  # fmt: skip
    ax.legend(loc="upper right")
    ax.set(
        xlabel="epoch (from 0)",
        ylabel="validation loss (nats)",
        ylim=(0.3, 1.15),
        xticks=range(len(_EXAMPLE)),
        xlim=(-0.3, 2.3),
    )
    ax.set_title("the loop of the text")
    shown = curves.assign(percent=100 * curves.test_accuracy)
    looks = plots.looks((_CLEAN, _NOISY))
    plots.band(axes[1, 0], shown, x="epoch", y="percent", hue="labels", looks=looks, names="none")
    axes[1, 0].set(xlabel="epochs", ylabel="test accuracy (%)", ylim=(60, 101), title="as training goes on")
    for name, height in ((_CLEAN, 0.12), (_NOISY, 0.04)):
        axes[1, 0].text(0.97, height, name, transform=axes[1, 0].transAxes, ha="right", color=looks[name]["color"])
    wide = kept.pivot(index=["labels", "seed"], columns="kept", values="test_accuracy")
    gains = (100 * (wide.best - wide["last"])).rename("gain").reset_index()
    gains = gains.sort_values("labels", kind="stable")
    axes[1, 1].axvline(0, color="#222222", linewidth=1)
    plots.dots(axes[1, 1], gains, value="gain", by="labels", looks=looks)
    axes[1, 1].set_yticks(axes[1, 1].get_yticks(), ["clean\nlabels", "wrong\nlabels"][: gains.labels.nunique()])
    axes[1, 1].set(xlabel="test accuracy, best − last (points)", title="best less last checkpoint")
    plots.caption(
        fig,
        f"Digits, 512 training images, MLP 64-64-10, SGD 0.1, momentum 0.9; some training labels wrong. Worker: "
        f"textbook.search, {len(worker)} random rates, {plots.seeds_text(worker)}. Best: lowest validation loss. Bands "
        f"and bars: 95 %; {plots.seeds_text(kept)}.",
    )
    return fig


CLAIMS = (
    Claim(
        "5.11-b/printed",
        "The loop of the text saves the weights whenever the validation loss is the lowest so far.",
        exact(measured="as_written", expected="mended", table="saves", where={"losses": "example"}),
        expected=VIOLATED,
        ask="Validation losses of 0.85, 0.45 and 0.65: after which epochs does the printed loop save?",
        why="`avg_loss` is set to 0 and never added to. At the first batch 0 is below 1e9 and is saved as the best; "
        "nothing is ever below 0 again.",
        beware="It runs without an error and leaves a file, which holds the network after its first epoch.",
        correction="Add each batch's loss to `avg_loss`, divide by their number, and compare after the loop over the "
        "validation batches.",
        reference="Keras documentation, ModelCheckpoint (save_best_only); counted here.",
    ),
    Claim(
        "5.11-b/mended",
        "The mended loop saves after the same epochs as Keras's ModelCheckpoint with save_best_only.",
        exact(measured="mended", expected="keras", table="saves"),
        expected=EXACT,
        ask="And the mended loop, on the same losses?",
        why="Both compare one mean per epoch with the lowest so far.",
        beware="`val_loss` of Keras includes penalties, so the best epoch by it need not have the lowest data loss.",
    ),
    Claim(
        "5.11-b/noise",
        "With wrong training labels, the best checkpoint has a higher test accuracy than the last.",
        paired("test_accuracy", higher="best", than="last", by="kept", table="checkpoints", where={"labels": _NOISY}),
        expected=HOLDS,
        ask="A fifth of the training labels is wrong. What do the epochs after the best one learn?",
        why="Wrong labels can only be learnt by heart, which the later epochs do, at the cost of what was right.",
        beware="The best epoch was chosen on the validation part; its validation loss flatters.",
    ),
    Claim(
        "5.11-b/clean",
        "With clean labels, the best checkpoint has a higher test accuracy than the last.",
        paired("test_accuracy", higher="best", than="last", by="kept", table="checkpoints", where={"labels": _CLEAN}),
        expected=INCONCLUSIVE,
        ask="All labels are right. Is it still worth keeping the best epoch?",
        why="Once the training part is fitted, answers hardly change any more: best and last are nearly one network.",
        beware="Saving both costs little. Which of them is better is not known before.",
    ),
)
