"""6.3 A network with batch norm, layer by layer (배치 정규화 신경망)

The text draws three hidden layers, each as z → z̃ → a. Here the drawing is made from a Keras model: each box is a
layer that is there, with its own shape and its own numbers. Two things show that the text's drawing leaves out. The
layer before batch norm has no bias, because batch norm subtracts the mean and with it whatever constant was added: a
bias there changes nothing in training and has no gradient, and β does its work. And a batch norm has four numbers a
unit, of which γ and β are trained, while the moving mean and variance are only counted.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, Claim, Run, exact
from textbook.models import mlp
from textbook.normalisation import batch_norm
from textbook.seeding import stream, word

ENTRIES = ("6.3-e",)
DATA = "digits"
# float32 keeps a value of size 1 beside a bias of 100 to some 1e-5
_SHIFTS = (0.1, 1.0, 10.0, 100.0)
_SYMBOLS = {"Dense": "z = {left}", "BatchNormalization": "z̃ = γẑ + β", "Activation": "a = {name}(z̃)"}


def measure(
    run: Run, *, hidden: tuple[int, ...] = (32, 32, 16), batch_size: int = 64, activation: str = "relu"
) -> dict[str, pd.DataFrame]:
    """Read the layers off a Keras model, compute it by the text's formulas, and put biases before its batch norms.

    Args:
        hidden: units of each hidden layer.
        batch_size: rows of the mini-batch that is passed through.
        activation: relu, sigmoid or tanh.
    """
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    if activation not in _ACTIVATIONS:
        raise ValueError(f"expected activation as one of {', '.join(_ACTIVATIONS)}, got {activation!r}; mend by relu")
    split = run.splits("digits")
    layers, outputs, shifts = None, [], []
    for seed in run.seeds[:4]:  # identities: more seeds would only repeat them
        train = split(seed).train
        x, y = train.x[:batch_size], train.y[:batch_size]
        keras.utils.set_random_seed(word(seed, "weights"))
        model = mlp(x.shape[1:], split(seed).classes, hidden=hidden, activation=activation, batch_norm="before")
        _unlike_the_start(model, seed)
        layers = _layers(model) if layers is None else layers
        theirs = keras.ops.convert_to_numpy(model(x, training=True))
        mine = _by_hand(model, np.asarray(x, dtype=np.float64), activation)
        outputs.append(pd.DataFrame({"seed": seed, "keras": theirs.ravel(), "by_hand": mine.ravel()}))
        shifts.append(_with_bias(model, x, y, seed))
    return {
        "layers": layers,
        "outputs": pd.concat(outputs, ignore_index=True),
        "shifts": pd.concat(shifts, ignore_index=True),
        "settings": pd.DataFrame([(batch_size, activation)], columns=["batch_size", "activation"]),
    }


_ACTIVATIONS = {
    "relu": lambda z: np.maximum(z, 0),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
}


def _unlike_the_start(model, seed: int) -> None:
    """γ and β that are not 1 and 0, as after some training, so that a mistake in them would show."""
    rng = stream(seed, "masks")
    for norm in _norms(model):
        norm.gamma.assign(rng.uniform(0.5, 1.5, norm.gamma.shape))
        norm.beta.assign(rng.normal(0, 0.5, norm.beta.shape))


def _norms(model):
    return [layer for layer in model.layers if type(layer).__name__ == "BatchNormalization"]


def _layers(model) -> pd.DataFrame:
    """A row for every layer of the model: its kind, its units, and how many numbers are trained or only counted."""

    def numbers(variables):
        return sum(int(np.prod(variable.shape)) for variable in variables)

    return pd.DataFrame(
        [
            (
                type(layer).__name__,
                getattr(getattr(layer, "activation", None), "__name__", ""),
                layer.output.shape[-1],
                numbers(layer.trainable_variables),
                numbers(layer.non_trainable_variables),
                bool(getattr(layer, "use_bias", False)),
            )
            for layer in model.layers
        ],
        columns=["kind", "activation", "units", "trained", "counted", "bias"],
    ).assign(inputs=model.input_shape[-1])


def _by_hand(model, a, activation: str):
    """The text's chain z → z̃ → a in NumPy, with the numbers of the Keras model, as in training."""
    for layer in model.layers:
        weights = [np.asarray(weight, dtype=np.float64) for weight in layer.get_weights()]
        kind = type(layer).__name__
        if kind == "Dense":
            a = a @ weights[0] + (weights[1] if len(weights) > 1 else 0)
        elif kind == "BatchNormalization":
            a, _ = batch_norm(a, weights[0], weights[1], epsilon=layer.epsilon)
        else:
            a = _ACTIVATIONS[activation](a)
    return a


