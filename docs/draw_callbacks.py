"""Draws the figures of docs/callbacks.md: python docs/draw_callbacks.py"""

from pathlib import Path

import keras
import numpy as np
import pandas as pd

from textbook import datasets, plots, splits
from textbook.callbacks import BatchLoss, CleanTrainLoss, Diagnose, HyperparameterScheduler
from textbook.schedules import CosineDecay

FIGURES = Path(__file__).parent / "figures"
CROSS_ENTROPY = {"loss": "sparse_categorical_crossentropy"}


def classifier(*, width=64, dropout=0.0, penalty=0.0, optimizer=None):
    keras.utils.set_random_seed(0)
    layers = [
        keras.Input((64,)),
        keras.layers.Dense(width, "relu", kernel_regularizer=keras.regularizers.L2(penalty) if penalty else None),
        *([keras.layers.Dropout(dropout)] if dropout else []),
        keras.layers.Dense(10, "softmax"),
    ]
    model = keras.Sequential(layers)
    model.compile(optimizer or keras.optimizers.Adam(0.003), **CROSS_ENTROPY)
    return model


def clean_train_loss(part):
    model, train, held = classifier(dropout=0.5, penalty=1e-3), part.train, part.validation
    clean = CleanTrainLoss(train.x, train.y, subset=None)
    history = model.fit(
        train.x, train.y, epochs=15, verbose=0, validation_data=(held.x, held.y), callbacks=[clean]
    ).history
    names = {
        "loss": "loss (Keras)",
        "val_loss": "val_loss",
        "clean_objective": "clean_objective",
        "clean_loss": "clean_loss",
    }
    rows = [(name, i + 1, value) for key, name in names.items() for i, value in enumerate(history[key])]
    fig, ax = plots.figure()
    plots.band(ax, pd.DataFrame(rows, columns=["condition", "epoch", "loss"]), x="epoch", y="loss")
    ax.set(xlabel="epoch", ylabel="loss (nats)", ylim=(0, 1))
    plots.caption(
        fig,
        f"Digits, n = {len(train.y)} for training; 64 ReLU units, dropout 0.5, L2 0.001, Adam 0.003; seed 0. Keras's "
        "loss looks worse than validation's; the clean one is better, as it should be.",
    )
    return fig


