"""8.5 Where batch norm goes (배치 정규화의 위치)

The text puts batch norm between the linear layer and the activation, "where dropout was inserted", and its code puts it
behind the activation. Dropout's place is behind the activation too, so these are two places, and the text names both.
Both work. The original paper normalises before the activation, where values are more like a bell; behind it, the next
layer gets inputs of mean 0. With a rate of its own for each, they end within a point, and these seeds do not tell which
is ahead; how large a rate either bears is another question. The code is torch's: Keras's numbers by these names differ.
"""

import functools
import itertools

import numpy as np
import pandas as pd

from chapters.shared.seeded_starts import seeded_starts
from chapters.shared.tuned_arms import best_rates, rates_text
from textbook import plots
from textbook.experiment import EXACT, HOLDS, INCONCLUSIVE, VIOLATED, Claim, Run, equivalent, exact, paired
from textbook.replicas import Condition, train_replicas
from textbook.seeding import stream

ENTRIES = ("8.5-f",)
DATA = "any"

BEFORE, AFTER = "before", "after"
RATES = (0.01, 0.03, 0.1, 0.3, 1.0)
USUAL, LARGE, TINY = 0.1, 1.0, 0.001
SIZES = (300, 200, 100, 50, 10)  # of the text's network
SLOPE, EPSILON, MOMENTUM = 0.01, 1e-5, 0.9  # torch's defaults, in Keras's words
FIRST, SECOND = "slope in front", "slope behind"  # of batch norm
_TUNING_SEEDS = 2


def measure(
    run: Run, *, hidden: tuple[int, ...] = (64, 64, 64), momentum: float = 0.9, epochs: int = 6, early: int = 2
) -> dict[str, pd.DataFrame]:
    """Port the text's network, and train one of its depth with batch norm in either place, over a grid of rates.

    Args:
        hidden: units of the trained networks' hidden layers.
        momentum: of the optimizer.
        early: epochs after which torch's and Keras's defaults are compared.
    """
    splits, tuning = run.splits("digits"), run.tuning(_TUNING_SEEDS)
    seeds, build = (*tuning, *run.seeds), functools.partial(network, hidden=tuple(hidden))
    slopes = {
        (BEFORE, "torch"): {FIRST: 1.0, SECOND: SLOPE},
        (AFTER, "torch"): {FIRST: SLOPE, SECOND: 1.0},
        (AFTER, "Keras"): {FIRST: _keras("slope"), SECOND: 1.0},
    }
    starts = seeded_starts(build, splits, seeds, slopes)
    condition = functools.partial(Condition, momentum=momentum)
    conditions = {
        f"{place}|{rate:g}|torch": condition(learning_rate=rate, initial_weights=starts[place, "torch"])
        for place in (BEFORE, AFTER)
        for rate in (TINY, *RATES)
    }
    theirs = {f"batch_normalization.{name}": _keras(name) for name in ("epsilon", "momentum")}
    for numbers, strengths in (("torch", None), ("Keras", theirs)):
        conditions[f"{AFTER}|{USUAL:g}|{numbers}, early"] = condition(
            learning_rate=USUAL,
            initial_weights=starts[AFTER, numbers],
            strengths=strengths,
            epochs=min(early, run.epochs(epochs)),
        )
    curves = train_replicas(build, splits, conditions=conditions, seeds=seeds, epochs=run.epochs(epochs), batch_size=32)
    last = curves.loc[curves.groupby(["condition", "seed"]).epoch.idxmax()].copy()
    last[["place", "rate", "numbers"]] = last.condition.str.split("|", expand=True)
    last = last.astype({"rate": float})
    ours = last[last.numbers == "torch"]
    chosen = best_rates(ours[ours.seed.isin(tuning) & ours.rate.isin(RATES)].assign(arm=ours.place))
    last = last[last.seed.isin(run.seeds)]
    columns = ["place", "rate", "numbers", "seed", "epoch", "test_loss", "test_accuracy", "chance_loss",
               "chance_accuracy", "diverged"]  # fmt: skip
    split = splits(run.seeds[0])
    sizes = (np.prod(split.x.shape[1:]), *hidden, split.classes)
    ends = last[last.numbers == "torch"][columns].assign(sizes="-".join(map(str, sizes)))
    return {
        "ends": ends.reset_index(drop=True),
        "tuned": _tuned(ends, chosen),
        "early": last[last.numbers.str.contains("early")][columns].reset_index(drop=True),
        "chosen": chosen,
        **_ported(run.seeds[0]),
    }


