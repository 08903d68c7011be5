"""Which momentum a training really has, computed from nothing but its weights."""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.schedules import OneCycle
from textbook.seeding import stream

WAYS = ("graph", "callback")


def momentum_in_training(way: str, *, low: float, high: float, updates: int = 60, rows: int = 4) -> pd.DataFrame:
    """Train a softmax regression by `fit` with one cycle of rate and momentum, and solve every update for its momentum.

    Update k moves the weights by d(k) = μ·d(k − 1) − rate·gradient, so μ is
    ⟨d(k) + rate·gradient, d(k − 1)⟩ / |d(k − 1)|².
    The gradient is NumPy's, at the weights before the update. The data are random rows, always the same.

    Args:
        way: "graph", a momentum schedule within `textbook.optimizers.SGD`; or "callback", Keras's SGD whose attributes
            a callback sets before every update, as 1cycle callbacks for Keras do.
        low, high: of the momentum's cycle, from high to low and back.
        rows: in a batch.

    Returns: a row per update from the second on (the first has no step before it): `update` (from 0), `rate`, `mirror`
        (high − (high − low)·height of the rate between its start and its peak), `attribute` (what the optimizer says),
        `momentum` (found in the weights), `compiled` (that of update 0), `way`.
    """
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    from textbook.optimizers import SGD

    cycle = OneCycle.smith(0.5, total=updates, momentum_range=(low, high))
    rate, wanted = cycle(np.arange(updates)), cycle.momentum(np.arange(updates))
    if way == "graph":
        optimizer = SGD(cycle.in_steps(1), momentum=cycle.momentum.in_steps(1))
    else:
        optimizer = keras.optimizers.SGD(rate[0], momentum=wanted[0])
    rng = stream(0, "surface")
    x, y = rng.normal(size=(rows * updates, 8)).astype("float32"), rng.integers(0, 3, rows * updates)
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3, use_bias=False)])
    model.layers[0].kernel.assign(rng.normal(size=(8, 3)))
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    weights, attribute = [], []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if way == "callback":
                self.model.optimizer.learning_rate = rate[batch]
                self.model.optimizer.momentum = wanted[batch]
            attribute.append(float(keras.ops.convert_to_numpy(self.model.optimizer.momentum)))
            weights.append(keras.ops.convert_to_numpy(model.layers[0].kernel).astype(float))

        def on_train_end(self, logs=None):
            weights.append(keras.ops.convert_to_numpy(model.layers[0].kernel).astype(float))

    model.fit(x, y, batch_size=rows, shuffle=False, verbose=0, callbacks=[Watch()])
    found = [np.nan]
    for k in range(1, updates):
        batch = slice(rows * k, rows * (k + 1))
        odds = np.exp(x[batch] @ weights[k])
        gradient = x[batch].T @ (odds / odds.sum(axis=1, keepdims=True) - np.eye(3)[y[batch]]) / rows
        before, step = weights[k] - weights[k - 1], weights[k + 1] - weights[k]
        found.append(float(np.sum((step + rate[k] * gradient) * before) / np.sum(before**2)))
    height = np.clip((rate - rate[0]) / (rate.max() - rate[0]), 0, 1)  # 0 where the last stretch lies below the start
    table = {"update": np.arange(updates), "rate": rate, "mirror": high - (high - low) * height}
    table |= {"attribute": attribute, "momentum": found, "compiled": wanted[0]}
    return pd.DataFrame(table).assign(way=way).iloc[1:]


def draw_momentum(ax, table: pd.DataFrame) -> None:
    """The momentum found in the weights in both ways, with what the callback's attribute says and the rate's shape."""
    graph, callback = (table[table.way == way].set_index("update") for way in WAYS)
    colours, by_hand = plots.COLOURS, "set by a callback: "
    ax.plot(graph.momentum, color=colours[3], lw=2.4, ls="-", label="schedule in the graph")
    ax.plot(callback.momentum, color=colours[0], lw=2.4, ls=(0, (5, 1.6)), label=by_hand + "training")
    ax.plot(callback.attribute, color="#222222", lw=1.2, ls=":", label=by_hand + "attribute")
    bottom, span = graph.momentum.min(), np.ptp(graph.momentum)
    ax.plot(bottom + span * (0.5 * graph.rate / graph.rate.max() - 0.8), color=plots.GREY, lw=1.2, ls="-")
    ax.text(graph.index.max(), bottom - 0.75 * span, "rate", ha="right", va="bottom", color=plots.GREY, fontsize=10)
    ax.set(xlabel="update", ylabel="momentum, from the weights", title="the momentum that training had")
    ax.set_ylim(bottom - 0.9 * span, bottom + 2.1 * span)
    ax.set_yticks(np.linspace(bottom, bottom + span, 3).round(3))  # the rest of the axis is room, not momentum
    ax.legend(loc="upper left", fontsize=9, handlelength=1.8)
