"""8.4.3 Where dropout stands (드롭아웃의 위치)

The text puts dropout between a layer's activation and the next layer. For a ReLU it may as well stand before the
activation: cutting negative values off and silencing nodes commute, exactly, in the forward pass and in the gradient.
For a sigmoid they do not. A node dropped before it still passes on σ(0) = ½, and what is kept has been divided by 1 − p
before it is bent, which it is not at inference. And at the inputs dropout takes away pixels, not what a layer has made
of them.
"""

import functools

import numpy as np
import pandas as pd

from chapters.shared.tuned_arms import rates_text, tuned_arms
from textbook import plots
from textbook.experiment import EXACT, HOLDS, NO_DIFFERENCE, Claim, Run, exact, paired
from textbook.replicas import Condition
from textbook.seeding import stream, word

ENTRIES = ("8.4.3-c",)
DATA = "any"

_NONE, _INPUT, _BEFORE, _AFTER = "nowhere", "at the inputs", "before activation", "after activation"
_PLACES = {"relu": (_NONE, _INPUT, _BEFORE, _AFTER), "sigmoid": (_NONE, _BEFORE, _AFTER)}
_TITLES = {"relu": "ReLU", "sigmoid": "sigmoid"}
# a sigmoid's slope is ¼ at most, and its network learns at larger rates
_RATES = {"relu": (0.01, 0.03, 0.1, 0.3), "sigmoid": (0.03, 0.1, 0.3, 1.0, 3.0)}
_TUNING_SEEDS = 2


def measure(
    run: Run, *, rate: float = 0.5, hidden: int = 64, momentum: float = 0.9, epochs: int = 10
) -> dict[str, pd.DataFrame]:
    """Train a network with dropout in each place at its own best learning rate, and compare the orders node by node.

    Args:
        rate: p, the same wherever dropout stands.
        hidden: units of the hidden layer.
    """
    ends, chosen = [], []
    for activation, places in _PLACES.items():
        # one graph for all places of an activation, which then differ in numbers only
        arms = {
            place: functools.partial(
                _condition, momentum=momentum, strengths={f"{_name(p)}.rate": rate * (p == place) for p in places[1:]}
            )
            for place in places
        }
        curves, best = tuned_arms(
            functools.partial(_network, activation=activation, hidden=hidden),
            run.splits("digits"),
            arms=arms,
            rates=_RATES[activation],
            tuning=run.tuning(_TUNING_SEEDS),
            seeds=run.seeds,
            epochs=run.epochs(epochs),
        )
        last = curves[curves.epoch == curves.epoch.max()].rename(columns={"arm": "place"})
        kept = ["place", "learning_rate", "seed", "epoch", "test_loss", "test_accuracy", "diverged"]
        ends.append(last[[*kept, "chance_loss", "chance_accuracy"]].assign(activation=activation))
        chosen.append(best.assign(activation=activation))
    columns = {"dropout": rate, "hidden": hidden, "momentum": momentum}
    return {
        "ends": pd.concat(ends, ignore_index=True).assign(**columns),
        "chosen": pd.concat(chosen, ignore_index=True),
        "orders": pd.concat([_orders(seed, rate) for seed in run.seeds], ignore_index=True),
    }


def _condition(learning_rate: float, **others) -> Condition:
    return Condition(learning_rate=learning_rate, **others)


def _network(input_shape, outputs: int, *, activation: str, hidden: int):
    """One hidden layer, and a Dropout in every place that this activation is tried with."""
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    def dropout(place: str) -> list:
        return [keras.layers.Dropout(0.5, name=_name(place))] if place in _PLACES[activation] else []

    layers = [keras.Input(tuple(input_shape)), keras.layers.Flatten(), *dropout(_INPUT)]
    layers += [keras.layers.Dense(hidden, kernel_initializer="he_normal"), *dropout(_BEFORE)]
    layers += [keras.layers.Activation(activation), *dropout(_AFTER)]
    return keras.Sequential([*layers, keras.layers.Dense(outputs, kernel_initializer="glorot_uniform")])


def _name(place: str) -> str:
    """Of the Dropout layer that stands there."""
    return place.replace(" ", "-")


def _orders(seed: int, rate: float, *, count: int = 200) -> pd.DataFrame:
    """Dropout then activation, and activation then dropout, on the same values and with the same mask, in Keras."""
    import keras
    import tensorflow as tf

    z = np.sort(stream(seed, "pre-activations").normal(scale=2, size=count)).astype("float32")
    tables = []
    for name in _PLACES:
        outputs, slopes = [], []
        for first in (True, False):
            drop = keras.layers.Dropout(rate, seed=word(seed, "masks"))  # equal seeds, hence equal masks
            bend = keras.layers.Activation(name)
            at = tf.constant(z[None])
            with tf.GradientTape() as tape:
                tape.watch(at)
                value = bend(drop(at, training=True)) if first else drop(bend(at), training=True)
            outputs.append(value.numpy()[0])
            slopes.append(tape.gradient(value, at).numpy()[0])
        mask = keras.layers.Dropout(rate, seed=word(seed, "masks"))(np.ones((1, count), "float32"), training=True)
        table = pd.DataFrame({"activation": name, "seed": seed, "z": z, "dropped": np.asarray(mask)[0] == 0})
        columns = {"before": outputs[0], "after": outputs[1], "slope_before": slopes[0], "slope_after": slopes[1]}
        tables.append(table.assign(**columns))
    return pd.concat(tables, ignore_index=True)


