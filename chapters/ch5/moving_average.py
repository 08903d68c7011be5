"""5.12 A running average of the weights (지수 이동 평균, EMA)

At a rate that does not fall, the weights end up jumping to and fro around the bottom of a bowl, and an exponential
moving average of them, ē ← d·ē + (1 − d)·w after each update, lies closer to the bottom than most of the points that it
averages. On a noisy quadratic both variances are known: the average has (1 − d)(1 + ad) / ((1 + d)(1 − ad)) of the
weights' own, a = 1 − ηλ, the least where a is negative and the weights truly play ping-pong. On the digits it does at a
high rate what lowering the rate does as well; at a good rate there is little left to smooth.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, HOLDS, NO_DIFFERENCE, Claim, Run, exact, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.schedules import CosineDecay
from textbook.seeding import stream

ENTRIES = ("5.12-e",)
DATA = "any"

RAW, AVERAGE, DECAYED = "weights", "their average", "rate falls"
FACTORS = (1.8, 1.0, 0.5, 0.2, 0.05)  # learning rate times curvature
SHARES = (0.1, 0.25, 0.5, 0.75, 1.0)  # of the training, after which the weights are looked at


def measure(
    run: Run, *, decay: float = 0.99, high: float = 0.3, tuned: float = 0.2, epochs: int = 20
) -> dict[str, pd.DataFrame]:
    """Walk a noisy quadratic; train the digits at a high and at a good rate, with and without an average, and a decay.

    An average takes no part in the training and is put in the weights' place at its end, so each look is a training of
    its own that ends there.

    Args:
        decay: d of the average, after each update.
        high: rate of SGD with momentum 0.9 whose weights keep jumping.
        tuned: the best constant rate of eleven from 0.001 to 0.5, by validation loss on the tuning seeds 0–7.
        epochs: of the longest training.
    """
    epochs = run.epochs(epochs)
    marks = sorted({max(1, round(epochs * share)) for share in SHARES})
    curves = train_replicas(
        mlp,
        run.splits("digits"),
        conditions=_conditions(marks, decay=decay, high=high, tuned=tuned),
        seeds=run.seeds,
        epochs=epochs,
    )
    named = curves.condition.str.split("|", expand=True)
    ends = curves[curves.epoch == named[2].astype(int)]
    columns = ["seed", "epoch", "test_loss", "test_accuracy", "diverged", "chance_loss", "chance_accuracy"]
    kinds = pd.DataFrame({"condition": named[0], "level": named[1]}).loc[ends.index]
    return {
        "curves": pd.concat([kinds, ends[columns]], axis=1).reset_index(drop=True),
        "bowl": _bowl(decay),
        "walk": _walk(decay),
    }


def _conditions(marks, *, decay: float, high: float, tuned: float) -> dict:
    """A training for each arm and each epoch at which it is looked at: "arm|rate|epoch"."""
    from keras.optimizers import SGD

    averaging = SGD(momentum=0.9, use_ema=True, ema_momentum=decay)
    found = {}
    for level, rate, looks in (("high", high, marks), ("tuned", tuned, marks[-1:])):
        for mark in looks:
            found[f"{RAW}|{level}|{mark}"] = Condition(learning_rate=rate, momentum=0.9, epochs=mark)
            found[f"{AVERAGE}|{level}|{mark}"] = Condition(optimizer=averaging, learning_rate=rate, epochs=mark)
    for mark in marks:
        falling = CosineDecay(high, total=marks[-1])
        found[f"{DECAYED}|high|{mark}"] = Condition(learning_rate=falling, momentum=0.9, epochs=mark)
    return found


def _bowl(decay: float, steps: int = 5000) -> pd.DataFrame:
    """Stationary variances on ½w² with noise of variance 1 in each gradient, by iterating their recursion."""
    rows = []
    for factor in FACTORS:
        a = 1 - factor
        # second moments of (w, ē) under w' = a·w − η·noise, ē' = d·ē + (1 − d)·w'
        move = np.array([[a, 0.0], [(1 - decay) * a, decay]])
        push = factor * np.array([1.0, 1 - decay])
        moments = np.zeros((2, 2))
        for _ in range(steps):
            moments = move @ moments @ move.T + np.outer(push, push)
        known = factor**2 / (1 - a**2)
        share = (1 - decay) * (1 + a * decay) / ((1 + decay) * (1 - a * decay))
        rows.append(
            {
                "rate_times_curvature": factor,
                "weight_variance": moments[0, 0],
                "known_weight_variance": known,
                "share_left": moments[1, 1] / moments[0, 0],
                "known_share_left": share,
            }
        )
    return pd.DataFrame(rows)


def _walk(decay: float, factor: float = 1.8, steps: int = 300) -> pd.DataFrame:
    """One walk from 1 over the noisy quadratic, with its average from the start on."""
    noise, weight, average, rows = stream(0, "noise").standard_normal(steps), 1.0, 1.0, []
    for step in range(steps + 1):
        rows.append((step, weight, average))
        if step < steps:
            weight = weight - factor * (weight + 0.3 * noise[step])
            average = decay * average + (1 - decay) * weight
    return pd.DataFrame(rows, columns=["update", "weight", "average"])


def draw(tables: dict[str, pd.DataFrame]):
    """Above, ping-pong in a noisy bowl and its average; below, the digits' test loss at a high rate and the test
    accuracy at the best one.
    """
    curves, walk = tables["curves"], tables["walk"]
    with plots.style():
        fig, axes = plots.figure(2, 2, height_ratios=[1, 1.25], width_ratios=[1.5, 1], size=(7.0, 6.6))
        for ax in axes[0]:
            ax.remove()
        bowl = fig.add_subplot(axes[0, 0].get_gridspec()[0, :])
        high, best = axes[1]
        bowl.plot(walk["update"], walk.weight, color=plots.COLOURS[1], linewidth=0.9, label=RAW)
        bowl.plot(walk["update"], walk.average, color=plots.COLOURS[0], linewidth=2.4, label=AVERAGE)
        bowl.axhline(0, color="#222222", linewidth=0.8)
        bowl.set_ylim(-2.8, 3.4)
        bowl.set(xlabel="updates", ylabel="distance from\nthe bottom")
        bowl.set_title("a noisy bowl, rate × curvature = 1.8")
        bowl.legend(loc="upper right", ncols=2)
        shown = curves[curves.level == "high"]
        order = {RAW: plots.look(1), AVERAGE: plots.look(0), DECAYED: plots.look(2)}
        plots.band(high, shown, x="epoch", y="test_loss", looks=order, names="legend", log=True)
        plots.log_axis(high, "y")
        high.set(xlabel="epochs", ylabel="test loss (nats)", title="digits, high rate")
        at_best = curves[curves.level == "tuned"].assign(percent=100 * curves.test_accuracy)
        plots.dots(best, at_best, value="percent", looks=order)
        best.set_yticks(range(2), [RAW, "their\naverage"])
        best.set(xlabel="test accuracy (%)", title="best rate")
    plots.caption(
        fig,
        "Digits, MLP 64-64-10, SGD with momentum 0.9; geometric means (left), 95 %; "
        f"{plots.seeds_text(curves)}. Above: one walk over ½w², gradients with noise.",
    )
    return fig


CLAIMS = (
    Claim(
        "5.12-e/bowl",
        "In a noisy bowl the average keeps (1 − d)(1 + ad) / ((1 + d)(1 − ad)) of the weights' variance, a = 1 − ηλ.",
        exact(measured="share_left", expected="known_share_left", tolerance=1e-9, table="bowl"),
        expected=EXACT,
        ask="Weights jump around a minimum with variance 1. What variance does their moving average have, at d = 0.99?",
        why="Successive positions correlate as aᵏ. Where a is negative they alternate and cancel in the average.",
        beware="At a small rate positions hardly change within the average's memory of 1/(1 − d) updates, so it "
        "smooths less; a larger d remembers longer, and lags longer at the beginning.",
    ),
    Claim(
        "5.12-e/high-rate",
        "At a high constant rate the average of the weights has a lower test loss than the weights.",
        paired("test_loss", lower=AVERAGE, than=RAW, table="curves", where={"level": "high"}),
        expected=HOLDS,
        ask="The rate is too high for the end of training. Can an average mend that without touching the rate?",
        why="The weights jump around a good region; their mean lies inside.",
        beware="Early on the average is the worse one: it still remembers the first weights.",
    ),
    Claim(
        "5.12-e/tuned",
        "At the best constant rate the average of the weights is more accurate than the weights.",
        paired("test_accuracy", higher=AVERAGE, than=RAW, table="curves", where={"level": "tuned"}),
        expected=NO_DIFFERENCE,
        ask="And where the rate is right to begin with: how many points does the average add?",
        why="There the weights come to rest, since the training data are fitted, and the average of a point is it.",
        beware="On data that cannot be fitted, noise remains at any constant rate, and so does a use for averages.",
        correction="The average mends noise at the end of training. Where a good rate, or its decay, has done so "
        "already, it gains next to nothing; it is no ensemble of different solutions.",
        reference="Izmailov et al. (2018), Averaging weights leads to wider optima, arXiv:1803.05407; Polyak & "
        "Juditsky (1992), Acceleration of stochastic approximation by averaging",
    ),
    Claim(
        "5.12-e/decay",
        "At the high rate the average of the weights is more accurate than a network whose rate falls to 0.",
        paired("test_accuracy", higher=AVERAGE, than=DECAYED, table="curves", where={"level": "high"}),
        expected=NO_DIFFERENCE,
        ask="Two ways to calm the weights at the end: average them, or lower the rate. Which one wins?",
        why="Both take the noise of the last updates out, one by many positions, the other by small steps.",
        beware="A decay has to know when training ends; an average can be looked at whenever one likes.",
    ),
)
