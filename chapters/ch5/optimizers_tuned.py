"""5.10 Optimizers, tuned alike (공평하게 조정한 최적화 알고리즘)

The text calls plain SGD universal but inefficient, and Adam the usual choice. At the default rates of Keras that looks
like a law, but it compares rates: 0.01 for SGD and 0.001 for the others are numbers that somebody chose. Here every
optimizer gets the same number of trials on its own grid of rates before it is judged on other seeds, as Choi et al.
ask. On the digits, whose features share one unit, next to nothing is then left of Adam's lead. On features whose sizes
differ a thousandfold plain SGD falls behind even so: one rate has to do for all weights, where Adam and RMSprop give
each weight its own. Adam itself is RMSprop with momentum and a correction for the first steps. Chapter 4 takes Adam
apart into those pieces; here it meets the others.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, HOLDS, INCONCLUSIVE, NO_DIFFERENCE, Claim, Run, contrast, exact, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.seeding import stream

ENTRIES = ("5.10-a", "5.10-d")
DATA = "digits"

# half a decade apart, five for each
GRIDS = {
    "SGD": (0.1, 0.3, 1.0, 3.0, 10.0),
    "momentum": (0.01, 0.03, 0.1, 0.3, 1.0),
    "Nesterov": (0.01, 0.03, 0.1, 0.3, 1.0),
    "Adagrad": (0.03, 0.1, 0.3, 1.0, 3.0),
    "RMSprop": (0.001, 0.003, 0.01, 0.03, 0.1),
    "Adam": (0.001, 0.003, 0.01, 0.03, 0.1),
}
DIGITS, SCALED = "digits", "unequal scales"
DEFAULT, TUNED = "default rate", "tuned rate"
TUNING_SEEDS = 3


def measure(run: Run, *, ratio: float = 1000.0, momentum: float = 0.9, epochs: int = 10) -> dict[str, pd.DataFrame]:
    """Tune the rate of every optimizer on both data sets, then train with it, and on the digits with the default rate.

    Ten epochs instead of the book's twenty keep six optimizers on two data sets within the section's time.

    Args:
        ratio: the largest standard deviation of a feature over the smallest, in the generated data.
        momentum: of "momentum" and "Nesterov".
    """
    splits = {DIGITS: run.splits("digits"), SCALED: _unequal_scales(ratio)}

    def train(arms, seeds) -> pd.DataFrame:
        conditions = {
            "|".join(map(str, arm)): _condition(*arm, momentum=momentum, splits=splits) for arm in dict.fromkeys(arms)
        }
        curves = train_replicas(mlp, splits[DIGITS], conditions=conditions, seeds=seeds, epochs=run.epochs(epochs))
        last = curves[curves.epoch == curves.epoch.max()]
        named = last.condition.str.split("|", expand=True)
        return last.assign(data=named[0], optimizer=named[1], rate=named[2].astype(float))

    trials = train(
        [(data, name, rate) for data in splits for name, grid in GRIDS.items() for rate in grid],
        run.tuning(TUNING_SEEDS),
    )
    loss = trials.val_loss.where(~trials.diverged, trials.chance_loss)
    means = loss.groupby([trials.data, trials.optimizer, trials.rate]).mean()
    chosen = {(data, name, TUNED): means[data, name].idxmin() for data in splits for name in GRIDS}
    chosen |= {(DIGITS, name, DEFAULT): _default_rate(name) for name in GRIDS}
    found = train([(data, name, rate) for (data, name, _), rate in chosen.items()], run.seeds)
    ends = []
    for (data, name, setting), rate in chosen.items():
        rows = found[(found.data == data) & (found.optimizer == name) & (found.rate == rate)]
        on_border = setting == TUNED and rate in (GRIDS[name][0], GRIDS[name][-1])
        ends.append(rows.assign(setting=setting, on_border=on_border))
    columns = ["data", "optimizer", "setting", "rate", "seed", "test_loss", "chance_loss", "diverged", "on_border"]
    return {
        "ends": pd.concat(ends, ignore_index=True)[columns].assign(epochs=run.epochs(epochs)),
        "defaults": _defaults(),
        "family": _family(),
    }


def _unequal_scales(ratio: float):
    """Ten classes in 64 features, always the same, whose standard deviations run from 1 down to 1/ratio."""
    from sklearn.datasets import make_classification  # here, because it takes a second to import

    from textbook.splits import Splitter

    x, y = make_classification(
        1797, 64, n_informative=20, n_redundant=0, n_classes=10, n_clusters_per_class=1, class_sep=2.0, random_state=0
    )
    scales = np.geomspace(1, 1 / ratio, x.shape[1])[stream(0, "surface").permutation(x.shape[1])]
    return Splitter(((x / x.std(axis=0) * scales).astype(np.float32), y), sizes=(1024, 473, 300))


def _optimizer(name: str, momentum: float = 0.0):
    """Keras's optimizer at its default rate."""
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    if name in ("SGD", "momentum", "Nesterov"):
        strength = 0.0 if name == "SGD" else momentum
        return keras.optimizers.SGD(momentum=strength, nesterov=name == "Nesterov")
    return {"Adagrad": keras.optimizers.Adagrad, "RMSprop": keras.optimizers.RMSprop, "Adam": keras.optimizers.Adam}[
        name
    ]()