def network(input_shape, outputs: int, *, hidden, place: str | None = None):
    """The text's network in Keras with torch's numbers: leaky ReLUs, whose slope is a weight that nobody trains.

    Args:
        place: of batch norm, "after", as in the text's code, or "before" each activation. None has an activation on
            either side: with slope 1 one of them does nothing, and a single graph trains both places.
    """
    import keras
    from keras import ops

    class Leaky(keras.layers.Layer):
        def __init__(self, weight):
            super().__init__()
            start = keras.initializers.Constant(SLOPE)
            self.slope = self.add_weight(name=weight, shape=(), initializer=start, trainable=False)

        def call(self, inputs):
            return ops.where(inputs > 0, inputs, self.slope * inputs)

    layers = [keras.Input(tuple(input_shape))]
    if len(tuple(input_shape)) > 1:
        layers.append(keras.layers.Flatten())
    for units in hidden:
        layers.append(keras.layers.Dense(units, kernel_initializer="he_normal"))
        if place != BEFORE:
            layers.append(Leaky(FIRST))
        layers.append(keras.layers.BatchNormalization(epsilon=EPSILON, momentum=MOMENTUM))
        if place != AFTER:
            layers.append(Leaky(SECOND))
    return keras.Sequential([*layers, keras.layers.Dense(outputs)])


def _keras(name: str) -> float:
    """A default of the installed Keras."""
    import keras

    leaky, norm = keras.layers.LeakyReLU(), keras.layers.BatchNormalization()
    return {"slope": leaky.negative_slope, "epsilon": norm.epsilon, "momentum": norm.momentum}[name]


def _tuned(ends: pd.DataFrame, chosen: pd.DataFrame) -> pd.DataFrame:
    """Both places at their chosen rates, and a rate that is too small, as an arm known to be bad."""
    rates = dict(zip(chosen.arm, chosen.rate, strict=True))
    tuned = ends[ends.rate == ends.place.map(rates)].assign(arm=lambda rows: rows.place)
    bad = ends[(ends.place == BEFORE) & (ends.rate == TINY)].assign(arm="rate too small")
    return pd.concat([tuned, bad], ignore_index=True)


def _ported(seed: int) -> dict[str, pd.DataFrame]:
    """The text's own sizes: numbers counted, outputs against NumPy, and outputs with batch norm in the other place."""
    from textbook.normalisation import batch_norm

    inputs, *hidden, outputs = SIZES
    models = {place: network((inputs,), outputs, place=place, hidden=hidden) for place in (BEFORE, AFTER)}
    random, pairs = stream(seed, "port"), list(itertools.pairwise(SIZES))
    kernels = [random.normal(scale=above**-0.5, size=(above, below)) for above, below in pairs]
    x = random.normal(size=(64, inputs)).astype("float32")
    values = x.astype(float)
    for kernel in kernels[:-1]:
        linear = values @ kernel
        values, _ = batch_norm(np.where(linear > 0, linear, SLOPE * linear), epsilon=EPSILON)
    for place, model in models.items():
        ours = iter(kernels)
        model.set_weights([next(ours) if array.ndim == 2 else array for array in model.get_weights()])
        models[place] = model, np.asarray(model(x, training=True)).ravel()
    model, out = models[AFTER]
    counted = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    moving = sum(int(np.prod(v.shape)) for v in model.non_trainable_variables if "moving" in v.name)
    formula = sum(a * b + b for a, b in pairs) + sum(2 * units for units in hidden)
    size = [("trainable", counted, formula), ("moving", moving, sum(2 * units for units in hidden))]
    kinds = [(place, [type(layer).__name__ for layer in made.layers[:3]]) for place, (made, _) in models.items()]
    return {
        "size": pd.DataFrame(size, columns=["what", "keras", "torch"]),
        "port": pd.DataFrame(
            {"keras": out, "numpy": (values @ kernels[-1]).ravel(), "other_place": models[BEFORE][1]}
        ),
        "blocks": pd.DataFrame([(p, order, kind) for p, names in kinds for order, kind in enumerate(names)],
                               columns=["place", "order", "layer"]),
    }  # fmt: skip


