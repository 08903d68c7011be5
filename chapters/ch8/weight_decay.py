"""8.4.1 Weight decay (가중치 감쇠)

A penalty on the weights keeps a network from fitting what is peculiar to its training rows. The text says that this
makes the model simpler, and that simple means fewer parameters. An L2 penalty shrinks weights; it removes none. What
falls is the number that the data decide, the effective parameters, which can be computed exactly for ridge regression.
(That more parameters overfit more is no law either: see section 7.2.) It says too that weight decay is applied by
changing the loss. For plain SGD that is the same as taking a share off each weight in every update. With momentum, and
above all with Adam, it is not.
"""

import functools

import numpy as np
import pandas as pd

from chapters.shared.members import stacked
from chapters.shared.penalty_or_decay import penalty_or_decay
from chapters.shared.tuned_arms import best_rates
from textbook import plots
from textbook.experiment import EXACT, HOLDS, VIOLATED, Claim, Run, exact, paired, trend
from textbook.models import mlp
from textbook.replicas import Condition
from textbook.ridge import RidgePath

ENTRIES = ("8.4.1-a",)
DATA = "any"

NONE, L1, L2 = "no penalty", "L1", "L2"
STRENGTHS = (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
# below this share of a layer's largest weight, a weight is as good as gone
_NEAR_ZERO = 0.01
_RIDGE = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)


def measure(
    run: Run, *, rows: int = 300, epochs: int = 40, decay: float = 0.01, updates: int = 60
) -> dict[str, pd.DataFrame]:
    """Train a network with L2 penalties of six strengths, and with L1 and L2 at the strength that validates best.

    Args:
        rows: of the training part; few, so that there is something to overfit.
        epochs: with SGD, rate 0.1 and momentum 0.9.
        decay: weight decay whose updates are followed step by step; the penalty is then ½·decay·Σw².
        updates: that are followed.
    """
    splits = run.splits("digits", (rows, 473, 1797 - 473 - rows))
    arms = [(kind, strength) for kind in (L1, L2) for strength in STRENGTHS]
    trials = _losses(_train(run, splits, arms, run.tuning(4), epochs).table)
    # best_rates calls what is tuned a rate
    chosen = best_rates(trials.rename(columns={"kind": "arm", "strength": "rate", "val_clean_loss": "val_loss"}))
    best = {NONE: 0.0} | dict(zip(chosen.arm, chosen.rate, strict=True))
    judged = [(NONE, 0.0), *[arm for arm in arms if arm[0] == L2], (L1, best[L1])]
    result = _train(run, splits, judged, run.seeds, epochs)
    found = _losses(result.table)
    kernels = {
        (kind, seed): [w[0] for w in stacked(result, f"{kind}|{best[kind]:g}", [seed])[::2]]
        for kind in best
        for seed in run.seeds
    }
    near = pd.DataFrame(
        [(*key, near_zero(mine)) for key, mine in kernels.items()], columns=["kind", "seed", "near_zero"]
    )
    found = found.assign(chosen=found.strength == found.kind.map(best))
    return {
        "runs": found.assign(
            rows=len(splits(run.seeds[0]).train),
            epochs=run.epochs(epochs),
            border=bool(chosen.border.any()),
            data=run.data("digits").card.name,
        ),
        "near_zero": near,
        "weights": _histogram(kernels),
        "ridge": _ridge(splits(run.seeds[0])),
        "steps": penalty_or_decay(decay, updates=run.epochs(updates)),
    }


def _train(run: Run, splits, arms, seeds, epochs: int):
    """The `ReplicaResult` of a network for each kind and strength of penalty."""
    from textbook.replicas import ReplicaTrainer  # here, because a cached run loads no TensorFlow

    conditions = {
        f"{kind}|{strength:g}": Condition(
            learning_rate=0.1,
            momentum=0.9,
            strengths={name: strength if kind == which else 0.0 for name, which in (("l1", L1), ("l2", L2))},
        )
        for kind, strength in arms
    }
    # any strengths: each condition has its own
    build = functools.partial(mlp, l1=1e-4, l2=1e-4)
    return ReplicaTrainer(
        build, splits, conditions=conditions, seeds=seeds, epochs=run.epochs(epochs), keep_state=True
    ).run()


def _losses(curves: pd.DataFrame) -> pd.DataFrame:
    """Losses without penalties after the last epoch, a diverged run at a guess's, and the size of the weights.

    The size is the root of Σw² over all kernels, read off an L2 penalty: that is λΣw².
    """
    last = curves[curves.epoch == curves.epoch.max()].reset_index(drop=True)
    named = last.condition.str.split("|", expand=True)
    found = last[["seed", "epoch", "diverged", "chance_loss"]].assign(kind=named[0], strength=named[1].astype(float))
    for name, column in (("train_loss", "clean_loss"), ("val_clean_loss",) * 2, ("test_loss", "test_clean_loss")):
        found[name] = last[column].where(~last.diverged, last.chance_loss)
    penalised = found.kind == L2
    found["norm"] = np.sqrt(last.penalty[penalised] / found.strength[penalised])
    return found


