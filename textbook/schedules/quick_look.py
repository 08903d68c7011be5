"""What a schedule looks like before anything is trained with it: its values as a table and as a picture."""

import math

import numpy as np

from textbook.schedules.arguments import whole
from textbook.schedules.base import Schedule


def table(schedule: Schedule, *, epochs: int | None = None, steps_per_epoch: int = 1):
    """A DataFrame with a row per update: update, epoch, learning_rate and, where there is one, momentum."""
    import pandas as pd  # here and not above: a schedule by itself needs no table

    n = whole("steps_per_epoch", steps_per_epoch, least=1, mend="mend by math.ceil(rows / batch_size)")
    if epochs is None:
        # a duration of 0.3 in 10 steps an epoch is three updates, whatever 0.3 · 10 rounds to
        updates = math.ceil(round(schedule.own_duration() * n, 9))
    else:
        updates = whole("epochs", epochs, least=0, mend="mend by a number of whole epochs") * n
    update = np.arange(updates)
    resolved = schedule.with_updates(n)
    columns = {"update": update, "epoch": update / n, "learning_rate": resolved(update / n)}
    if schedule.has_momentum:
        columns["momentum"] = resolved.momentum(update / n)
    return pd.DataFrame(columns)


def plot(schedule: Schedule, ax=None, *, epochs: int | None = None, steps_per_epoch: int = 1):
    """The rate over epochs on `ax`, each value held for its update; a momentum on an axis at the right."""
    from textbook import plots

    values = table(schedule, epochs=epochs, steps_per_epoch=steps_per_epoch)
    if values.empty:
        raise ValueError("expected at least one epoch to draw, got none; mend by plot(epochs=10)")
    if ax is None:
        _, ax = plots.figure(size=(7.0, 3.6))
    with plots.style():
        end = values.epoch.iloc[-1] + 1 / steps_per_epoch
        _stairs(ax, values.epoch, values.learning_rate, end, **plots.look(0), label="learning rate")
        ax.set(xlabel="epoch", ylabel="learning rate")
        ax.set_ylim(bottom=0)
        if "momentum" in values:
            right = ax.twinx()
            _stairs(right, values.epoch, values.momentum, end, **plots.look(1), label="momentum")
            right.set_ylabel("momentum (dashed)")
            # the style hides it, and an axis without its line is read as the other one's
            right.spines["right"].set_visible(True)
            right.grid(visible=False)
    return ax


def _stairs(ax, at, values, end, **look):
    # the last value is in force until its own update is over
    ax.plot([*at, end], [*values, values.iloc[-1]], drawstyle="steps-post", **{**look, "marker": ""})