def draw(tables: dict[str, pd.DataFrame]):
    """Above, what a node passes on by its pre-activation with dropout before and after the activation; below, the test
    loss with dropout in each place.
    """
    ends, orders, chosen = tables["ends"], tables["orders"], tables["chosen"]
    fig, axes = plots.figure(2, 2, height_ratios=[1, 1.1])
    one = orders[orders.seed == orders.seed.min()]
    for ax, (activation, rows) in zip(axes[0], one.groupby("activation", sort=False), strict=True):
        for place, (column, name) in enumerate((("before", "dropout first"), ("after", "activation first"))):
            look = {"color": plots.COLOURS[place], "marker": "os"[place], "linestyle": ""}
            size = {"markersize": 6.5 - 3.5 * place, "markerfacecolor": "none" if place == 0 else plots.COLOURS[place]}
            ax.plot(rows.z, rows[column], **look, **size, label=name)
        ax.set(title=_TITLES[activation], xlabel="pre-activation z", ylabel="passed on")
    axes[0][0].legend(loc="upper left", handlelength=1)
    finite = ends.assign(loss=ends.test_loss.mask(ends.diverged, ends.chance_loss))
    colours = {place: plots.look(number) for number, place in enumerate(_PLACES["relu"])}
    for ax, (activation, rows) in zip(axes[1], finite.groupby("activation", sort=False), strict=True):
        plots.dots(ax, rows, value="loss", by="place", looks=colours)
        ax.set(xlabel="test loss (nats)", title=f"{_TITLES[activation]} network")
        ax.set_xlim(0, 1.04 * ax.get_xlim()[1])
    first = ends.iloc[0]
    rates = "; ".join(
        f"{_TITLES[activation]} {rates_text(rows)}" for activation, rows in chosen.groupby("activation", sort=False)
    )
    border = " (* at the border of those tried)" if chosen.border.any() else ""
    plots.caption(
        fig,
        f"Above: Keras's Dropout, p = {first.dropout:g}, the same masks in both orders. Below: digits, MLP "
        f"64-{first.hidden:.0f}-10, momentum {first.momentum:g}, {first.epoch:.0f} epochs. Tuned rates{border}: "
        f"{rates}. Bars: mean, 95 %. {plots.seeds_text(ends)}",
    )
    return fig


def _order(activation: str, **where) -> dict:
    return {"table": "orders", "where": {"activation": activation, **where}, "tolerance": 1e-6}


def _ends(activation: str) -> dict:
    return {"by": "place", "table": "ends", "where": {"activation": activation}}


CLAIMS = (
    Claim(
        "8.4.3-c/relu",
        "Dropout before a ReLU and behind it pass on the same, with the same masks.",
        exact(measured="before", expected="after", **_order("relu")),
        expected=EXACT,
        ask="Drop first and cut negative values off then, or the other way round: where do the two differ?",
        why="ReLU(0) = 0, and ReLU(c·z) = c·ReLU(z) for the factor 1/(1 − p), which is positive.",
        beware="Leaky ReLU commutes too. A layer with an offset of its own in between, such as batch norm, does not.",
    ),
    Claim(
        "8.4.3-c/gradient",
        "Their gradients are the same as well.",
        exact(measured="slope_before", expected="slope_after", **_order("relu")),
        expected=EXACT,
        ask="And going back, through which nodes does a gradient come?",
        why="Either way through those that are kept and above 0, times 1/(1 − p).",
        beware="A gradient that is the same at equal weights and masks is the same training.",
    ),
    Claim(
        "8.4.3-c/same-loss",
        "In a ReLU network, dropout behind the activation ends at a lower test loss than before it.",
        paired("test_loss", lower=_AFTER, than=_BEFORE, **_ends("relu")),
        expected=NO_DIFFERENCE,
        ask="Does the text's place make the ReLU network any better?",
        why="With equal masks the two networks would be one. Here each draws its own masks, and luck is what is left.",
        beware="Two runs of one and the same network scatter by their masks; that is the yardstick here.",
    ),
    Claim(
        "8.4.3-c/half",
        "Dropped before a sigmoid, a node passes on ½ in place of nothing.",
        exact(measured="before", expected=0.5, **_order("sigmoid", dropped=True)),
        expected=EXACT,
        ask="What does a node pass on that was silenced before its sigmoid?",
        why="σ(0) = 1 / (1 + e⁰) = ½: in the middle of its range, not off.",
        beware="tanh(0) = 0, so there a dropped node is silent; but what is kept is still bent otherwise.",
    ),
    Claim(
        "8.4.3-c/sigmoid",
        "In a sigmoid network, dropout behind the activation ends at a lower test loss than before it, each at its own "
        "tuned rate.",
        paired("test_loss", lower=_AFTER, than=_BEFORE, **_ends("sigmoid")),
        expected=HOLDS,
        ask="For a sigmoid the two places are two different networks. Which is the better one?",
        why="Before the activation, the mean over the masks is not what is used at inference: ½σ(2z) + ¼ at p = 0.5 "
        "instead of σ(z). Behind it, the two agree.",
        beware="The same p is not the same noise: a node that changes between σ(2z) and ½ varies less than one that "
        "changes between 2σ(z) and 0.",
    ),
    Claim(
        "8.4.3-c/inputs",
        "At the same p, dropout behind the activation ends at a lower test loss than at the inputs, each at its own "
        "tuned rate.",
        paired("test_loss", lower=_AFTER, than=_INPUT, **_ends("relu")),
        expected=HOLDS,
        ask="Half the pixels dropped, or half the hidden nodes: which costs more?",
        why="Hidden nodes repeat each other's work and can stand in for one another, pixels less so.",
        beware="At the inputs a smaller p is usual; Srivastava et al. drop a fifth there.",
    ),
)
