"""4.7.2.5 Adam (아담)

Adam is adaptive moment *estimation* (추정; the text has 예측): it estimates the mean of the gradient and of its
square. That its velocity decays exponentially is nothing of its own, since momentum's does too. What is its own is the
division of each weight's mean gradient by the root of its mean square, so that steep and shallow weights move alike,
and the correction of both averages for having started at zero. Here Adam is taken apart into these pieces.
"""

import numpy as np
import pandas as pd

from chapters.shared.uncorrecting import Uncorrecting
from textbook import plots
from textbook.experiment import EXACT, NO_DIFFERENCE, Claim, Run, exact, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.surfaces import Quadratic, trajectory
from textbook.update_rules import Adam, AveragedMomentum

ENTRIES = ("4.7.2.5-a",)
DATA = "any"
BOWL, START = Quadratic((1, 25)), (1.0, 1.0)
MEAN, ROOT, BOTH, RAW = "mean only", "root only", "both: Adam", "both, uncorrected"
SWITCHES = {
    MEAN: {"second_moment": False},
    ROOT: {"first_moment": False},
    BOTH: {},
    RAW: {"bias_correction": False},
}
# the mean alone steps by the gradient's own size, the others by about the rate
RATES = {MEAN: (0.1, 0.3, 1.0, 3.0, 10.0), **dict.fromkeys((ROOT, BOTH, RAW), (0.001, 0.003, 0.01, 0.03, 0.1))}
BATCH_SIZE, TUNING_SEEDS = 32, 3
_LARGE = 1e8  # an ε that drowns the root: m / (√s + ε) = m / ε to the last digit of 32 bits