def draw(tables: dict[str, pd.DataFrame]):
    """Left, a block with batch norm before and one with it after the activation; right, both test errors by rate."""
    ends, chosen, blocks = tables["ends"], tables["chosen"], tables["blocks"]
    fig, (left, right) = plots.figure(1, 2, width_ratios=[1, 1.15])
    words = {"Dense": "linear", "BatchNormalization": "batch norm", "Leaky": "leaky ReLU"}
    titles = {BEFORE: "before:\nthe paper", AFTER: "after: the\ntext's code"}
    for column, place in enumerate(titles):
        look, rows = plots.look(column), blocks[blocks.place == place].sort_values("order")
        steps = [*[words[kind] for kind in rows.layer], "(dropout)"]
        for row, step in enumerate(steps):
            special = step == "batch norm"
            box = {"boxstyle": "round,pad=0.45", "edgecolor": look["color"] if special else plots.GREY, "linewidth": 2,
                   "facecolor": look["color"] if special else "white"}  # fmt: skip
            left.text(column, -row, step, ha="center", va="center", fontsize=11, bbox=box,
                      color="white" if special else "#222222")  # fmt: skip
            if row:
                left.annotate("", (column, -row + 0.26), (column, -row + 0.74), arrowprops={"arrowstyle": "->"})
        left.text(column, 0.55, titles[place], ha="center", va="bottom", fontsize=11)
    left.set(xlim=(-0.6, 1.6), ylim=(-3.5, 1.3))
    left.axis("off")
    shown = ends[ends.rate > TINY].sort_values("place", ascending=False)
    accuracy = shown.test_accuracy.where(~shown.diverged, shown.chance_accuracy)
    # a log axis, since the differences that matter are small ones; 0.1 % stands for none
    lines = shown.assign(error=(100 * (1 - accuracy)).clip(lower=0.1))
    plots.band(right, lines, x="rate", y="error", hue="place", names="legend", log=True, looks=plots.looks(titles))
    plots.log_axis(right, "x", at=sorted(shown.rate.unique()))
    plots.log_axis(right, "y")
    right.legend(title="batch norm … the activation", loc="upper left")
    right.set(xlabel="learning rate", ylabel="test error (%)")
    first, early = ends.iloc[0], tables["early"]
    loss = early.groupby("numbers").test_loss.mean()
    plots.caption(
        fig,
        f"Digits, MLP {first.sizes} with torch's numbers, SGD with momentum, {first.epoch} epochs; best rates on other "
        f"seeds (* border): {rates_text(chosen)}. Batch norm after, rate {USUAL:g}, {early.epoch.iloc[0]} epochs: test "
        f"loss {loss['torch, early']:.2f}; with Keras's defaults {loss['Keras, early']:.2f}. Geometric mean, 95 % "
        f"band; {plots.seeds_text(ends)}.",
    )
    return fig


_TWO_PLACES = (
    "Between the linear layer and the activation is one place, behind the activation, where dropout stands, another. "
    "The original paper normalises before the activation; the text's code does so after it. Both work."
)
_DEFAULTS = (
    "In Keras the code's names have other numbers: LeakyReLU's slope is 0.3 (torch 0.01), batch norm's ε 1e-3 (1e-5), "
    "and its momentum 0.99 is the weight of the old average (torch's 0.1 is that of the new batch, Keras's 0.9)."
)
_PAPER = "Ioffe and Szegedy (2015), arXiv:1502.03167, section 3.2"


