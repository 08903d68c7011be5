"""4.8.1 L1 and L2 penalties in the two losses (L1, L2 정칙화)

A penalty adds λΣ|w| or λΣw² to the loss that is minimised. The text holds that it is in the training loss only, so that
the validation loss is generally bound to be lower. In Keras it is in both: `val_loss` and `evaluate` include it.
In a hand-written loop that leaves it out of the validation loss, the order turns over where the penalty is larger than
the generalisation gap, and not before.
"""

import functools

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, FAILS, HOLDS, Claim, Run, estimate, exact, share
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas

ENTRIES = ("4.8.1-a", "4.8.1-b", "4.8.1-c")
DATA = "any"


def measure(
    run: Run,
    *,
    strengths: tuple[float, float, float] = (1e-4, 1e-3, 1e-2),
    rows: int = 300,
    epochs: int = 40,
) -> dict[str, pd.DataFrame]:
    """Train a network of 128 hidden units on few rows with penalties of three strengths, and none.

    Each strength is a graph of its own to trace; three of each kind and forty epochs keep the section within its time.
    """
    arms = {("none", "no penalty", 0.0): functools.partial(mlp, hidden=(128,))}
    for kind in ("L1", "L2"):
        for level, strength in zip(("weak", "medium", "strong"), strengths, strict=True):
            build = functools.partial(mlp, hidden=(128,), **{kind.lower(): strength})
            arms[kind, level, strength] = build
    names = {f"{kind} {level}": (kind, level, strength) for kind, level, strength in arms}
    splits = run.splits("digits", sizes=(rows, 473, 300))
    curves = train_replicas(
        mlp,
        splits,
        conditions={name: Condition(model=arms[arm], learning_rate=0.1, momentum=0.9) for name, arm in names.items()},
        seeds=run.seeds,
        epochs=run.epochs(epochs),
    )
    last = curves[curves.epoch == curves.epoch.max()]
    losses = last[["seed", "loss", "clean_loss", "val_loss", "val_clean_loss", "diverged"]].assign(
        **{word: last.condition.map(lambda name, i=i: names[name][i]) for i, word in enumerate(_ARM)},
        training_rows=len(splits(run.seeds[0]).train),
        keras_above=last.loss > last.val_loss,
        torch_above=last.loss > last.val_clean_loss,
        accuracy_gap=last.clean_accuracy - last.val_accuracy,
    )
    return {"losses": losses, "keras": _over_strengths(losses), "formula": _formula()}


_ARM = ("penalty", "level", "strength")


def _over_strengths(losses: pd.DataFrame) -> pd.DataFrame:
    """One event per seed and kind of penalty: Keras's losses are in the text's order at most of the strengths."""
    penalised = losses[losses.penalty != "none"]
    shares = penalised.groupby(["penalty", "seed"], as_index=False).keras_above.mean()
    return shares.assign(mostly_above=shares.keras_above > 0.5).drop(columns="keras_above")


def _formula() -> pd.DataFrame:
    """Penalties, Keras's evaluation and one step of training, each beside NumPy's."""
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(64, 8)).astype("float32"), rng.integers(0, 3, 64)
    found = []
    for name, l1, l2 in (("L1", 0.01, 0.0), ("L2", 0.0, 0.01), ("L1 and L2", 0.01, 0.02)):
        model = mlp((8,), 3, hidden=(16,), l1=l1, l2=l2)
        for variable in model.trainable_variables:  # biases too, so that counting them would show
            variable.assign(rng.normal(size=variable.shape))
        kernels = [v.numpy().astype(float) for v in model.trainable_variables if v.name == "kernel"]
        by_hand = sum(l1 * np.abs(kernel).sum() + l2 * (kernel**2).sum() for kernel in kernels)
        found.append(("penalty", name, by_hand, float(sum(model.losses))))
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
        outputs = model(x, training=False).numpy().astype(float)
        error = np.mean(np.log(np.exp(outputs).sum(axis=1)) - outputs[np.arange(len(y)), y])
        found.append(("evaluation", name, error + by_hand, float(model.evaluate(x, y, verbose=0))))
    with_penalty = _kernels_after_a_step(x, y, l2=0.02, weight_decay=None)
    with_decay = _kernels_after_a_step(x, y, l2=0.0, weight_decay=0.04)
    found += [("step", f"{i}", *pair) for i, pair in enumerate(zip(with_penalty, with_decay, strict=True))]
    return pd.DataFrame(found, columns=["identity", "case", "by_hand", "keras"])


