"""6.3 Scale and shift (감마와 베타)

After the normalisation, γ stretches and β shifts. The text gives the reason that a sigmoid's outputs would otherwise
sit around 0, and that γ and β keep the non-linearity. The outputs sit around one half, since σ(0) = ½. The point is
another: values of mean 0 and standard deviation 1 stay where the sigmoid is nearly straight, and a network of nearly
straight layers is nearly one straight layer. γ and β make nothing non-linear: they multiply and add. They give back
the freedom that the normalisation took, up to undoing it with γ = √(σ² + ε) and β = μ. Whether a network needs that
freedom depends on its activation.
"""

import functools

import numpy as np
import pandas as pd

from chapters.shared.seeded_starts import seeded_starts
from chapters.shared.tuned_arms import best_rates, rates_text
from textbook import plots
from textbook.experiment import EXACT, HOLDS, INCONCLUSIVE, VIOLATED, Claim, Run, exact, paired
from textbook.replicas import Condition
from textbook.seeding import stream

ENTRIES = ("6.3-g",)
DATA = "any"

LEARNED, FIXED = "γ, β learned", "γ, β fixed"
ARMS = tuple((name, how) for name in ("sigmoid", "relu") for how in (LEARNED, FIXED))
RATES = (0.01, 0.03, 0.1, 0.3)
_TUNING_SEEDS = 2
_GAMMAS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
_POINTS = 20_001


def measure(
    run: Run, *, width: int = 64, depth: int = 3, momentum: float = 0.9, epochs: int = 10
) -> dict[str, pd.DataFrame]:
    """Fit lines to sigmoids, undo a normalisation, train with γ and β learned and fixed; each arm tries the same rates.

    Args:
        width, depth: of the networks' hidden layers.
        epochs: of every training.
    """
    from textbook.replicas.trainer import ReplicaTrainer  # here, because a cached run loads no TensorFlow

    splits, epochs, tuning = run.splits("digits"), run.epochs(epochs), run.tuning(_TUNING_SEEDS)
    build, seeds = functools.partial(network, width=width, depth=depth), (*tuning, *run.seeds)
    arms = {(name, how): {"sigmoid": float(name == "sigmoid"), "learn": float(how == LEARNED)} for name, how in ARMS}
    starts = seeded_starts(build, splits, seeds, arms)

    def train(pairs, seeds):
        conditions = {
            f"{name}|{how}|{rate:g}": Condition(
                learning_rate=rate, momentum=momentum, initial_weights=starts[name, how]
            )
            for (name, how), rate in pairs
        }
        result = ReplicaTrainer(build, splits, conditions=conditions, seeds=seeds, epochs=epochs).run()
        last = result.table[result.table.epoch == epochs].copy()
        last[["activation", "how", "rate"]] = last.condition.str.split("|", expand=True)
        return result, last.assign(rate=last.rate.astype(float), arm=list(zip(last.activation, last.how, strict=True)))

    chosen = best_rates(train([(arm, rate) for arm in arms for rate in RATES], tuning)[1])
    result, judged = train(list(zip(chosen.arm, chosen.rate, strict=True)), run.seeds)
    chosen["arm"] = [", ".join(arm) for arm in chosen.arm]
    columns = ["activation", "how", "rate", "seed", "epoch", "test_loss", "chance_loss", "diverged"]
    return {
        "line": _line(),
        "undone": _undone(run.seeds[0]),
        "straight": _straight(run.seeds[0]),
        "ends": judged[columns].assign(width=width, depth=depth),
        "chosen": chosen,
        "weights": _weights(result, judged[judged.how == LEARNED]),
    }


