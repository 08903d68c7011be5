"""Draws the figures of callbacks_weights.md: python docs/draw_callbacks_weights.py"""

from functools import partial
from pathlib import Path

import keras
import numpy as np

from textbook import datasets, plots, splits
from textbook.callbacks.activation_statistics import ActivationStatistics
from textbook.callbacks.gradient_noise import GradientNoise
from textbook.callbacks.snapshot_ensemble import SnapshotEnsemble
from textbook.callbacks.update_ratio import UpdateRatio
from textbook.callbacks.weight_average import WeightAverage
from textbook.models import mlp
from textbook.schedules import CosineDecay

FIGURES = Path(__file__).parent / "figures"
LOSS = partial(keras.losses.SparseCategoricalCrossentropy, from_logits=True)
WHERE = "digits, MLP 64-64-10, SGD, batch 32, one seed"


def trained(part, callbacks, *, rate, epochs, hidden=(64,), batch_size=32):
    """A trained network and its history."""
    keras.utils.set_random_seed(0)
    model = mlp((64,), 10, hidden=hidden)
    model.compile(keras.optimizers.SGD(rate), LOSS())
    validation = (part.validation.x, part.validation.y)
    history = model.fit(
        part.train.x,
        part.train.y,
        epochs=epochs,
        batch_size=batch_size,
        validation_data=validation,
        verbose=0,
        callbacks=callbacks,
    )
    return model, history.history


def save(fig, name, caption):
    plots.caption(fig, caption)
    with plots.style():
        fig.savefig(FIGURES / f"callbacks-{name}.png")


def draw_update_ratio(part):
    fig, ax = plots.figure()
    with plots.style():
        for i, rate in enumerate((0.003, 0.03, 0.3)):
            ratios = UpdateRatio(every=5)
            trained(part, [ratios], rate=rate, epochs=6)
            first = ratios.table[ratios.table.layer == ratios.table.layer[0]]
            look = plots.look(i) | {"marker": ""}
            ax.plot(first["update"], first.ratio, **look, label=f"rate {rate:g}")
        ax.axhline(1e-3, color=plots.GREY, linewidth=1)
        ax.text(0, 1.07e-3, "rule of thumb 10⁻³", color=plots.GREY, fontsize=10, va="bottom")
        ax.set(yscale="log", xlabel="update", ylabel="‖Δw‖ / ‖w‖ of the first kernel", title="How far an update moves")
        ax.set_ylim(5e-5, None)
        ax.legend(loc="lower center", ncols=3)
    save(fig, "update-ratio", f"{WHERE}. Every 5th update.")


def draw_gradient_noise(part):
    noise = GradientNoise(part.train.x, part.train.y, small=8)
    trained(part, [noise], rate=0.1, epochs=12)
    table = noise.table
    fig, ax = plots.figure()
    with plots.style():
        ax.fill_between(table.epoch, table.low, table.high, alpha=0.18, linewidth=0)
        ax.plot(table.epoch, table.noise_scale, "o-")
        ax.axhline(32, color=plots.GREY, linewidth=1)
        ax.text(12, 34, "batch size 32", color=plots.GREY, fontsize=10, ha="right", va="bottom")
        ax.set(yscale="log", xlabel="epoch", ylabel="tr Σ / |G|² (rows)", title="The noise scale grows")
    rows = table.big[0]
    save(fig, "gradient-noise", f"{WHERE}, rate 0.1. {rows} rows in batches of 8; band: 95 % jackknife interval.")


def draw_activation_statistics(part):
    fig, ax = plots.figure()
    with plots.style():
        for i, rate in enumerate((0.1, 1.0)):
            probe = ActivationStatistics(part.validation.x)
            trained(part, [probe], rate=rate, epochs=10, hidden=(64, 64, 64))
            table = probe.table
            relus = table[table.layer.isin([name for name in table.layer.unique() if "activation" in name])]
            dead = relus.groupby("epoch").dead.mean()
            ax.plot(dead.index, 100 * dead, **plots.look(i), label=f"rate {rate:g}")
        ax.set(xlabel="epoch", ylabel="dead hidden units (%)", title="Units that no sample opens", ylim=(0, None))
        ax.legend(loc="center right")
    caption = "digits, MLP 64-64-64-64-10 with ReLU, SGD, batch 32, one seed. Probe: all validation rows."
    save(fig, "activation-statistics", caption)


def draw_snapshot_ensemble(part):
    cycle, count = 8, 5
    wave = CosineDecay(0.5, total=cycle)
    snapshots = SnapshotEnsemble(cycle, logits=True)
    rate = keras.callbacks.LearningRateScheduler(lambda epoch: wave(epoch % cycle))
    trained(part, [rate, snapshots], rate=0.5, epochs=cycle * count)
    x, y = part.validation.x, part.validation.y

    def loss(probabilities):
        return -np.log(np.maximum(probabilities[np.arange(len(y)), y], 1e-12)).mean()

    losses = []
    members = snapshots.members
    for member in members:
        snapshots.members = [member]
        losses.append(loss(snapshots.predict(x)))
    together = []
    for taken in range(1, count + 1):
        snapshots.members = members[max(0, taken - 3) : taken]
        together.append(loss(snapshots.predict(x)))
    fig, ax = plots.figure()
    with plots.style():
        numbers = np.arange(1, count + 1)
        ax.plot(numbers, losses, **plots.look(0), label="this member alone")
        ax.plot(numbers, together, **plots.look(1), label="mean of the last three (keep=3)")
        ax.set(xlabel="member (one every 8 epochs)", ylabel="validation loss (nats)", title="Members and their mean")
        ax.set_xticks(numbers)
        ax.legend()
    save(fig, "snapshot-ensemble", f"{WHERE}, rate 0.5 falling to 0 along a cosine, anew every 8 epochs.")


def draw_weight_average(part):
    validation = (part.validation.x, part.validation.y)
    average = WeightAverage(start=5, validation=validation, evaluate_every=1)
    _, history = trained(part, [average], rate=0.8, epochs=15, batch_size=8)
    late = history["average_val_loss"]
    fig, ax = plots.figure()
    with plots.style():
        epochs = np.arange(1, 16)
        ax.plot(epochs, history["val_loss"], **plots.look(0), label="weights of training")
        ax.plot(epochs[-len(late) :], late, **plots.look(1), label="their average from epoch 6 on")
        ax.set(
            yscale="log",
            xlabel="epoch",
            ylabel="validation loss (nats)",
            title="Weights that rattle, and their average",
        )
        ax.legend()
    save(fig, "weight-average", "digits, MLP 64-64-10, SGD, batch 8, one seed, rate 0.8 held constant.")


def main():
    part = splits.split(datasets.load("digits"), seed=0, sizes=(0.7, 0.15, 0.15), stratify=True)
    FIGURES.mkdir(exist_ok=True)
    draw_update_ratio(part)
    draw_gradient_noise(part)
    draw_activation_statistics(part)
    draw_snapshot_ensemble(part)
    draw_weight_average(part)


if __name__ == "__main__":
    main()
