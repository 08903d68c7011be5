"""8.5 Batch norm and dropout together (배치 정규화와 드롭아웃의 순서)

If batch norm is put where dropout was, may one have both, and in which order? Dropout makes a layer's values vary more
in training than in inference, where nothing is dropped. A batch norm behind it takes its moving variance from training
and divides by it in inference: by too much. Li et al. call that a variance shift. A dropout behind the last batch norm
has none. The shift is easy to compute and to see; what it costs in accuracy is another question.
"""

import itertools

import numpy as np
import pandas as pd

from chapters.shared.seeded_starts import seeded_starts
from chapters.shared.tuned_arms import best_rates, rates_text
from textbook import plots
from textbook.experiment import EXACT, HOLDS, INCONCLUSIVE, NO_DIFFERENCE, Claim, Run, estimate, exact, paired
from textbook.replicas import Condition
from textbook.seeding import stream

ENTRIES = ("8.5-g",)
DATA = "any"

NEITHER, NORM, DROPOUT = "neither", "batch norm", "dropout"
EARLY, LATE = "dropout → batch norm", "batch norm → dropout"
MENDED = "dropout → batch norm, statistics without dropout"
# batch norm bears larger rates
RATES = {True: (0.01, 0.03, 0.1, 0.3), False: (0.003, 0.01, 0.03, 0.1)}
_TUNING_SEEDS = 2
_LAYERS = 3
_SWITCH = "batch norm on"


def measure(
    run: Run, *, rate: float = 0.5, width: int = 64, momentum: float = 0.9, epochs: int = 8
) -> dict[str, pd.DataFrame]:
    """Train three hidden layers with dropout behind the first or the last, with and without batch norm.

    Each arm tries four learning rates. Variances are those of the values that a batch norm gets: its moving variance
    against the variance over the training part with dropout off.

    Args:
        rate: share of units that are dropped.
        width: units of each hidden layer.
    """
    from textbook.replicas.trainer import ReplicaTrainer  # here, because a cached run loads no TensorFlow

    build, switches = _builder(width), {True: {_SWITCH: 1.0}, False: {_SWITCH: 0.0}}
    arms = {NEITHER: (False, 0.0, 0.0), DROPOUT: (False, rate, 0.0), NORM: (True, 0.0, 0.0), EARLY: (True, rate, 0.0),
            LATE: (True, 0.0, rate)}  # fmt: skip
    splits, epochs = run.splits("digits"), run.epochs(epochs)
    starts = seeded_starts(build, splits, (*run.tuning(_TUNING_SEEDS), *run.seeds), switches)

    def train(pairs, seeds, **asked):
        conditions = {
            f"{arm}|{learning_rate:g}": Condition(
                initial_weights=starts[arms[arm][0]],
                learning_rate=learning_rate,
                momentum=momentum,
                strengths=dict(zip(("early.rate", "late.rate"), arms[arm][1:], strict=True)),
            )
            for arm, learning_rate in pairs
        }
        result = ReplicaTrainer(build, splits, conditions=conditions, seeds=seeds, epochs=epochs, **asked).run()
        last = result.table[result.table.epoch == epochs].copy()
        last[["arm", "rate"]] = last.condition.str.split("|", expand=True)
        return result, last.assign(rate=last.rate.astype(float))

    _, trials = train([(arm, r) for arm, (norm, *_) in arms.items() for r in RATES[norm]], run.tuning(_TUNING_SEEDS))
    chosen = best_rates(trials)
    result, judged = train(list(zip(chosen.arm, chosen.rate, strict=True)), run.seeds, keep_state=True)
    ratios, mended = _looked_at(result, build, judged, splits)
    columns = ["arm", "seed", "epoch", "test_loss", "test_accuracy", "chance_loss", "chance_accuracy", "diverged"]
    ends = pd.concat([judged[columns], mended], ignore_index=True)
    return {
        "ends": ends.assign(dropout=rate, width=width, epoch=epochs),
        "ratios": ratios,
        "chosen": chosen,
        "formula": _formula(run.seeds[0]),
    }


