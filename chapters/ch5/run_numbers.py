"""5.0 What moves while a network learns, and what stands still (매개변수와 하이퍼파라미터)

The text promises things that change during learning and names two: the weights, and hyperparameters to be searched.
Only the first are learned. A hyperparameter is fixed before a run and stays fixed: objective, architecture, batch
size, momentum, penalty. A schedule looks like an exception and is none: the rate follows a rule, and the constants of
the rule stand still. Hyperparameters change *between* runs, when somebody searches.
"""

import hashlib
import itertools
import json

import pandas as pd

from textbook import plots
from textbook.book_style import darker
from textbook.experiment import EXACT, Claim, Run, exact
from textbook.models import mlp
from textbook.random_state import RandomState
from textbook.schedules import StepDecay
from textbook.schedules.config import to_config

ENTRIES = ("5.0-a",)
DATA = "any"
LEARNED, STATE, FOLLOWS, FIXED = "learned", "optimizer's state", "follows a schedule", "hyperparameter"


def measure(run: Run, *, epochs: int = 6, batch_size: int = 128, every: int = 2) -> dict[str, pd.DataFrame]:
    """Write down every number of a run after each update, and again in a run with another seed.

    Args:
        epochs, batch_size: of both runs.
        every: epochs between two cuts of the learning rate.
    """
    epochs = run.epochs(epochs)
    halving = StepDecay(0.2, factor=0.5, every=every)
    split = run.splits("digits")(run.seeds[0])
    first, second = (_recorded(split, halving, seed, epochs, batch_size) for seed in (0, 1))
    tables, rows = [], []
    for name, (kind, values) in first.items():
        moves = [before != after for before, after in itertools.pairwise(values)]
        tables.append(pd.DataFrame({"quantity": name, "update": range(1, len(values)), "moved": moves}))
        rows.append((name, kind, len(moves), sum(moves), values[0] != second[name][1][0]))
    summary = pd.DataFrame(rows, columns=["quantity", "kind", "updates", "moves", "differs_between_seeds"])
    steps = -(-len(split.train) // batch_size)
    rates = {halving(epoch) for epoch in range(epochs)}
    summary["by_definition"] = summary.kind.map(
        {LEARNED: len(moves), STATE: len(moves), FOLLOWS: len(rates) - 1, FIXED: 0}
    )
    return {"moves": pd.concat(tables), "summary": summary, "setting": pd.DataFrame([(steps, epochs)]).set_axis(
        ["updates_per_epoch", "epochs"], axis=1)}  # fmt: skip


def _recorded(split, schedule, seed: int, epochs: int, batch_size: int) -> dict:
    """{quantity: (kind, its value after 0, 1, … updates)}; arrays and configurations as digests of their bytes."""
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    before = RandomState.now()
    keras.utils.set_random_seed(seed)
    model = mlp(split.train.x.shape[1:], split.classes, l2=1e-4)
    optimizer = keras.optimizers.SGD(schedule(0), momentum=0.9)
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    optimizer.build(model.trainable_variables)

    def numbers() -> dict:
        layers = [layer for layer in model.layers if layer.weights]
        return {
            "kernels": (LEARNED, _digest(b"".join(layer.kernel.numpy().tobytes() for layer in layers))),
            "biases": (LEARNED, _digest(b"".join(layer.bias.numpy().tobytes() for layer in layers))),
            "velocities": (STATE, _digest(b"".join(v.numpy().tobytes() for v in optimizer.variables[2:]))),
            "count of updates": (STATE, int(optimizer.iterations)),
            "learning rate": (FOLLOWS, float(optimizer.learning_rate)),
            "schedule's constants": (FIXED, _digest(to_config(schedule))),
            "momentum": (FIXED, optimizer.momentum),
            "penalty strength": (FIXED, [float(layer.kernel_regularizer.l2) for layer in layers]),
            "architecture": (FIXED, _digest([_unnamed(layer) for layer in model.layers])),
            "objective": (FIXED, _digest(model.loss.get_config())),
        }

    history = [numbers()]
    writer = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: history.append(numbers()))
    rate = keras.callbacks.LearningRateScheduler(schedule)
    model.fit(
        split.train.x, split.train.y, batch_size=batch_size, epochs=epochs, verbose=0, callbacks=[rate, writer]
    )  # fmt: skip
    before.restore()
    return {name: (kind, [entry[name][1] for entry in history]) for name, (kind, _) in history[0].items()}