def _kernels_after_a_step(x, y, *, l2: float, weight_decay: float | None) -> list[float]:
    """All entries of the kernels after one step of plain SGD from weights that are always the same."""
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    model, rng = mlp((8,), 3, hidden=(4,), l2=l2), np.random.default_rng(1)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    optimizer = keras.optimizers.SGD(0.1, weight_decay=weight_decay)
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
    model.train_on_batch(x, y)
    return [float(w) for v in model.trainable_variables if v.name == "kernel" for w in v.numpy().ravel()]


def draw(tables: dict[str, pd.DataFrame]):
    """Left, four losses by the strength of an L1 penalty; right, the share of seeds whose training loss ends above the
    validation loss.
    """
    losses = tables["losses"]
    strengths = sorted(losses.strength.unique())
    # evenly spaced places, because a strength of 0 has none on a log axis
    losses = losses.assign(place=losses.strength.map({value: place for place, value in enumerate(strengths)}))
    fig, (left, right) = plots.figure(1, 2, width_ratios=[1.1, 1])
    l1 = losses[losses.penalty.isin(["none", "L1"])]
    names = {
        "loss": "training (Keras)",
        "val_loss": "validation (Keras)",
        "val_clean_loss": "validation, no penalty",
        "clean_loss": "training, no penalty",
    }
    looks = {name: plots.look(i) for i, name in enumerate(names.values())}
    for column, name in names.items():
        plots.band(left, l1.assign(which=name), x="place", y=column, hue="which", looks=looks, names="legend")
    left.set(ylabel="loss at the end (nats)", title="losses with L1")
    conventions = {"torch_above": ("no penalty in val_loss", 2), "keras_above": ("Keras", 1)}
    for column, (name, number) in conventions.items():
        for kind, dashes in (("L1", "-"), ("L2", ":")):
            share_above = 100 * losses[losses.penalty.isin(["none", kind])].groupby("place")[column].mean()
            look = {**plots.look(number), "linestyle": dashes}
            right.plot(share_above.index, share_above, **look, label=f"{kind}, {name}")
    right.set(
        ylabel="seeds with training loss\nabove validation loss (%)", ylim=(-3, 103), title="is the order inverted?"
    )
    left.set_ylim(top=1.5 * left.get_ylim()[1])  # room for the legend above the lines
    left.legend(loc="upper left", handlelength=2.2)
    fig.legend(*right.get_legend_handles_labels(), loc="outside upper right", ncols=2)
    for ax in (left, right):
        ax.set_xlabel("strength λ")
        ax.set_xticks(range(len(strengths)), [plots.plain(value) for value in strengths])
    plots.caption(
        fig,
        f"Digits, {losses.training_rows.iloc[0]} training rows, MLP 64-128-10, SGD with momentum 0.9. "
        f"{plots.seeds_text(losses)}",
    )
    return fig


def _at(kind: str, level: str) -> dict:
    return {"table": "losses", "where": {"penalty": kind, "level": level}}


_KERAS = "In Keras `val_loss` and `evaluate()` contain the penalty too; add the plain loss as a metric to see it alone."
_SOURCE = "Keras 3 `Trainer.test_step`; issues 6518 and 8242 of keras-team/keras. The Keras FAQ still says otherwise."