def batch_loss(part):
    class Logged(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.values = []

        def on_train_batch_end(self, batch, logs=None):
            self.values.append(logs["loss"])

    model, train, each, logged = classifier(), part.train, BatchLoss(), Logged()
    model.fit(train.x, train.y, epochs=2, verbose=0, callbacks=[each, logged])
    fig, ax = plots.figure()
    with plots.style():
        updates = each.table["update"]
        own, mean = (plots.look(i) | {"marker": ""} for i in range(2))
        ax.plot(updates, each.table.loss, **own, label="the batch's own loss (BatchLoss)")
        for epoch, rows in each.table.groupby("epoch"):
            name = None if epoch else 'logs["loss"]: the epoch\'s running mean'
            ax.plot(rows["update"], np.array(logged.values)[rows.index], **mean, label=name)
        ax.legend()
    ax.set(xlabel="update", ylabel="loss (nats)", ylim=(0, None))
    plots.caption(fig, f"Digits, n = {len(train.y)}, batches of 32, two epochs; 64 ReLU units, Adam 0.003; seed 0.")
    return fig


def momentum_used(callback, **compiled):
    """The momentum of each update, read from a weight that no gradient moves: its steps shrink by the momentum."""

    class Weight(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.values = [float(self.model.get_weights()[0].item())]

        def on_train_batch_end(self, batch, logs=None):
            self.values.append(float(self.model.get_weights()[0].item()))

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(0.1, momentum=0.95), "mse", **compiled)
    model.optimizer.build(model.trainable_variables)
    model.set_weights([np.zeros((1, 1))])
    model.optimizer.momentums[0].assign([[1.0]])
    weight, x = Weight(), np.zeros((20, 1))
    model.fit(x, x, batch_size=1, verbose=0, callbacks=[callback, weight])
    steps = np.diff(weight.values)
    return steps / np.concatenate([[1.0], steps[:-1]])


def hyperparameter_scheduler():
    cycle = CosineDecay(0.95, total=20, final=0.5)
    asked = cycle(np.arange(20))

    class Published(keras.callbacks.Callback):
        """What callbacks on the web do."""

        def on_train_batch_begin(self, batch, logs=None):
            self.model.optimizer.momentum = cycle(batch)

    ignored = momentum_used(Published())
    obeyed = momentum_used(HyperparameterScheduler("momentum", cycle.in_steps(1)), run_eagerly=True)
    fig, ax = plots.figure()
    with plots.style():
        ax.plot(asked, color=plots.GREY, linestyle="-", linewidth=5, alpha=0.4, label="asked for")
        ax.plot(ignored, **plots.look(1), label="used: attribute set by a callback, step compiled")
        ax.plot(obeyed, **plots.look(0), label="used: HyperparameterScheduler, run_eagerly=True")
        ax.legend(loc="lower left")
    ax.set(xlabel="update", ylabel="momentum", ylim=(0.45, 1), xticks=range(0, 20, 5))
    plots.caption(
        fig,
        "SGD with a gradient of 0, where each step of the weight is the last one times the momentum. The compiled step "
        "keeps the first value for ever; HyperparameterScheduler refuses it.",
    )
    return fig


def conflicts():
    class Rates(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.used, self.left = [], []

        def on_train_batch_begin(self, batch, logs=None):
            self.used.append(float(self.model.optimizer.learning_rate))

        def on_epoch_end(self, epoch, logs=None):
            self.left.append(float(self.model.optimizer.learning_rate))

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    x, rates = np.zeros((4, 1)), Rates()
    decay = keras.callbacks.LearningRateScheduler(CosineDecay(0.1, total=12))
    plateau = keras.callbacks.ReduceLROnPlateau("loss", factor=0.3, patience=2)
    model.fit(x, x, epochs=12, verbose=0, callbacks=[decay, plateau, rates])
    fig, ax = plots.figure()
    with plots.style():
        epochs = np.arange(1, 13)
        ax.plot(epochs, rates.used, **plots.look(0), label="trained with")
        ax.plot(epochs, rates.left, **plots.look(1), label="left by ReduceLROnPlateau after the epoch")
        ax.legend(loc="upper right")
    ax.set(xlabel="epoch", ylabel="learning rate", ylim=(0, 0.11))
    plots.caption(
        fig,
        "LearningRateScheduler and ReduceLROnPlateau (factor 0.3, patience 2) on a loss that never improves: each "
        "reduction is undone before it trains anything.",
    )
    return fig


def diagnose(part):
    train, held = part.train, part.validation
    rng = np.random.default_rng(0)
    y = np.where(rng.random(200) < 0.1, rng.integers(10, size=200), train.y[:200])
    model, judge = classifier(width=128), Diagnose(chance=np.log(10))
    history = model.fit(
        train.x[:200], y, epochs=45, verbose=0, validation_data=(held.x, held.y), callbacks=[judge]
    ).history
    rows = [(name, i + 1, value) for name in ("loss", "val_loss") for i, value in enumerate(history[name])]
    fig, ax = plots.figure()
    plots.band(ax, pd.DataFrame(rows, columns=["condition", "epoch", "loss"]), x="epoch", y="loss")
    ax.set(xlabel="epoch", ylabel="loss (nats)", ylim=(0, None))
    found = judge.diagnosis
    plots.note(ax, f"{found.verdict}: {found.reason}".replace(" and has", "\nand has").replace(", ", ",\n", 1))
    plots.caption(fig, "Digits, 200 rows of which a tenth has a random label; 128 ReLU units, Adam 0.003; seed 0.")
    return fig


def main():
    part = splits.split(datasets.load("digits"), seed=0)
    figures = {
        "clean-train-loss": clean_train_loss(part),
        "batch-loss": batch_loss(part),
        "hyperparameter-scheduler": hyperparameter_scheduler(),
        "conflicts": conflicts(),
        "diagnose": diagnose(part),
    }
    for name, figure in figures.items():
        with plots.style():
            figure.savefig(FIGURES / f"callbacks-{name}.png")


if __name__ == "__main__":
    main()