def network(input_shape, outputs: int, *, width: int, depth: int):
    """An MLP with batch norm whose arms share one graph, told apart by two weights of each layer that nobody trains.

    "learn" is 1 where γ and β are learned and 0 where they stay 1 and 0; "sigmoid" is 1 for a sigmoid, 0 for a ReLU.
    """
    import keras
    from keras import ops

    class ScaleShiftActivation(keras.layers.Layer):
        def build(self, shape):
            self.scale = self.add_weight(name="scale", shape=(shape[-1],), initializer="zeros")
            self.shift = self.add_weight(name="shift", shape=(shape[-1],), initializer="zeros")
            self.learn = self.add_weight(name="learn", shape=(), initializer="ones", trainable=False)
            self.sigmoid = self.add_weight(name="sigmoid", shape=(), initializer="ones", trainable=False)

        def call(self, inputs):
            # γ = 1 + scale; where learn is 0 the gradient is 0 as well
            z = inputs * (1 + self.learn * self.scale) + self.learn * self.shift
            return self.sigmoid * ops.sigmoid(z) + (1 - self.sigmoid) * ops.relu(z)

    layers = [keras.Input(tuple(input_shape)), keras.layers.Flatten()]
    for _ in range(depth):
        layers += [
            keras.layers.Dense(width, kernel_initializer="he_normal", use_bias=False),
            keras.layers.BatchNormalization(momentum=0.9, scale=False, center=False),
            ScaleShiftActivation(),
        ]
    return keras.Sequential([*layers, keras.layers.Dense(outputs)])


def _weights(result, learned: pd.DataFrame) -> pd.DataFrame:
    """The learned γ and β of every unit, for each activation and the first two seeds: their units are many."""
    rows = []
    for run in learned[learned.seed.isin(sorted(learned.seed.unique())[:2])].itertuples():
        values = {"scale": [], "shift": []}
        for variable in result.trained(f"{run.activation}|{run.how}|{run.rate:g}", run.seed).trainable_variables:
            if variable.name in values:
                values[variable.name].append(np.array(variable.value))
        gamma, beta = 1 + np.concatenate(values["scale"]), np.concatenate(values["shift"])
        rows.append(pd.DataFrame({"activation": run.activation, "seed": run.seed, "gamma": gamma, "beta": beta}))
    return pd.concat(rows, ignore_index=True)


def _line() -> pd.DataFrame:
    """Keras's sigmoid of γz, for z at the quantiles of N(0, 1): its mean, and how much of it the best line explains."""
    import keras
    from scipy.stats import norm

    z, rows = norm.ppf((np.arange(_POINTS) + 0.5) / _POINTS), []
    for gamma in _GAMMAS:
        out = np.asarray(keras.ops.sigmoid(keras.ops.convert_to_tensor(gamma * z, "float64")))
        slope, height = np.polyfit(z, out, 1)
        explained = 1 - ((out - slope * z - height) ** 2).mean() / out.var()
        rows.append((gamma, out.mean(), slope, explained, explained > 0.98))
    return pd.DataFrame(rows, columns=["gamma", "mean_output", "slope", "explained", "straighter_than_98_percent"])


def _undone(seed: int) -> pd.DataFrame:
    """A batch before Keras's batch norm and behind it, in training, with γ = √(σ² + ε) and β = μ of that batch."""
    import keras

    x = stream(seed, "batch").normal(loc=(-3.0, 0.5, 20.0), scale=(0.1, 1.0, 7.0), size=(32, 3)).astype("float32")
    layer = keras.layers.BatchNormalization()
    layer.build(x.shape)
    layer.gamma.assign(np.sqrt(x.var(axis=0) + layer.epsilon))
    layer.beta.assign(x.mean(axis=0))
    return pd.DataFrame({"before": x.ravel(), "behind": np.asarray(layer(x, training=True)).ravel()})


def _straight(seed: int) -> pd.DataFrame:
    """Outputs half-way between two inputs, and the middle of their outputs: layers with batch norm, no activation.

    γ, β and the statistics are drawn. In units of the largest output.
    """
    import keras

    random = stream(seed, "layers")
    a, b = random.normal(size=(2, 64, 8)).astype("float32")
    layers = [keras.Input((8,))]
    for _ in range(3):
        layers += [keras.layers.Dense(8), keras.layers.BatchNormalization()]
    model = keras.Sequential(layers)
    model.set_weights([random.uniform(0.5, 2.0, size=array.shape) for array in model.get_weights()])
    first, second, between = (np.asarray(model(x), float).ravel() for x in (a, b, (a + b) / 2))
    return pd.DataFrame({"between": between, "middle": (first + second) / 2}) / np.abs(between).max()