def _better_at(rate: float):
    return paired("test_accuracy", higher=BEFORE, than=AFTER, by="place", table="ends", where={"rate": rate})


CLAIMS = (
    Claim(
        "8.5-f/place",
        "Between linear layer and activation is where dropout was inserted: with the same weights, batch norm in "
        "either place gives the same outputs.",
        exact(measured="other_place", expected="keras", tolerance=0.01, table="port"),
        expected=VIOLATED,
        ask="Text, figure and code name a place for batch norm. Do all three name the same one?",
        why="Normalising and then cutting off the negative half is not cutting off and then normalising.",
        beware="Weights trained with batch norm in one place are of no use with it in the other.",
        correction=_TWO_PLACES,
        reference=_PAPER,
    ),
    Claim(
        "8.5-f/size",
        "Ported to Keras, the text's network has as many trainable numbers and moving statistics as torch's: 86,560 "
        "and 700.",
        exact(measured="keras", expected="torch", table="size"),
        expected=EXACT,
        ask="Weights, biases, γ and β: how many numbers has a 300-200-100-50-10 network with three batch norms?",
        why="Each linear layer has in × out weights and out biases, each batch norm two trained numbers a unit and two "
        "moving ones.",
        beware="With batch norm before the activation, the biases are of no effect: use_bias=False saves them.",
    ),
    Claim(
        "8.5-f/port",
        "With torch's numbers spelled out, the Keras network gives in training what the text's formulas give.",
        exact(measured="keras", expected="numpy", tolerance=1e-3, table="port"),
        expected=EXACT,
        ask="LeakyReLU(0.01), ε = 1e-5: is that all it takes to have torch's network in Keras?",
        why="The same formulas with the same numbers, once in Keras and once in NumPy.",
        beware="In inference a trace is left: torch averages the variance that divides by n − 1, Keras the one that "
        "divides by n.",
    ),
    Claim(
        "8.5-f/equal",
        "Each at its own tuned rate, batch norm before and after the activation give the same test accuracy.",
        equivalent("test_accuracy", conditions=(BEFORE, AFTER), bad="rate too small", by="arm", table="tuned"),
        expected=HOLDS,
        ask="Text and code disagree. Which of the two would you rather have?",
        why="Either way each layer's inputs are kept at a size that its weights can work with.",
        beware="One shallow network on digits. In residual networks the place matters for other reasons.",
    ),
    Claim(
        "8.5-f/usual",
        "At rate 0.1, batch norm before the activation is more accurate than after it.",
        _better_at(USUAL),
        expected=INCONCLUSIVE,
        ask="Both get the same rate, 0.1, tuned for neither. Is there a difference?",
        why="At a rate that suits both, what is left is small.",
        beware="A comparison at one rate is one of the rate as much as of the place.",
    ),
    Claim(
        "8.5-f/large",
        "At rate 1, batch norm before the activation is more accurate than after it.",
        _better_at(LARGE),
        expected=HOLDS,
        ask="Ten times a good rate, with momentum. Which place bears it better?",
        why="Before the activation, the weights' size drops out of the layer's output, so that a layer blown up by "
        "large steps does no harm. Behind it, kernel and biases can push units to where they are always or never on.",
        beware="Nobody needs rate 1 here. But with a safety margin a rate need not be found as exactly.",
        correction=_TWO_PLACES,
        reference=_PAPER,
    ),
    Claim(
        "8.5-f/defaults",
        "Copied name by name, with Keras's defaults, the text's network has a higher test loss after two epochs.",
        paired("test_loss", higher="Keras, early", than="torch, early", by="numbers", table="early"),
        expected=HOLDS,
        ask="LeakyReLU() and BatchNormalization(), nothing else set. What is different after two epochs?",
        why="A moving average with momentum 0.99 remembers its start for some hundred updates, and inference uses it.",
        beware="The training loss shows nothing of it, and after many epochs neither does the test.",
        correction=_DEFAULTS,
        reference="Keras and PyTorch documentation of LeakyReLU and batch normalisation",
    ),
)