def measure(run: Run, *, bowl_rate: float = 0.1, beta_1: float = 0.9, beta_2: float = 0.999) -> dict[str, pd.DataFrame]:
    """Walk the four rules over a valley at one rate, and train the digits with each at its own best rate.

    Args:
        bowl_rate: rate over the valley.
        beta_1, beta_2: weights of the past in the mean of the gradient and of its square.
    """
    rules = {name: Adam(bowl_rate, beta_1=beta_1, beta_2=beta_2, **switch) for name, switch in SWITCHES.items()}
    walks = {name: trajectory(BOWL, rule, start=START, steps=200) for name, rule in rules.items()}
    splitter = run.splits("digits")
    updates = -(-len(splitter(run.seeds[0]).train.indices) // BATCH_SIZE)

    def train(pairs, seeds) -> pd.DataFrame:
        arms = {f"{name} at {rate:g}": (name, rate) for name, rate in pairs}
        curves = train_replicas(
            mlp,
            splitter,
            conditions={label: _condition(*arm, beta_1, beta_2, updates) for label, arm in arms.items()},
            seeds=seeds,
            epochs=run.epochs(20),
            batch_size=BATCH_SIZE,
        )
        return curves.assign(
            condition=[arms[label][0] for label in curves.condition],
            rate=[arms[label][1] for label in curves.condition],
        )

    trials = train([(name, rate) for name, rates in RATES.items() for rate in rates], run.tuning(TUNING_SEEDS))
    last = trials[trials.epoch == trials.epoch.max()]
    means = last.val_loss.where(~last.diverged, last.chance_loss).groupby([last.condition, last.rate]).mean()
    curves = train([(name, means[name].idxmin()) for name in SWITCHES], run.seeds)
    columns = ["condition", "rate", "seed", "epoch", "val_loss", "test_loss", "chance_loss", "diverged"]
    return {
        "bowl": pd.concat(_walked(name, walk) for name, walk in walks.items()),
        "first": _first_steps(walks, bowl_rate, beta_1, beta_2),
        "impulse": _impulse(beta_1),
        "keras": _beside_keras(beta_1, beta_2),
        "curves": curves[columns],
    }


def _walked(name: str, walk) -> pd.DataFrame:
    """Where a rule is after each update, and the largest loss from there on: the envelope of a swinging curve."""
    to_come = np.maximum.accumulate(BOWL.value(walk)[::-1])[::-1]
    columns = {"update": np.arange(len(walk)), "shallow": walk[:, 0], "steep": walk[:, 1], "to_come": to_come}
    return pd.DataFrame({"rule": name, **columns}).iloc[:151]  # the last ones have little left to come


def _optimizer(name: str, beta_1: float, beta_2: float):
    """Keras's Adam with settings that make it the rule, but for the rate: see `_rate`."""
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    if name == MEAN:
        return keras.optimizers.Adam(beta_1=beta_1, beta_2=0.0, epsilon=_LARGE)
    return keras.optimizers.Adam(beta_1=0.0 if name == ROOT else beta_1, beta_2=beta_2)


def _rate(name: str, rate: float, beta_1: float, beta_2: float, updates: int):
    if name == RAW:
        return Uncorrecting(rate, updates=updates, beta_1=beta_1, beta_2=beta_2)
    return rate * _LARGE if name == MEAN else rate


def _condition(name: str, rate: float, beta_1: float, beta_2: float, updates: int) -> Condition:
    rate = _rate(name, rate, beta_1, beta_2, updates)
    return Condition(
        learning_rate=rate.per_update() if name == RAW else rate, optimizer=_optimizer(name, beta_1, beta_2)
    )


def _beside_keras(beta_1: float, beta_2: float) -> pd.DataFrame:
    """Fifty updates over the valley by our rules and by Keras's Adam, at its default rate 0.001."""
    import keras

    tables = []
    for name, switch in SWITCHES.items():
        rule = Adam(0.001, beta_1=beta_1, beta_2=beta_2, **switch)
        optimizer, rate = _optimizer(name, beta_1, beta_2), _rate(name, 0.001, beta_1, beta_2, updates=1)
        w = keras.Variable(np.asarray(START), dtype="float64")
        theirs = [np.asarray(START)]
        for update in range(50):
            optimizer.learning_rate = rate(update) if callable(rate) else rate
            optimizer.apply([keras.ops.convert_to_tensor(BOWL.gradient(theirs[-1]), "float64")], [w])
            theirs.append(np.copy(keras.ops.convert_to_numpy(w)))
        ours = trajectory(BOWL, rule, start=START, steps=50)
        weights = {"weight": np.tile(["shallow", "steep"], 51), "update": np.repeat(np.arange(51), 2)}
        tables.append(pd.DataFrame({"rule": name, **weights, "ours": ours.ravel(), "keras": np.ravel(theirs)}))
    return pd.concat(tables)


def _first_steps(walks, rate: float, beta_1: float, beta_2: float) -> pd.DataFrame:
    """Length of each weight's first step, beside its closed form; the gradients are 1 and 25."""
    gradient = BOWL.gradient(np.asarray(START))
    lengths = {
        MEAN: rate * gradient,
        ROOT: rate * np.ones(2),
        BOTH: rate * np.ones(2),
        RAW: rate * (1 - beta_1) / np.sqrt(1 - beta_2) * np.ones(2),
    }
    return pd.concat(
        pd.DataFrame(
            {"rule": name, "gradient": gradient, "step": np.abs(walks[name][1] - walks[name][0]), "closed_form": length}
        )
        for name, length in lengths.items()
    )


def _impulse(beta: float) -> pd.DataFrame:
    """Steps after a single gradient of 1: momentum's averaged velocity and Adam's mean, at rate 1."""
    ages, table = np.arange(30), []
    for name, rule in (
        ("momentum", AveragedMomentum(1.0, beta=beta)),
        ("adam", Adam(1.0, beta_1=beta, second_moment=False, bias_correction=False)),
    ):
        state, steps = rule.init(np.zeros(1)), []
        for age in ages:
            change, state = rule.update(np.ones(1) if age == 0 else np.zeros(1), state)
            steps.append(-change.item())
        closed_form = (1 - beta) * beta ** ages.astype(float)
        table.append(pd.DataFrame({"rule": name, "age": ages, "step": steps, "closed_form": closed_form}))
    return pd.concat(table)


def draw(tables: dict[str, pd.DataFrame]):
    """Above, the paths of four rules down a valley at one rate, and the loss on the way; below, the digits' validation
    loss, each rule at its best rate.
    """
    curves, bowl = tables["curves"], tables["bowl"]
    looks = plots.looks(SWITCHES)
    rates = curves.groupby("condition", sort=False).rate.first()
    with plots.style():
        fig, axes = plots.figure(2, 2, height_ratios=[1.15, 1])
        valley, falling = axes[0]
        for ax in axes[1]:
            ax.remove()
        shown = bowl[bowl.rule.isin((MEAN, BOTH)) & (bowl["update"] <= 14)]
        reach = 1.08 * min(3, max(1, shown.steep.abs().max()))
        plots.contour(valley, lambda x, y: BOWL.value(np.stack([x, y], -1)), x=(-0.6, 1.1), y=(-reach, reach))
        for name, word, side in ((MEAN, "mean only", (4, 6)), (BOTH, "Adam", (-6, -12))):
            walk = shown[shown.rule == name][["shallow", "steep"]]
            plots.path(valley, walk, look=looks[name])
            valley.annotate(
                word, walk.iloc[-1], side, textcoords="offset points", ha="right", color=looks[name]["color"]
            )
        valley.plot(0, 0, marker="*", color="#222222", markersize=12, linestyle="", zorder=5)
        valley.set(xlabel="shallow weight", ylabel="steep weight")
        valley.set_title("a valley, one rate for all")
        for name, rows in bowl.groupby("rule", sort=False):
            falling.plot(rows["update"], rows.to_come, **{**looks[name], "marker": ""}, label=name)
        plots.log_axis(falling, "y")
        falling.set(xlabel="update", ylabel="largest loss from here on", ylim=(1e-6, 100))
        falling.set_title("the loss in that valley")
        digits = fig.add_subplot(axes[1, 0].get_gridspec()[1, :])
        plots.band(digits, curves, x="epoch", y="val_loss", looks=looks, log=True, names="none")
        plots.log_axis(digits, "y")
        digits.xaxis.get_major_locator().set_params(integer=True)
        digits.set(xlabel="epochs completed", ylabel="validation loss (nats)")
        digits.set_title("digits, each at its best rate")
        fig.legend(*falling.get_legend_handles_labels(), loc="outside upper left", ncols=4, handlelength=2)
    chosen = ", ".join(f"{rate:g}" for rate in rates)
    plots.caption(
        fig,
        f"Digits: MLP 64-64-10, batches of 32, geometric mean, 95 % band. Rates {chosen} in the order of the legend, "
        f"found on {TUNING_SEEDS} other seeds. {plots.seeds_text(curves)}",
    )
    return fig


CLAIMS = (
    Claim(
        "4.7.2.5-a/keras",
        "The rules in NumPy, whole Adam and its three ablations, equal Keras's Adam over 50 updates.",
        exact(measured="ours", expected="keras", tolerance=1e-6, table="keras"),
        expected=EXACT,
        ask="Where does ε stand: inside the root, outside it, before or after the correction?",
        why="Keras follows the end of section 2 of Kingma and Ba: ε is added to the root after the correction.",
        beware="Keras computes the powers of β₂ in 32 bits; at rates far above 0.001 that alone exceeds 1e-6.",
        correction="The name is adaptive moment estimation (추정). Momentum's velocity decays exponentially as well; "
        "Adam's own are the division by the root of the mean square and the bias correction.",
        reference="Kingma and Ba (2015), Adam: a method for stochastic optimization",
    ),
    Claim(
        "4.7.2.5-a/velocity",
        "A gradient's part in the velocity decays as (1 − β)βᵏ with its age k, in momentum just as in Adam.",
        exact(measured="step", expected="closed_form", tolerance=1e-12, table="impulse"),
        expected=EXACT,
        ask="The text says that Adam's velocity decays exponentially. Does momentum's not?",
        why="Both are the same exponential average of the past gradients.",
        beware="Exponential decay of the velocity has nothing to do with exponential decay of the learning rate.",
    ),
    Claim(
        "4.7.2.5-a/first-step",
        "Adam's first step is the rate in every weight, whatever its gradient; uncorrected it is √10 times that.",
        exact(measured="step", expected="closed_form", tolerance=1e-5, relative=True, table="first"),
        expected=EXACT,
        ask="The gradients are 1 and 25, the rate 0.1. How far does each weight move first?",
        why="After one gradient the corrected mean is g and the corrected root |g|. Uncorrected they are 0.1·g and "
        "√0.001·|g|, and 0.1 / √0.001 = √10.",
        beware="A rate means something else here than in SGD: a length, not a multiple of the gradient.",
    ),
    Claim(
        "4.7.2.5-a/root",
        "On the digits Adam ends with a lower test loss than its mean gradient alone, each at its own tuned rate.",
        paired("test_loss", lower=BOTH, than=MEAN, table="curves"),
        expected=NO_DIFFERENCE,
        ask="How much does the division by the root bring once both rates are tuned?",
        why="A small network on pixels of one scale is a mild valley: one rate suits all its weights.",
        beware="Where gradients differ in size by orders of magnitude, it can come out otherwise.",
    ),
    Claim(
        "4.7.2.5-a/correction",
        "On the digits Adam ends with a lower test loss than without the bias correction, each at its own tuned rate.",
        paired("test_loss", lower=BOTH, than=RAW, table="curves"),
        expected=NO_DIFFERENCE,
        ask="The correction matters in the first updates. Can one see it after 640?",
        why="Without it the first steps are a few times longer, which a tuned rate absorbs.",
        beware="With β₂ near 1 and a rate near the limit those first steps can ruin a run.",
    ),
)