def _with_bias(model, x, y, seed: int) -> pd.DataFrame:
    """The model again, with biases before its batch norms: what a shift of them changes, in either mode.

    `moved` is the largest change of a logit as a share of the logits' spread, `slope` the largest gradient by these
    biases as a share of the largest by β.
    """
    import keras

    from textbook.gradients import LossGradient

    biased = keras.Sequential([keras.Input(model.input_shape[1:])])
    for layer in model.layers:
        settings = layer.get_config() | ({"use_bias": True} if type(layer).__name__ == "Dense" else {})
        biased.add(type(layer).from_config(settings))
    for layer, own in zip(biased.layers, model.layers, strict=True):
        given = own.get_weights()
        missing = layer.weights[len(given) :]
        layer.set_weights([*given, *(np.zeros(bias.shape) for bias in missing)])
    biased.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    for norm in _norms(biased):
        norm.momentum = 0.0  # the moving averages become this mini-batch's moments
    biased(x, training=True)
    gradient = LossGradient(biased, training=True)
    hidden = [layer for layer in biased.layers[:-1] if type(layer).__name__ == "Dense"]
    state, rows = biased.get_weights(), []
    directions = [stream(seed, "order").choice([-1.0, 1.0], layer.units) for layer in hidden]
    before = {mode: keras.ops.convert_to_numpy(biased(x, training=mode)) for mode in (True, False)}
    for shift in _SHIFTS:
        moved = {}
        for mode in (True, False):
            biased.set_weights(state)
            for layer, direction in zip(hidden, directions, strict=True):
                layer.bias.assign(shift * direction)
            logits = keras.ops.convert_to_numpy(biased(x, training=mode))
            moved[mode] = np.abs(logits - before[mode]).max() / before[mode].std()
        slopes = dict(zip([v.path for v in biased.trainable_variables], gradient(x, y), strict=True))
        by_bias = max(np.abs(slopes[layer.bias.path]).max() for layer in hidden)
        by_beta = max(np.abs(slopes[norm.beta.path]).max() for norm in _norms(biased))
        rows.append((seed, shift, moved[True], moved[False], by_bias / by_beta))
    return pd.DataFrame(rows, columns=["seed", "shift", "training", "inference", "slope"])


def draw(tables: dict[str, pd.DataFrame]):
    """Above, the model's layers as boxes with their formulas and their numbers of weights; below, how much a bias
    before batch norm changes the logits in training and in inference.
    """
    layers, shifts, settings = tables["layers"], tables["shifts"], tables["settings"].iloc[0]
    fig, (above, below) = plots.figure(2, 1, size=(7.4, 6.8), height_ratios=[1.25, 1])
    _draw_layers(above, layers)
    worst = shifts.groupby("shift")[["inference", "training"]].max().clip(lower=1e-8)
    for i, mode in enumerate(worst):
        below.plot(worst.index, worst[mode], label=f"{mode} mode", **plots.look(i))
    below.set(xscale="log", yscale="log", ylim=(worst.min().min() / 5, 5 * worst.max().max()))
    below.set(xlabel="size of a bias put before batch norm", ylabel="largest change of a logit\n÷ spread of the logits")
    below.set_title("a bias before batch norm, set by hand")
    below.legend(loc="center right")
    plots.caption(
        fig,
        f"Above: read off the Keras model, {settings.activation}; numbers trained + only counted. Below: the same "
        f"model with biases of random signs before each batch norm, set after the moving averages were taken; digits, "
        f"mini-batch of {settings.batch_size}, the worst of {plots.seeds_text(shifts)}.",
    )
    return fig