def _condition(data: str, name: str, rate: float, *, momentum: float, splits) -> Condition:
    return Condition(optimizer=_optimizer(name, momentum), learning_rate=rate, splits=splits[data])


def _default_rate(name: str) -> float:
    return round(float(_optimizer(name).learning_rate), 9)  # Keras keeps it in single precision


def _defaults() -> pd.DataFrame:
    """Keras's own defaults, beside the numbers that the text, and everybody, names."""
    adam = _optimizer("Adam")
    rows = [("Adam", "β₁", adam.beta_1, 0.9), ("Adam", "β₂", adam.beta_2, 0.999)]
    rows += [
        (name, "rate", _default_rate(name), 0.01 if name == "SGD" else 0.001) for name in ("SGD", *list(GRIDS)[3:])
    ]
    return pd.DataFrame(rows, columns=["optimizer", "number", "keras", "named"])


def _family() -> pd.DataFrame:
    """Fifty updates down a bowl by RMSprop, and by Adam without momentum (β₁ = 0) and without its correction.

    Keras corrects in every step; a rate of α/√(1 − β₂ᵗ) in step t takes that back.
    """
    import keras

    curvatures, rate, memory = np.array([1.0, 25.0]), 0.01, 0.9
    paths = {}
    for name, optimizer in (
        ("rmsprop", keras.optimizers.RMSprop(rate, rho=memory)),
        ("adam", keras.optimizers.Adam(rate, beta_1=0.0, beta_2=memory)),
    ):
        w = keras.Variable([1.0, 1.0], dtype="float64")
        path = []
        for t in range(1, 51):
            if name == "adam":
                optimizer.learning_rate = rate / np.sqrt(1 - memory**t)
            gradient = curvatures * keras.ops.convert_to_numpy(w)
            optimizer.apply([keras.ops.convert_to_tensor(gradient, "float64")], [w])
            path.append(np.copy(keras.ops.convert_to_numpy(w)))
        paths[name] = np.ravel(path)
    return pd.DataFrame({"update": np.repeat(np.arange(1, 51), 2), "weight": np.tile(["flat", "steep"], 50)} | paths)


def draw(tables: dict[str, pd.DataFrame]):
    """The test loss of every optimizer: on the digits at the default and at the tuned rate, on unequal scales tuned."""
    ends = tables["ends"]
    ends = ends.assign(test_loss=ends.test_loss.where(~ends.diverged, ends.chance_loss))
    fig, (left, right) = plots.figure(1, 2, sharey=True)
    names = list(GRIDS)
    for number, (setting, fill) in enumerate(((DEFAULT, "white"), (TUNED, None))):
        rows = ends[(ends.data == DIGITS) & (ends.setting == setting)]
        _draw_means(left, rows, names, shift=0.3 * number - 0.15, look=plots.look(number), fill=fill, label=setting)
    _draw_means(right, ends[ends.data == SCALED], names, shift=0.0, look=plots.look(1), fill=None, label="")
    fig.legend(*left.get_legend_handles_labels(), loc="outside upper left", ncols=2)
    for ax, title in ((left, "digits"), (right, "unequal scales")):
        ax.set(xlabel="test loss (nats)", title=title)
        ax.margins(x=0.08)
        plots.log_axis(ax, "x")
    rates = ends[ends.setting == TUNED].groupby(["optimizer", "data"], sort=False).rate.first()
    chosen = ", ".join(f"{name} {rates[name, DIGITS]:g} / {rates[name, SCALED]:g}" for name in names)
    border = ends[ends.on_border].optimizer.unique()
    plots.caption(
        fig,
        f"MLP 64-64-10, {ends.epochs.iloc[0]} epochs, geometric mean and 95 % interval. Tuned rates (digits / "
        f"unequal), the best of five on {TUNING_SEEDS} other seeds: {chosen}; at the end of a grid: "
        f"{', '.join(border) or 'none'}. {plots.seeds_text(ends)}",
    )
    return fig


def _draw_means(ax, rows: pd.DataFrame, names: list[str], *, shift: float, look: dict, fill, label: str) -> None:
    from textbook.statistics import mean_interval

    for place, name in enumerate(names):
        logs = np.log(rows[rows.optimizer == name].test_loss.to_numpy())
        low, high = np.exp(mean_interval(logs)) if len(logs) > 1 else np.exp([logs.mean()] * 2)
        colour = look["color"]
        ax.plot([low, high], [place + shift] * 2, color=colour, lw=2, linestyle="-", marker="")
        ax.plot(np.exp(logs.mean()), place + shift, look["marker"], color=colour, markersize=8, mfc=fill or colour,
                mew=1.6, linestyle="", label=label if not place else "_")  # fmt: skip
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.grid(visible=False, axis="y")