def near_zero(kernels) -> float:
    """Share of the weights below a hundredth of the largest of their layer."""
    small = [np.abs(kernel) < _NEAR_ZERO * np.abs(kernel).max() for kernel in kernels]
    return float(np.concatenate([s.ravel() for s in small]).mean())


def _histogram(kernels: dict) -> pd.DataFrame:
    """Shares of the first layer's weights by size, over all seeds, for each kind of penalty."""
    edges, tables = np.linspace(-0.5, 0.5, 51), []
    for kind in dict.fromkeys(kind for kind, _ in kernels):
        drawn = np.concatenate([layers[0].ravel() for (name, _), layers in kernels.items() if name == kind])
        counts, _ = np.histogram(drawn, edges)
        tables.append(pd.DataFrame({"kind": kind, "left": edges[:-1], "share": counts / len(drawn)}))
    return pd.concat(tables, ignore_index=True)


def _ridge(split) -> pd.DataFrame:
    """Ridge regression of the classes on the features: effective parameters by two ways, and weights that are 0."""
    x = split.train.x.reshape(len(split.train), -1).astype(float)
    x = x[:, x.std(axis=0) > 0] - x[:, x.std(axis=0) > 0].mean(axis=0)
    y = np.eye(split.classes)[split.train.y]
    path, rows = RidgePath(x, y - y.mean(axis=0)), []
    for penalty in _RIDGE:
        # the other way: how much each prediction moves with its own target
        moves = np.trace(x @ np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T))
        weights = path.weights(penalty)
        rows.append((penalty, path.effective_parameters(penalty), moves, weights.shape[0], int((weights == 0).sum())))
    return pd.DataFrame(rows, columns=["penalty", "effective", "trace", "features", "zero_weights"])


def draw(tables: dict[str, pd.DataFrame]):
    """Losses by the penalty's strength, and shares of the first layer's weights by size without a penalty, with L1 and
    with L2; below, ridge regression's effective parameters by λ, and how far penalty and decay drift apart.
    """
    runs, ridge, steps = tables["runs"], tables["ridge"], tables["steps"]
    fig, ((losses, sizes), (free, apart)) = plots.figure(2, 2, size=(7, 6.6))
    path = runs[runs.kind == L2]
    words = {"test_loss": "test", "train_loss": "training"}
    shown = path.melt(["seed", "strength"], list(words), "part", "loss").replace({"part": words})
    plots.band(losses, shown, x="strength", y="loss", hue="part", names="legend")
    without = runs[runs.kind == NONE].test_loss.mean()
    losses.axhline(without, color="#222222", linestyle=":", linewidth=1.5)
    losses.annotate("test, no penalty", (0.03, without), (0, 3), xycoords=("axes fraction", "data"), va="bottom",
                    textcoords="offset points", fontsize=9.5)  # fmt: skip
    plots.log_axis(losses, "x")
    losses.set(xlabel="λ of λΣw²", ylabel="loss without penalty (nats)", title="losses", ylim=(0, None))
    for number, (kind, mine) in enumerate(tables["weights"].groupby("kind", sort=False)):
        edges = [*mine.left, 2 * mine.left.iloc[-1] - mine.left.iloc[-2]]
        look = plots.look(number + 2)
        sizes.stairs(
            100 * mine.share, edges, color=look["color"], linestyle=look["linestyle"], linewidth=1.9, label=kind
        )
    sizes.set(xlabel="weight, first layer", ylabel="share of the weights (%)", title="shrunk or gone", yscale="log")
    sizes.legend(fontsize=9.5)
    free.plot(ridge.penalty, ridge.effective, **plots.look(0))
    free.axhline(ridge.features.iloc[0], color="#222222", linestyle=":", linewidth=1.5)
    free.annotate("weights other than 0", (0.97, ridge.features.iloc[0]), (0, -4), va="top", ha="right", fontsize=9.5,
                  xycoords=("axes fraction", "data"), textcoords="offset points")  # fmt: skip
    plots.log_axis(free, "x")
    free.set(
        xlabel="λ of ridge regression", ylabel="parameters for each class", title="decided by the data", ylim=(0, None)
    )
    for number, (name, mine) in enumerate(steps.groupby("optimizer", sort=False)):
        apart.plot(mine["update"], mine.apart.clip(lower=1e-12), **(plots.look(number) | {"marker": ""}), label=name)
    apart.set(xlabel="updates", ylabel="distance of weights / size", title="penalty or decay", yscale="log")
    apart.set_ylim(1e-12, 10)
    apart.legend(fontsize=9.5, loc="center right")
    first = runs.iloc[0]
    best = runs[runs.chosen].groupby("kind").strength.first()
    plots.caption(
        fig,
        f"{first.data.capitalize()}, {first['rows']} training rows, one hidden layer of 64, SGD with momentum 0.9, "
        f"{first.epochs} epochs; weights at the λ that validates best on other seeds (L2 {best[L2]:g}, L1 {best[L1]:g}"
        f"{', at the end of the grid' if first.border else ''}). Ridge: the first seed. Right below: logistic "
        f"regression, decay {steps.decay.iloc[0]:g}. Bands: 95 %, {plots.seeds_text(runs)}.",
    )
    return fig