def _draw_layers(ax, layers) -> None:
    fills = {"Dense": "#ffffff", "BatchNormalization": plots.COLOURS[1], "Activation": plots.COLOURS[0]}
    columns, column = [], []
    for row in layers.itertuples():
        if row.kind == "Dense" and column:
            columns.append(column)
            column = []
        column.append(row)
    columns.append(column)
    _box(ax, 0, 0, f"x\n{layers.inputs.iloc[0]}", "#eeeeee")
    for place, column in enumerate(columns, start=1):
        heights = (2, 1, 0) if len(column) == 3 else (0,)
        _arrow(ax, (place - 0.65, 0), (place - 0.35, heights[0]))
        for height, row in zip(heights, column, strict=True):
            if height != heights[-1]:
                _arrow(ax, (place, height - 0.38), (place, height - 0.64))
            left = "Wa + b" if row.bias else "Wa"
            symbol = _SYMBOLS[row.kind].format(left=left, name=row.activation)
            count = f"{row.trained:,}" + (f" + {row.counted}" if row.counted else "")
            _box(ax, place, height, f"{symbol}\n{count if row.trained else 'no numbers'}", fills[row.kind])
        name = f"hidden {place}" if len(column) == 3 else "logits"
        ax.text(place, heights[0] + 0.5, f"{name}\n{column[0].units} units", ha="center", va="bottom", fontsize=10)
    ax.set(xlim=(-0.5, len(columns) + 0.5), ylim=(-0.5, 3.2))
    ax.axis("off")


def _arrow(ax, start, end) -> None:
    shown = {"arrowstyle": "-|>", "color": "#333333", "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", end, start, arrowprops=shown)


def _box(ax, x, y, text, fill) -> None:
    ax.barh(y, 0.7, left=x - 0.35, height=0.74, color=fill, alpha=0.55, edgecolor="#333333", linewidth=1)
    ax.text(x, y, text, ha="center", va="center", fontsize=9.5)


CLAIMS = (
    Claim(
        "6.3-e",
        "Each hidden layer is z → z̃ → a: this chain in NumPy gives the outputs of the Keras model that is drawn.",
        exact(measured="keras", expected="by_hand", tolerance=1e-4, table="outputs"),
        expected=EXACT,
        ask="Three matrix products, three batch norms, three activations, one more product: is there anything else in "
        "the model?",
        why="A Dense layer without bias, a batch norm and an activation are the text's three symbols, one each.",
        beware="Equal in training mode, where each batch norm takes the moments of the mini-batch; in inference it "
        "takes its moving averages.",
    ),
    Claim(
        "6.3-e/bias",
        "A bias before batch norm changes no output in training mode, however large it is.",
        exact(measured="training", expected=0.0, tolerance=1e-3, table="shifts"),
        expected=EXACT,
        ask="100 is added to a unit's z for every row of the mini-batch, and then batch norm follows. What changes?",
        why="The mean rises by 100 as well and is subtracted. β, behind it, is the bias that counts: `use_bias=False`.",
        beware="In inference the moving mean is subtracted, which knows nothing of a bias that was changed by hand "
        "since: there the outputs do change.",
    ),
    Claim(
        "6.3-e/gradient",
        "A bias before batch norm has no gradient.",
        exact(measured="slope", expected=0.0, tolerance=1e-3, table="shifts"),
        expected=EXACT,
        ask="If the bias changes no output, how far will training move it?",
        why="The loss does not depend on it, so its slope is 0, but for rounding: it stays where it was.",
        beware="Weight decay, or Adam on the rounding's sign, may still move it. It costs memory and teaches nothing.",
    ),
)