def draw(tables: dict[str, pd.DataFrame]):
    """The sigmoid of z and of 4z with their best lines, and what a line leaves unexplained by γ; below, histograms of
    the learned γ and β, and the test loss with γ and β learned or fixed."""
    line, ends, weights, chosen = (tables[name] for name in ("line", "ends", "weights", "chosen"))
    fig, ((curve, straight), (learned, ablated)) = plots.figure(2, 2)
    z = np.linspace(-3, 3, 121)
    curve.fill_between(z, np.exp(-(z**2) / 2) * 0.5, color=plots.GREY, alpha=0.25, linewidth=0)
    for place, gamma in enumerate((1.0, 4.0)):
        look = plots.look(place) | {"marker": ""}
        curve.plot(z, 1 / (1 + np.exp(-gamma * z)), label=f"σ({gamma:g}z)" if gamma != 1 else "σ(z)", **look)
        slope = line[line.gamma == gamma].slope.iloc[0]
        curve.plot(z, 0.5 + slope * z, ":", color=look["color"], marker="", linewidth=1.4)
    curve.set(xlabel="normalised value z (grey: its density)", ylabel="output", ylim=(-0.05, 1.05))
    curve.set_title("the sigmoid and its best line")
    curve.legend(loc="upper left", fontsize=9.5)
    straight.plot(line.gamma, 100 * (1 - line.explained), **plots.look(0))
    plots.log_axis(straight, "x", at=line.gamma)
    plots.log_axis(straight, "y")
    straight.set(xlabel="γ", ylabel="not explained\nby the line (%)", title="how bent it is")
    for place, name in enumerate(dict.fromkeys(name for name, _ in ARMS)):
        mine, look = weights[weights.activation == name], plots.look(2 + place)
        width = 2.6 - 1.6 * place  # in grey, thick and thin tell them apart
        for column, letter, style in (("gamma", "γ", "-"), ("beta", "β", "--")):
            edges = np.arange(-1, 2.55, 0.05)
            share, _ = np.histogram(mine[column].clip(edges[0], edges[-1] - 0.01), edges)
            learned.stairs(
                100 * share / len(mine), edges, color=look["color"], ls=style, lw=width, label=f"{letter}, {name}"
            )
    plots.log_axis(learned, "y")
    learned.legend(loc="upper right", fontsize=9.5)
    learned.set(xlim=(-0.6, 5.0), xlabel="value after training (bins of 0.05)", ylabel="units (%)", title="learned")
    losses = ends.assign(test_loss=ends.test_loss.where(~ends.diverged, ends.chance_loss))
    losses["arm"] = ends.activation + "\n" + ends.how
    order = [f"{name}\n{how}" for name, how in ARMS]
    losses = losses.set_index("arm").loc[order].reset_index()
    looks = {arm: plots.look(2 + place // 2) for place, arm in enumerate(order)}
    plots.dots(ablated, losses, value="test_loss", by="arm", looks=looks)
    ablated.set(xlabel="test loss (nats)", title="learned or fixed")
    first = ends.iloc[0]
    names = {f"{name}, {how}": f"{name} {how[5:]}" for name, how in ARMS}
    plots.caption(
        fig,
        f"Below: digits, {first.depth} hidden layers of {first.width} with batch norm before the activation, SGD with "
        f"momentum, {first.epoch} epochs. Each arm has the best of {len(RATES)} rates on other seeds (*: border): "
        f"{rates_text(chosen, names=names)}. Mean, 95 % interval; {plots.seeds_text(ends)}; learned γ and β: "
        f"the first {weights.seed.nunique()}. Above: closed form.",
    )
    return fig


_REFERENCE = "Ioffe and Szegedy (2015), arXiv:1502.03167, section 3"
_HALF = (
    "σ(0) = ½, so the outputs sit around 0.5. What is at stake is that inputs of mean 0 and standard deviation 1 stay "
    "where the sigmoid is nearly linear. γ and β restore the freedom that the normalisation took; they are affine and "
    "create no non-linearity."
)


def _ablation(activation: str):
    return paired("test_loss", lower=LEARNED, than=FIXED, by="how", table="ends", where={"activation": activation})


CLAIMS = (
    Claim(
        "6.3-g/zero",
        "With inputs of mean 0 and standard deviation 1, a sigmoid's outputs sit around 0: their mean is 0 to 0.05.",
        exact(measured="mean_output", expected=0.0, tolerance=0.05, table="line", where={"gamma": 1.0}),
        expected=VIOLATED,
        ask="The inputs sit around 0. Where do the outputs of 1/(1 + e⁻ᶻ) sit?",
        why="The sigmoid runs from 0 to 1 and is ½ at 0, and what lies above is mirrored below.",
        beware="tanh's outputs would sit around 0, and for tanh that is welcome.",
        correction=_HALF,
        reference=_REFERENCE,
    ),
    Claim(
        "6.3-g/half",
        "They sit around ½, whatever γ is, as long as β is 0.",
        exact(measured="mean_output", expected=0.5, tolerance=1e-6, table="line"),
        expected=EXACT,
        ask="Does a larger γ move the mean of the outputs?",
        why="γ stretches both sides of 0 alike. What it moves is how far the outputs reach towards 0 and 1.",
        beware="β moves the mean, and through it decides which part of the sigmoid a unit works on.",
    ),
    Claim(
        "6.3-g/straight",
        "At γ = 1 and below, a straight line explains more than 98 % of the variance of the sigmoid's outputs.",
        exact(measured="straighter_than_98_percent", expected=True, table="line", where={"gamma": (0.25, 0.5, 1.0)}),
        expected=EXACT,
        ask="Two thirds of the values lie between −1 and 1. How bent is the sigmoid there?",
        why="Its slope falls from 0.25 in the middle to 0.2 at ±1 only.",
        beware="Nearly straight is not straight: over many layers a little adds up.",
    ),
    Claim(
        "6.3-g/undo",
        "With γ = √(σ² + ε) and β = μ, Keras's batch norm gives its input back.",
        exact(measured="behind", expected="before", tolerance=1e-4, table="undone"),
        expected=EXACT,
        ask="Can a layer with batch norm still compute what it could without?",
        why="Normalising is a stretch and a shift, and γ and β can be their opposites.",
        beware="It can, but from batch to batch σ and μ change and γ and β do not: undone exactly for one batch only.",
    ),
    Claim(
        "6.3-g/create",
        "γ and β create no non-linearity: layers with batch norm and no activation map the middle of two inputs to the "
        "middle of their outputs.",
        exact(measured="between", expected="middle", tolerance=1e-5, table="straight"),
        expected=EXACT,
        ask="Three layers with batch norm, any γ and β, no activation. Is that a non-linear function at inference?",
        why="Multiplying by γ and adding β is affine, and affine maps in a row are one affine map.",
        beware="In training each batch's own mean and variance are in the formula, so that the map of the whole batch "
        "is not affine.",
        correction=_HALF,
        reference=_REFERENCE,
    ),
    Claim(
        "6.3-g/sigmoid",
        "With sigmoids, learning γ and β gives a lower test loss than γ = 1 and β = 0.",
        _ablation("sigmoid"),
        expected=HOLDS,
        ask="Layer upon layer of sigmoids that are 98 % straight. Does it help to let them bend?",
        why="γ > 1 takes a unit into the bent part, and β away from the middle. With both fixed, the weights cannot do "
        "it, since the normalisation takes out their size.",
        beware="Part of a difference may be speed: look at fewer epochs (`--set epochs=6`).",
    ),
    Claim(
        "6.3-g/relu",
        "With ReLUs, learning γ and β gives a lower test loss than γ = 1 and β = 0.",
        _ablation("relu"),
        expected=INCONCLUSIVE,
        ask="A ReLU bends at 0 and nowhere else. What would it do with γ, and what with β?",
        why="A positive γ only scales a ReLU's output, and the next normalisation takes that out. β sets how many of "
        "the values are cut off; at 0 it is half of them, which is not a bad start.",
        beware="Keras's scale=False drops γ and center=False drops β: common recipes drop γ before a ReLU, not β.",
    ),
)
