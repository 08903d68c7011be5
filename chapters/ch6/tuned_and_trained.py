"""6.2 What is trained and what is tuned (파라미터와 하이퍼파라미터)

Parameters are what backpropagation moves; hyperparameters are fixed before training. There is a third kind: the moving
mean and variance of batch normalisation change in training although no gradient is taken with respect to them, and so
do Adam's averages and the random state of dropout. Keras counts the first of these as "non-trainable parameters", which
are not hyperparameters either. The text then calls it tuning to change a value while the training runs over its N
epochs. What has to be compared are complete trainings, each with one value, by their score on validation data: within
one training the last epochs look best, whatever value happened to be in force.
"""

import functools
import itertools

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, HOLDS, VIOLATED, Claim, Run, exact, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.schedules import PiecewiseConstant
from textbook.seeding import stream

ENTRIES = ("6.2-a",)
DATA = "any"

RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
COMPLETE, WITHIN = "complete trainings", "within one training"
_KINDS = ("parameter", "statistic", "random state", "optimizer state", "hyperparameter")
_UPDATES = 8


def measure(
    run: Run, *, hidden: tuple[int, ...] = (32, 16), momentum: float = 0.9, epochs: int = 14
) -> dict[str, pd.DataFrame]:
    """Count what is in a network and see what training moves; then tune the rate in two ways.

    Args:
        hidden: units of each hidden layer of the network that is counted.
        momentum: of the trainings by which the rate is tuned (MLP with 64 hidden units).
        epochs: of each complete training, and of the one within which the rate is changed from epoch to epoch.
    """
    splits = run.splits("digits")
    part = splits(run.seeds[0])
    return {"parts": _parts(part, hidden), "counts": _counts(part, hidden)} | _tuned(run, splits, momentum, epochs)