def _builder(width: int):
    """A builder of three hidden layers with a dropout behind the first, "early", and one behind the last, "late".

    A weight that nobody trains switches every batch norm on (1) or off (0): one graph is networks with and without.
    """

    def build(input_shape, outputs: int):
        import keras

        class Switched(keras.layers.Layer):
            def build(self, shape):
                # 0.99 would still remember its start, which would pass for a shift
                self.norm = keras.layers.BatchNormalization(momentum=0.9)
                self.norm.build(shape)
                self.on = self.add_weight(name=_SWITCH, shape=(), initializer="ones", trainable=False)

            def call(self, inputs, training=False):
                return self.on * self.norm(inputs, training=training) + (1 - self.on) * inputs

        layers = [keras.Input(tuple(input_shape)), keras.layers.Flatten()]
        for place in range(_LAYERS):
            layers += [keras.layers.Dense(width, kernel_initializer="he_normal"), Switched()]
            layers.append(keras.layers.Activation("relu"))
            if place in (0, _LAYERS - 1):
                layers.append(keras.layers.Dropout(0.5, name="late" if place else "early"))
        return keras.Sequential([*layers, keras.layers.Dense(outputs)])

    return build


def _looked_at(result, build, judged: pd.DataFrame, splits) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The variance ratios of every batch norm, and the ends of `EARLY` with statistics taken without dropout."""
    import keras

    from textbook.normalisation.recalibration import recalibrate

    split = splits(int(judged.seed.iloc[0]))
    model = build(split.x.shape[1:], split.classes)
    switched = [layer for layer in model.layers if hasattr(layer, "norm")]
    inside = keras.Model(model.inputs[0], [layer.input for layer in switched])
    variables, rows, mended = [*model.trainable_variables, *model.non_trainable_variables], [], []
    for run in judged[judged.arm.isin((NORM, EARLY, LATE))].itertuples():
        row = {"arm": MENDED, "seed": run.seed, "chance_loss": run.chance_loss, "chance_accuracy": run.chance_accuracy}
        if run.diverged:
            if run.arm == EARLY:
                mended.append(row | {"test_loss": np.nan, "test_accuracy": np.nan, "diverged": True})
            continue
        for variable, value in zip(variables, result.state(run.condition, run.seed).weights, strict=True):
            variable.assign(value)
        split = splits(run.seed)
        x, test = (np.asarray(part.x, "float32") for part in (split.train, split.test))
        for number, (layer, values) in enumerate(zip(switched, inside(x), strict=True), start=1):
            inference = np.asarray(values).var(axis=0)
            # units that are never on have no variance to compare
            alive = inference > 1e-3 * inference.max()
            ratio = np.asarray(layer.norm.moving_variance)[alive] / inference[alive]
            rows.append((run.arm, run.seed, number, np.exp(np.log(ratio).mean())))
        if run.arm == EARLY:
            recalibrate(model, x, batch_size=len(x))
            logits = np.asarray(model(test), float)
            loss = np.log(np.exp(logits - logits.max(axis=1, keepdims=True)).sum(axis=1))
            loss += logits.max(axis=1) - logits[np.arange(len(test)), split.test.y]
            right = (logits.argmax(axis=1) == split.test.y).mean()
            mended.append(row | {"test_loss": loss.mean(), "test_accuracy": right, "diverged": False})
    ratios = pd.DataFrame(rows, columns=["arm", "seed", "layer", "ratio"])
    return ratios, pd.DataFrame(mended)


def _formula(seed: int) -> pd.DataFrame:
    """Variance of w·(dropped x) over rows and all masks, mask by mask, against Var(w·x) + p/(1 − p)·Σ w²·E[x²]."""
    random, units, rows = stream(seed, "masks by hand"), 8, []
    x, w = np.maximum(random.normal(size=(40, units)), 0), random.normal(size=units)
    masks = np.array(list(itertools.product((0, 1), repeat=units)))
    for p in (0.1, 0.3, 0.5, 0.7):
        chances = np.prod(np.where(masks, 1 - p, p), axis=1)
        values = (masks * w / (1 - p)) @ x.T  # (masks, rows)
        mean = chances @ values.mean(axis=1)
        enumerated = chances @ ((values - mean) ** 2).mean(axis=1)
        inference = (x @ w).var()
        rows.append((p, enumerated, inference + p / (1 - p) * (w**2 @ (x**2).mean(axis=0)), inference))
    return pd.DataFrame(rows, columns=["dropout", "enumerated", "closed_form", "inference"])


def draw(tables: dict[str, pd.DataFrame]):
    """Above, the variance in training over that in inference by layer, for batch norm alone and both orders with
    dropout; below, the test loss of every arm.
    """
    ends, ratios, chosen = tables["ends"], tables["ratios"], tables["chosen"]
    fig, (above, below) = plots.figure(2, 1, height_ratios=[1, 1.1], size=(7, 7))
    plots.band(above, ratios, x="layer", y="ratio", hue="arm", log=True, names="legend")
    above.axhline(1, color="#222222", linewidth=1)
    above.set(xticks=sorted(ratios.layer.unique()), xlabel="hidden layer", ylabel="variance before batch norm,\n"
              "training ÷ inference")  # fmt: skip
    above.legend(loc="upper left", fontsize=9.5)
    above.margins(y=0.35)
    arms = [NEITHER, DROPOUT, NORM, LATE, EARLY, MENDED]
    losses = ends.assign(test_loss=ends.test_loss.where(~ends.diverged.astype(bool), ends.chance_loss))
    losses = losses.set_index("arm").loc[arms].reset_index()
    losses["arm"] = losses.arm.str.replace(", ", ",\n")
    colours = {arm: plots.look(place) for place, arm in enumerate(ratios.arm.unique())}
    looks = {name: colours.get(name.split(",")[0], plots.look(3)) for name in losses.arm.unique()}
    plots.dots(below, losses, value="test_loss", by="arm", looks=looks)
    below.set(xlabel="test loss (nats)")
    first = ends.iloc[0]
    plots.caption(
        fig,
        f"Digits, {_LAYERS} hidden layers of {first.width}, SGD with momentum, {first.epoch} epochs; "
        f"{first.dropout:.0%} dropout, behind the first hidden layer or (batch norm → dropout) the last. Rates, best "
        f"on other seeds (* border): {rates_text(chosen)}. Mean, 95 % interval; {plots.seeds_text(ends)}.",
    )
    return fig


_LI = "Li, Chen, Hu, Yang (2019), arXiv:1801.05134"


def _ratio(arm: str):
    return estimate("ratio", above=1.0, scale="log", table="ratios", where={"arm": arm, "layer": 2})


CLAIMS = (
    Claim(
        "8.5-g/ratio",
        "Behind a dropout, the variance that batch norm learns in training is larger than that which it meets in "
        "inference.",
        _ratio(EARLY),
        expected=HOLDS,
        ask="Half the units are dropped and the rest doubled, so that the mean stays. Does the variance stay too?",
        why="Dropping adds noise to every sum that the next layer takes. In inference there is none, and the moving "
        "variance still counts it.",
        beware="Nothing warns. The training loss, with dropout and with the batch's own variance, does not see it.",
        reference=_LI,
    ),
    Claim(
        "8.5-g/control",
        "With the dropout behind the last batch norm instead, the same layer's variance in training is larger too.",
        _ratio(LATE),
        expected=NO_DIFFERENCE,
        ask="The same dropout, two layers later. What does the second layer's batch norm notice of it?",
        why="Nothing is dropped before it, so training and inference give it the same values.",
        beware="With nothing dropped before, the ratio is a little below 1: a mini-batch of n rows has on average "
        "(n − 1)/n of the variance of all rows, and a moving average lags behind a variance that still grows.",
    ),
    Claim(
        "8.5-g/formula",
        "Dropout adds p/(1 − p)·Σ w²·E[x²] to the variance of a unit's sum.",
        exact(measured="enumerated", expected="closed_form", tolerance=1e-9, relative=True, table="formula"),
        expected=EXACT,
        ask="Can the shift be computed without training anything?",
        why="Each input is kept with probability 1 − p and then divided by it, so that its own variance is "
        "p/(1 − p)·x², and masks are independent.",
        beware="It is E[x²] and not the variance of x: inputs far from 0, like a ReLU's, shift most.",
    ),
    Claim(
        "8.5-g/accuracy",
        "Dropout behind the last batch norm gives a higher test accuracy than dropout before one.",
        paired("test_accuracy", higher=LATE, than=EARLY, by="arm", table="ends"),
        expected=INCONCLUSIVE,
        ask="Both have one dropout and three batch norms. Does the order cost points?",
        why="Two things differ at once: whether a batch norm divides by too much, and what is dropped. The next claim "
        "takes the first one away.",
        beware="One drops the first layer's features, the other the last one's: not all of a difference is due to the "
        "shift.",
    ),
    Claim(
        "8.5-g/mended",
        "Where dropout comes before batch norm, taking the statistics anew with dropout off lowers the test loss.",
        paired("test_loss", lower=MENDED, than=EARLY, by="arm", table="ends"),
        expected=INCONCLUSIVE,
        ask="One pass over the training rows, no training: if the shift does harm, is the harm then gone?",
        why="The variance is then the one that inference meets. The weights, though, were trained for the other one.",
        beware="`textbook.normalisation.recalibrate` does this for a model of your own. Compare on validation data.",
    ),
)