_ADAMW = "Loshchilov and Hutter (2019), Decoupled weight decay regularization, arXiv:1711.05101"
_APART = (
    "A penalty in the loss and a share taken off the weights are the same for plain SGD only. With momentum the "
    "penalty's gradient is accumulated, and Adam divides it by the size of past gradients; weight decay proper is "
    "decoupled (AdamW)."
)


def _same(name: str):
    return exact(measured="apart", expected=0.0, tolerance=1e-6, table="steps", where={"optimizer": name})


CLAIMS = (
    Claim(
        "8.4.1-a/shrinks",
        "The stronger the L2 penalty, the smaller the weights.",
        trend("norm", over="strength", direction="falls", scale="log", table="runs", where={"kind": L2}),
        expected=HOLDS,
        ask="Each weight is pulled towards 0 in every update, in proportion to its size. What becomes of the weights?",
        why="A weight settles where the pull of the data and that of the penalty are in balance.",
        beware="Small weights are not yet a simple function: scaling one layer down and the next up changes nothing.",
    ),
    Claim(
        "8.4.1-a/gain",
        "It lowers the test loss: at the strength that validates best, below that without a penalty.",
        paired("test_loss", lower=(L2, True), than=(NONE, True), by=("kind", "chosen"), table="runs"),
        expected=HOLDS,
        ask="Few training rows, one penalty chosen on other seeds. Does the loss on new rows fall, and by how much?",
        why="Without it, the network goes on growing surer of training rows that it already reads rightly.",
        beware="A gain in loss may be one of sureness alone; look at the accuracy as well.",
    ),
    Claim(
        "8.4.1-a/effective",
        "A ridge penalty leaves Σ d²/(d² + λ) parameters to the data: as much as each prediction moves with its own "
        "target.",
        exact(measured="effective", expected="trace", tolerance=1e-6, relative=True, table="ridge"),
        expected=EXACT,
        ask="How could half a parameter be counted?",
        why="Along each direction of the data the weights are shrunk by d²/(d² + λ); that share is left to the data.",
        beware="For a network it needs the curvatures of the loss and is an approximation around its minimum.",
    ),
    Claim(
        "8.4.1-a/fewer",
        "Simpler does not mean fewer: however strong the ridge penalty, none of the weights is 0.",
        exact(measured="zero_weights", expected=0.0, table="ridge"),
        expected=EXACT,
        ask="The effective parameters fall to a fraction. How many weights are gone?",
        why="The pull of L2 gets weaker as a weight gets smaller, so no weight ever arrives at 0.",
        beware="Nor do networks with more parameters have to overfit more; there is a second descent.",
        correction="L2 shrinks weights and lowers the effective number of parameters, not their number. And the text's "
        "premise, more parameters overfit more, is contested: beyond interpolation the error can fall again.",
        reference="MacKay (1992), Bayesian interpolation; Belkin et al. (2019), arXiv:1812.11118",
    ),
    Claim(
        "8.4.1-a/sparse",
        "L1 is what makes weights vanish: at the best strength of each, more weights are near 0 with L1 than with L2.",
        paired("near_zero", higher=L1, than=L2, by="kind", unit="points", delta=0.5, table="near_zero"),
        expected=HOLDS,
        ask="Both penalties are as strong as validation likes them. Which leaves more weights that do nothing?",
        why="The pull of L1 is as strong for a small weight as for a large one, and holds a weight at 0 that the data "
        "do not need.",
        beware="Plain gradient steps jump over 0 and back, so even with L1 a weight is near 0, not at it.",
    ),
    Claim(
        "8.4.1-a/sgd",
        "For plain SGD, a penalty ½·w·Σθ² in the loss and weight_decay=w give the same weights, update by update.",
        _same("SGD"),
        expected=EXACT,
        ask="The penalty's gradient is w·θ, times the rate. What does weight_decay take off?",
        why="Both take rate · w · θ off each weight.",
        beware="Keras's L2(l) is l·Σθ², without the half: l is half the weight decay.",
    ),
    Claim(
        "8.4.1-a/momentum",
        "With momentum they give the same weights, too.",
        _same("SGD with momentum"),
        expected=VIOLATED,
        ask="Momentum adds up gradients. Does it add up the decay as well?",
        why="The penalty is part of the gradient and goes into the velocity; Keras's decay goes past it.",
        beware="In torch, SGD's weight_decay is added to the gradient: the same word for the other thing.",
        correction=_APART,
        reference=_ADAMW,
    ),
    Claim(
        "8.4.1-a/adam",
        "Weight decay is applied by changing the loss: with Adam the penalty and weight_decay give the same weights.",
        _same("Adam"),
        expected=VIOLATED,
        ask="Adam divides each gradient by its usual size. What does that do to a penalty's gradient?",
        why="Weights with large gradients get less of the penalty, where decay takes the same share off all.",
        beware="A strength tuned for the one is none for the other.",
        correction=_APART,
        reference=_ADAMW,
    ),
)