def _unnamed(layer) -> dict:
    """What a layer is, without its name, which Keras counts on from model to model."""
    return {"class": type(layer).__name__} | {k: v for k, v in layer.get_config().items() if k != "name"}


def _digest(value) -> str:
    content = value if isinstance(value, bytes) else json.dumps(value, sort_keys=True, default=str).encode()
    return hashlib.sha256(content).hexdigest()


def draw(tables: dict[str, pd.DataFrame]):
    """A row for each quantity of a run, with a tick at each update that moved it; colours tell what is learned, the
    optimizer's state, what follows a schedule, and the hyperparameters.
    """
    moves, summary, setting = tables["moves"], tables["summary"], tables["setting"].iloc[0]
    fig, ax = plots.figure(size=(7, 5.4))
    colours = dict(zip((LEARNED, STATE, FOLLOWS, FIXED), (*plots.COLOURS[:3], plots.GREY), strict=True))
    for row, entry in enumerate(summary.itertuples()):
        at = moves[(moves.quantity == entry.quantity) & moves.moved]["update"]
        ax.plot(at, [row] * len(at), "|", color=colours[entry.kind], markersize=15, markeredgewidth=2)
        ax.axhline(row, color=colours[entry.kind], linewidth=0.8, alpha=0.5)
        words = f"{entry.moves} moves" if entry.moves else "never"
        ax.text(1.015, row, words, transform=ax.get_yaxis_transform(), va="center", fontsize=10)
    for epoch in range(1, int(setting.epochs)):
        ax.axvline(epoch * setting.updates_per_epoch + 0.5, color="#cccccc", linewidth=1, zorder=0)
    ax.set_yticks(range(len(summary)), [f"{entry.quantity}" for entry in summary.itertuples()])
    for label, kind in zip(ax.get_yticklabels(), summary.kind, strict=True):
        label.set_color(darker(colours[kind]))
    ax.set(ylim=(len(summary) - 0.4, -0.6), xlabel="update (grey lines: epochs)", xlim=(0, moves["update"].max() + 1))
    ax.set_title("which numbers of a run move, and when")
    ax.grid(visible=False)
    for kind, colour in colours.items():
        ax.plot([], [], "|", color=colour, markersize=12, markeredgewidth=2, label=kind)
    ax.legend(loc="upper center", bbox_to_anchor=(0.4, -0.13), ncols=4, fontsize=9.5, handletextpad=0.2)
    other = ", ".join(summary.quantity[summary.differs_between_seeds])
    plots.caption(
        fig,
        f"Digits, MLP 64-64-10 with an L2 penalty, SGD with momentum, the rate halved every few epochs; one run, "
        f"{moves['update'].max()} updates. At the start of a run with another seed these differ: {other or 'none'}.",
    )
    return fig


CLAIMS = (
    Claim(
        "5.0-a/learned",
        "Weights and biases are learned: every update moves them.",
        exact(measured="moves", expected="updates", where={"kind": LEARNED}, table="summary"),
        expected=EXACT,
        ask="Of all the numbers that describe a training run, which ones does an update change?",
        why="An update steps along the gradient of the weights; the optimizer's state, such as velocities, moves too.",
        beware="A weight whose unit is never active stands still; it is the tensors that move in every update.",
    ),
    Claim(
        "5.0-a/fixed",
        "Objective, architecture and hyperparameters stay what they were from the first update to the last.",
        exact(measured="moves", expected="by_definition", where={"kind": FIXED}, table="summary"),
        expected=EXACT,
        ask="The text lists hyperparameters among the things that change while a network learns. Do they?",
        why="Nothing computes a gradient for them; they change when somebody starts another run.",
        beware="Keras even ignores a momentum that a callback sets during training: its compiled step has the old one.",
        correction="Parameters change during learning; hyperparameters are set before it and change between runs, by "
        "search.",
        reference="cs231n: Neural Networks Part 3, hyperparameter optimization; Bengio (2012), arXiv:1206.5533",
    ),
    Claim(
        "5.0-a/schedule",
        "A scheduled rate moves only where its schedule says so, and the schedule's constants never do.",
        exact(measured="moves", expected="by_definition", where={"kind": FOLLOWS}, table="summary"),
        expected=EXACT,
        ask="A learning rate that is halved every two epochs changes during training. Is it learned?",
        why="The rate is a fixed function of time: initial value, factor and period were chosen beforehand.",
        beware="ReduceLROnPlateau reacts to the loss, but its patience and factor are constants as well.",
    ),
)