CLAIMS = (
    Claim(
        "4.8.1-a/penalty",
        "The penalty is λΣ|w| for L1 and λΣw² for L2, over the kernels and without the biases.",
        exact(measured="keras", expected="by_hand", tolerance=1e-5, table="formula", where={"identity": "penalty"}),
        expected=EXACT,
        ask="Is there a factor ½ in L2? Do biases count?",
        why="Keras adds what each layer's `kernel_regularizer` returns, and `L2(l)` returns l·Σw².",
        beware="Some texts write λ/2·Σw²: their λ is twice Keras's.",
    ),
    Claim(
        "4.8.1-a/validation",
        "Keras's loss on held-out rows is their error plus the same penalty.",
        exact(measured="keras", expected="by_hand", tolerance=1e-5, table="formula", where={"identity": "evaluation"}),
        expected=EXACT,
        ask="`model.evaluate` on new rows: does the number contain the penalty?",
        why="The penalty depends on the weights alone, and Keras adds it wherever it computes the loss.",
        beware="Losses of models with different penalties cannot be compared by `val_loss`.",
        correction="'Validation loss = error only' is not so in Keras. " + _KERAS,
        reference=_SOURCE,
    ),
    Claim(
        "4.8.1-a/decay",
        "One step of plain SGD with L2(l) moves the kernels as one with weight_decay=2l does.",
        exact(measured="keras", expected="by_hand", tolerance=1e-6, table="formula", where={"identity": "step"}),
        expected=EXACT,
        ask="Which `weight_decay` does the same as `L2(0.02)`?",
        why="The gradient of l·Σw² is 2l·w, and decay takes lr·weight_decay·w off each weight.",
        beware="Only for plain SGD: Adam divides the penalty's gradient by its running scale, but not the decay. And "
        "`weight_decay` takes the biases with it.",
    ),
    Claim(
        "4.8.1-b/weak",
        "Where the validation loss leaves the penalty out, the training loss ends above it with a weak L1 penalty "
        "(λ = 0.0001).",
        share("torch_above", **_at("L1", "weak")),
        expected=FAILS,
        ask="A penalty in the training loss only: is that enough to put it above, however weak it is?",
        why="The order turns over where the penalty is larger than the generalisation gap; here it is smaller.",
        beware="A penalty is always an addition to the training loss, but it need not be a large one.",
        correction="'Generally bound to be lower' needs a penalty above the generalisation gap. " + _KERAS,
        reference=_SOURCE,
    ),
    Claim(
        "4.8.1-b/medium",
        "With ten times that L1 penalty, it does.",
        share("torch_above", **_at("L1", "medium")),
        expected=HOLDS,
        ask="And at λ = 0.001?",
        why="λΣ|w| over more than nine thousand weights now exceeds what the network overfits.",
        beware="The curves look like a gap in fit; they show a difference in bookkeeping.",
    ),
    Claim(
        "4.8.1-b/weak-l2",
        "With a weak L2 penalty (λ = 0.0001) that is left out of the validation loss, the training loss ends above it.",
        share("torch_above", **_at("L2", "weak")),
        expected=FAILS,
        ask="Is L2 any different?",
        why="Squares of small weights are smaller still, and so is their penalty.",
        beware="The same λ means another penalty for L1 and for L2.",
    ),
    Claim(
        "4.8.1-b/medium-l2",
        "With ten times that L2 penalty, it does.",
        share("torch_above", **_at("L2", "medium")),
        expected=HOLDS,
        ask="And L2 at λ = 0.001?",
        why="The penalty now exceeds what the network overfits.",
        beware="Whether it does depends on the rows, the network and how long it trains, as much as on λ.",
    ),
    Claim(
        "4.8.1-b/keras",
        "As Keras reports them, the training loss ends above the validation loss at most strengths of an L1 penalty.",
        share("mostly_above", table="keras", where={"penalty": "L1"}),
        expected=FAILS,
        ask="Now with Keras's own `loss` and `val_loss`: which is higher at the end?",
        why="The same penalty is in both and cancels in their difference, so the generalisation gap decides.",
        beware="In the first epochs Keras's training loss is above, because it is half an epoch old, penalty or not.",
        correction=_KERAS,
        reference=_SOURCE,
    ),
    Claim(
        "4.8.1-b/keras-l2",
        "As Keras reports them, the training loss ends above the validation loss at most strengths of an L2 penalty.",
        share("mostly_above", table="keras", where={"penalty": "L2"}),
        expected=FAILS,
        ask="Does it matter whether the penalty is L1 or L2?",
        why="Either penalty is in both losses and cancels.",
        beware="A strong penalty closes the generalisation gap, and then the lag of half an epoch can show.",
        correction=_KERAS,
        reference=_SOURCE,
    ),
    Claim(
        "4.8.1-c/l1",
        "Whatever the order of the losses, the accuracy on training rows is higher than on validation rows (L1, "
        "λ = 0.001).",
        estimate("accuracy_gap", above=0, unit="points", delta=0.5, **_at("L1", "medium")),
        expected=HOLDS,
        ask="The training loss is the higher one. Does the network know its training rows worse?",
        why="Accuracy has no penalty in it, and the network was fitted to the training rows.",
        beware="Compare accuracies measured the same way: after the epoch, for both parts.",
    ),
    Claim(
        "4.8.1-c/l2",
        "The same with an L2 penalty (λ = 0.001).",
        estimate("accuracy_gap", above=0, unit="points", delta=0.5, **_at("L2", "medium")),
        expected=HOLDS,
        ask="And with L2?",
        why="Accuracy has no penalty in it, and the network was fitted to the training rows.",
        beware="A gap in accuracy is the better sign of overfitting where the losses contain different terms.",
    ),
)