_BY = ("data", "optimizer", "setting")
_CONTESTED = (
    "Which optimizer is best depends on how carefully each is tuned: with equal tuning plain SGD, with or without "
    "momentum, keeps up on tasks such as image classification. What it cannot do is give weights of unequal scale a "
    "rate each."
)
_REFERENCE = "Wilson et al. (2017), arXiv:1705.08292; Choi et al. (2019), arXiv:1910.05446"


def _lower(arm: tuple, than: tuple):
    return paired("test_loss", lower=arm, than=than, by=_BY, table="ends")


CLAIMS = (
    Claim(
        "5.10-a/default",
        "At Keras's default rates Adam ends with a lower test loss on the digits than plain SGD.",
        _lower((DIGITS, "Adam", DEFAULT), (DIGITS, "SGD", DEFAULT)),
        expected=HOLDS,
        ask="optimizer='sgd' or optimizer='adam', nothing else set: which one is ahead after ten epochs?",
        why="Adam's steps are about as long as its rate says, SGD's are the rate times a gradient far below 1.",
        beware="This compares two numbers, 0.01 and 0.001, that somebody put into a library.",
    ),
    Claim(
        "5.10-a/tuned",
        "Adam also ends with a lower test loss on the digits than plain SGD when each has its own tuned rate.",
        _lower((DIGITS, "Adam", TUNED), (DIGITS, "SGD", TUNED)),
        expected=NO_DIFFERENCE,
        ask="Five trials for each. How much of Adam's lead is left?",
        why="Pixels share one unit, so one rate suits all weights, and it only has to be found: it lies a hundred "
        "times above the default.",
        beware="Tuning costs trials. An optimizer that works untuned saves them, and that is worth something too.",
        correction=_CONTESTED,
        reference=_REFERENCE,
    ),
    Claim(
        "5.10-a/depends",
        "How far Adam is ahead of plain SGD depends on the tuning: more at the default rates than at tuned ones.",
        contrast(
            "test_loss",
            first=((DIGITS, "SGD", DEFAULT), (DIGITS, "Adam", DEFAULT)),
            second=((DIGITS, "SGD", TUNED), (DIGITS, "Adam", TUNED)),
            by=_BY,
            table="ends",
        ),
        expected=HOLDS,
        ask="Is 'SGD is inefficient' a statement about SGD or about its rate?",
        why="Most of the lead at the default rates is the rate.",
        beware="A comparison of optimizers that does not say how they were tuned says little.",
        correction=_CONTESTED,
        reference=_REFERENCE,
    ),
    Claim(
        "5.10-a/scales",
        "On features whose scales differ a thousandfold Adam ends with a lower test loss than SGD, both tuned.",
        _lower((SCALED, "Adam", TUNED), (SCALED, "SGD", TUNED)),
        expected=HOLDS,
        ask="One feature in metres, another in millimetres: does tuning the one rate of SGD still help?",
        why="The weights of small features get small gradients and need large values; Adam divides each gradient by "
        "its own size.",
        beware="Standardising the features mends the cause and costs nothing; do that first.",
    ),
    Claim(
        "5.10-d/defaults",
        "In Keras Adam's β₁ is 0.9 and β₂ 0.999; the default rates are 0.01 for SGD, 0.001 for the adaptive methods.",
        exact(measured="keras", expected="named", tolerance=1e-9, table="defaults"),
        expected=EXACT,
        ask="Which of the defaults does nobody change, and which one has to be tuned first?",
        why="β₁ averages over about ten gradients and β₂ over about a thousand squares, which suits most tasks; no "
        "rate does.",
        beware="torch's Adagrad and RMSprop start at 0.01: code that relies on defaults does not travel.",
    ),
    Claim(
        "5.10-d/family",
        "Without momentum (β₁ = 0) and without its bias correction Adam takes RMSprop's steps.",
        exact(measured="adam", expected="rmsprop", tolerance=1e-6, table="family"),
        expected=EXACT,
        ask="What has to be taken out of Adam to be left with RMSprop?",
        why="Both divide the gradient by the root of a leaky mean of its squares.",
        beware="Keras's RMSprop adds ε inside the root and Adam outside it, which shows only where gradients are tiny.",
    ),
    Claim(
        "5.10-d/nesterov",
        "SGD with Nesterov momentum ends with a lower test loss on the digits than Adam, both tuned.",
        _lower((DIGITS, "Nesterov", TUNED), (DIGITS, "Adam", TUNED)),
        expected=INCONCLUSIVE,
        ask="The text says that Nesterov momentum is sometimes better than Adam. Here?",
        why="Both reach the level at which the split of the data decides more than the optimizer does.",
        beware="Had only one of the two been tuned, either could have been made the winner.",
    ),
)
