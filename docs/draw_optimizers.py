"""Draws docs/figures/optimizers-momentum.png: the momentum that a compiled fit really used, recovered from its weights.

One weight whose gradient is 1 moves by its velocity v(k) = μ(k)·v(k − 1) − η, so its path tells μ(k). Run it from the
repository's root: python docs/draw_optimizers.py
"""

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from textbook import plots
from textbook.book_style import darker
from textbook.optimizers import SGD
from textbook.schedules import Schedule

RATE, UPDATES = 0.125, 60


@dataclass(frozen=True)
class Valley(Schedule):
    """1cycle's momentum in its simplest form: down to `low` at t = bottom, and back to `high`."""

    high: float = 0.95
    low: float = 0.75
    bottom: float = 30.0

    def formula(self, t, xp):
        return self.high - (self.high - self.low) * xp.maximum(0.0, 1 - xp.abs(t / self.bottom - 1))


class MomentumFromCallback(keras.callbacks.Callback):
    """Sets the attribute before each batch, as callbacks found on the web do."""

    def __init__(self, momentum):
        super().__init__()
        self.momentum, self.update = momentum, 0

    def on_train_batch_begin(self, batch, logs=None):
        self.model.optimizer.momentum = self.momentum(self.update)
        self.update += 1


class Path1D(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.weights = [self.model.get_weights()[0].item()]

    def on_train_batch_end(self, batch, logs=None):
        self.weights.append(self.model.get_weights()[0].item())


def momentum_used(optimizer, callbacks=()) -> np.ndarray:
    """μ(k) for k = 1 … UPDATES − 1 of a fit with this optimizer; the first update has no velocity to keep."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(optimizer, lambda y, prediction: keras.ops.mean(prediction))
    path, ones = Path1D(), np.ones((UPDATES, 1))
    model.fit(ones, ones, batch_size=1, shuffle=False, verbose=0, callbacks=[*callbacks, path])
    velocity = np.diff(path.weights)
    return (velocity[1:] + RATE) / velocity[:-1]


def main():
    cycle, updates = Valley(), np.arange(1, UPDATES)
    ignored = momentum_used(keras.optimizers.SGD(RATE, momentum=0.95), [MomentumFromCallback(cycle)])
    heeded = momentum_used(SGD(RATE, momentum=cycle.in_steps(1)))
    with plots.style():
        fig, ax = plots.figure()
        ax.plot(updates, cycle(updates), color=plots.GREY, alpha=0.35, linewidth=9)
        for i, used in ((1, ignored), (0, heeded)):
            ax.plot(updates, used, **{**plots.look(i), "marker": ""}, linewidth=2.4)
        ax.set(xlabel="update", ylabel="momentum that the update used", ylim=(0.73, 0.985))
        for at, height, text, colour in (
            (30, 0.958, "Keras's SGD, attribute set by a callback", plots.COLOURS[1]),
            (30, 0.86, "textbook's SGD,\na schedule", plots.COLOURS[0]),
            (6.5, 0.83, "asked for\n(grey)", plots.GREY),
        ):
            ax.text(at, height, text, ha="center", color=darker(colour), fontsize=12)
        plots.caption(
            fig,
            f"One weight with gradient 1, rate {RATE:g}, {UPDATES} updates of a compiled fit "
            f"(Keras {keras.__version__} on {keras.backend.backend()}); n = 1 run, nothing is random.",
        )
        fig.savefig(Path(__file__).with_name("figures") / "optimizers-momentum.png", dpi=150)


if __name__ == "__main__":
    main()