def _network(part, hidden: tuple[int, ...]):
    import keras

    model = mlp(part.train.x.shape[1:], int(part.train.y.max()) + 1, hidden=hidden, dropout=0.3, batch_norm=True)
    model.compile(keras.optimizers.Adam(0.01), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def _parts(part, hidden: tuple[int, ...]) -> pd.DataFrame:
    """Every number of the network, and whether a few updates move it: as usual, and at a learning rate of 0."""
    import keras

    from textbook.model_parts import model_parts

    keras.utils.set_random_seed(0)
    tables, moved = [], {}
    for name, rate in (("moved", 0.01), ("moved_at_rate_0", 0.0)):
        model = _network(part, hidden)
        model.optimizer.learning_rate = rate
        tables.append(model_parts(model))
        before = _values(model, tables[-1])
        rows = slice(0, 32 * _UPDATES)
        model.fit(part.train.x[rows], part.train.y[rows], batch_size=32, epochs=1, verbose=0)
        after = _values(model, model_parts(model))
        moved[name] = [bool(np.any(a != b)) for a, b in zip(before, after, strict=True)]
    table = tables[0].assign(**moved)
    return table.assign(by_gradient=table.moved & ~table.moved_at_rate_0)


def _values(model, parts: pd.DataFrame) -> list[np.ndarray]:
    """What stands in each row of `model_parts`, in its order."""
    import keras

    variables = {variable.path: variable for variable in (*model.variables, *model.optimizer.variables)}
    return [
        np.array(row.value) if row.kind == "hyperparameter" else keras.ops.convert_to_numpy(variables[row.name]).copy()
        for row in parts.itertuples()
    ]


def _counts(part, hidden: tuple[int, ...]) -> pd.DataFrame:
    """Keras's counts beside those from the sizes: kernels without bias before a batch normalisation, γ and β a unit."""
    model = _network(part, hidden)
    sizes = (part.train.x.shape[1], *hidden, int(part.train.y.max()) + 1)
    kernels = sum(a * b for a, b in itertools.pairwise(sizes))
    weights = {"trainable": model.trainable_weights, "not trainable": model.non_trainable_weights}
    formula = {"trainable": kernels + sizes[-1] + 2 * sum(hidden), "not trainable": 2 * sum(hidden)}
    counted = {
        name: sum(int(np.prod(w.shape)) for w in found if "seed" not in w.path) for name, found in weights.items()
    }
    rows = [(name, counted[name], formula[name]) for name in weights]
    rows.append(("count_params()", model.count_params(), sum(formula.values())))
    return pd.DataFrame(rows, columns=["weights", "keras", "formula"])


def _tuned(run: Run, splits, momentum: float, epochs: int) -> dict[str, pd.DataFrame]:
    """Complete trainings at every rate, and one in which each rate has its turn, in an order of each seed's own."""
    epochs = run.epochs(epochs)
    turns = {
        seed: stream(seed, "turns").permutation(RATES)[np.arange(epochs) * len(RATES) // epochs] for seed in run.seeds
    }
    changing = {
        seed: PiecewiseConstant(tuple(map(float, rates)), boundaries=tuple(range(1, epochs)))
        for seed, rates in turns.items()
    }
    arms = {f"{rate:g}": Condition(learning_rate=rate, momentum=momentum) for rate in RATES}
    arms[WITHIN] = Condition(learning_rate=changing, momentum=momentum)
    curves = train_replicas(
        functools.partial(mlp, hidden=(64,)), splits, conditions=arms, seeds=run.seeds, epochs=epochs
    )
    for name in ("val_loss", "test_loss"):
        curves[name] = curves[name].mask(curves.diverged, curves.chance_loss)
    within = curves[curves.condition == WITHIN].copy()
    within["rate"] = [float(turns[row.seed][row.epoch - 1]) for row in within.itertuples()]
    ends = curves[(curves.condition != WITHIN) & (curves.epoch == epochs)].assign(
        rate=lambda table: table.condition.astype(float)
    )
    chosen = {
        COMPLETE: ends.loc[ends.groupby("seed").val_loss.idxmin()],
        WITHIN: within.loc[within.groupby("seed").val_loss.idxmin()],
    }
    scores = [
        found[["seed", "rate"]]
        .assign(way=way)
        .merge(ends[["seed", "rate", "val_loss", "test_loss"]], on=["seed", "rate"])
        for way, found in chosen.items()
    ]
    return {
        "ends": ends[["seed", "rate", "val_loss", "test_loss"]].reset_index(drop=True),
        "within": within[["seed", "epoch", "rate", "val_loss"]].reset_index(drop=True),
        "scores": pd.concat(scores, ignore_index=True).assign(epochs=epochs),
    }


def draw(tables: dict[str, pd.DataFrame]):
    """Above, how many numbers of each kind a network holds and what moves them, and one training whose rate changes on
    the way; below, complete trainings by rate, and the test loss with the rate that each way chooses.
    """
    parts, ends, within, scores = (tables[name] for name in ("parts", "ends", "within", "scores"))
    fig, axes = plots.figure(2, 2, height_ratios=[1.1, 1])
    ax = axes[0, 0]
    kinds = [kind for kind in _KINDS if kind in set(parts.kind)]
    for row, kind in enumerate(kinds):
        mine = parts[parts.kind == kind]
        moved, free = mine.moved.any(), (mine.moved & ~mine.by_gradient).any()
        how = "gradient steps" if moved and not free else "also at rate 0" if moved else "fixed"
        number = {"gradient steps": 0, "also at rate 0": 1, "fixed": 2}[how]
        ax.barh(row, mine["count"].sum(), color=plots.COLOURS[number], hatch=("", "//", "")[number], edgecolor="white")
        ax.text(mine["count"].sum() * 1.3, row, f"{mine['count'].sum()}: {how}", va="center", fontsize=9.5)
    plots.log_axis(ax, "x", at=(1, 100, 10_000))
    ax.set_yticks(range(len(kinds)), kinds)
    ax.set(xlim=(0.7, 3e9), ylim=(len(kinds) - 0.4, -0.6), xlabel="numbers in the network", title="what moves them")
    ax.grid(visible=False, axis="y")
    one = within[within.seed == within.seed.min()]
    ax = axes[0, 1]
    ax.plot(one.epoch, one.val_loss, "o-", color=plots.COLOURS[1])
    best = one.loc[one.val_loss.idxmin()]
    ax.plot(best.epoch, best.val_loss, "o", mfc="none", color="#222222", markersize=14, mew=1.6)
    for row in one[one.rate.diff() != 0].itertuples():
        ax.text(row.epoch, 1.03 * one.val_loss.max(), plots.plain(row.rate), rotation=60, fontsize=8.5, ha="left",
                va="bottom", color=plots.GREY)  # fmt: skip
    ax.set(xlabel="epoch (above: rate in force)", ylabel="validation loss (nats)", ylim=(0, 1.45 * one.val_loss.max()),
           title=f"one training, seed {one.seed.iloc[0]}")  # fmt: skip
    plots.band(axes[1, 0], ends, x="rate", y="val_loss", hue=None, log=True)
    plots.log_axis(axes[1, 0], "x", at=(0.001, 0.01, 0.1, 1))
    plots.log_axis(axes[1, 0], "y")
    axes[1, 0].set(xlabel="learning rate", ylabel="validation loss (nats)", title="complete trainings")
    plots.dots(axes[1, 1], scores.replace({COMPLETE: "complete", WITHIN: "within one"}), value="test_loss", by="way")
    plots.log_axis(axes[1, 1], "x")
    axes[1, 1].set(xlabel="test loss (nats)", title="with the rate chosen")
    hidden = parts[parts.name.str.endswith(".units")].value.astype(int)
    plots.caption(
        fig,
        f"Top left: {'-'.join(map(str, hidden))} units, batch norm, dropout, Adam; {_UPDATES} updates at a rate of "
        f"0.01, and at 0. Else: digits, MLP 64-64-10, SGD with momentum, {scores.epochs.iloc[0]} epochs; within one "
        f"training, each rate has its turn and the epoch with the lowest validation loss (ring) chooses. Bands, bars: "
        f"95 %; {plots.seeds_text(scores)}.",
    )
    return fig


_BERGSTRA = "Bergstra & Bengio (2012), JMLR 13:281-305, section 1"

CLAIMS = (
    Claim(
        "6.2-a",
        "Whatever training moves in a network, it moves by backpropagation.",
        exact(measured="by_gradient", expected=True, table="parts", where={"moved": True}),
        expected=VIOLATED,
        ask="The learning rate is set to 0. Does a training still change anything in the network?",
        why="Moving averages are computed from the data in the forward pass; Adam's and the random state from one "
        "update to the next.",
        beware="A network with frozen weights still changes in training, through its statistics.",
        correction="Parameters are moved by gradients and hyperparameters are fixed; the statistics of batch "
        "normalisation are neither.",
        reference="Ioffe & Szegedy (2015), arXiv:1502.03167, section 3.1",
    ),
    Claim(
        "6.2-a/fixed",
        "Hyperparameters keep their values through training.",
        exact(measured="moved", expected=False, table="parts", where={"kind": "hyperparameter"}),
        expected=EXACT,
        ask="Which of the numbers that you typed in has training changed when it is over?",
        why="No gradient is taken of them, and nothing else in a training writes to them.",
        beware="With a decay the rate itself falls; what is fixed is the rule by which it does.",
    ),
    Claim(
        "6.2-a/counts",
        "The counts of trainable and other weights are those that follow from the sizes of the layers.",
        exact(measured="keras", expected="formula", table="counts"),
        expected=EXACT,
        ask="Two hidden layers with batch normalisation: how many numbers does Keras call non-trainable?",
        why="A layer has inputs times units weights; batch normalisation adds γ and β to train, mean and variance to "
        "keep, and takes the bias away.",
        beware="`count_params()` is the sum of both; what the optimizer keeps comes on top of it.",
    ),
    Claim(
        "6.2-a/complete",
        "The rate that complete trainings choose on validation ends with a lower test loss than the rate of the best "
        "epoch of one training whose rate is changed from epoch to epoch.",
        paired("test_loss", lower=COMPLETE, than=WITHIN, by="way", table="scores"),
        expected=HOLDS,
        ask="Each rate has its turn within one training, and the best epoch wins. Whose rate is that?",
        why="The network carries what every rate before has done, and is usually the better the longer it has been "
        "trained: late turns have an advantage that is not their rate's.",
        beware="Rates near the best end nearly alike, so that many a wrong choice costs little and a few cost much: a "
        "mean of such a spread is uncertain. Complete trainings cost more; chapter 5 asks how early to break off.",
        correction="Tuning compares complete trainings, each with fixed values, by their score on validation data.",
        reference=_BERGSTRA,
    ),
)
