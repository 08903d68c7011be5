"""5.12 Where members come from (앙상블 구성원을 얻는 법)

Members need not be trained for the purpose. The best trials of a search are there already; the text also offers
different checkpoints of one training. Checkpoints of a run at a constant rate that has settled differ too little to be
worth anything. A rate that falls and restarts is meant to leave each basin it has settled in, so that its snapshots
differ more (Huang et al.), at the price of one training; here they differ even less. Beside them stand networks
trained separately, each for a share of the same budget.
"""

import numpy as np
import pandas as pd
from scipy.stats import t as student

from chapters.shared.members import MOST_MEMBERS, SIZES, outputs, stacked, start
from textbook import plots
from textbook.ensembles import diversity, negative_log_likelihood, probabilities
from textbook.experiment import HOLDS, NO_DIFFERENCE, Claim, Run, paired
from textbook.models import mlp
from textbook.replicas import Condition
from textbook.schedules import WarmRestarts
from textbook.seeding import stream

ENTRIES = ("5.12-d",)
DATA = "digits"

SHAPES = ((64, 64), (64,), (64, 10), (10,))
LAST, CHECKPOINTS = "last network", "4 checkpoints"
SNAPSHOTS, SEPARATE = "4 snapshots, cyclic rate", "4 short trainings"
WINNER, TOP = "best trial", "5 best trials"
PHASES, MEMBERS, KEPT = 5, 4, 5
RATES = (1e-3, 1.0)


def measure(
    run: Run, *, trials: int = 40, epochs: int = 8, rate: float = 0.05, highest: float = 0.1
) -> dict[str, pd.DataFrame]:
    """Search with short trainings; train five times as long at a constant and at a cyclic rate; train short ones apart.

    The trials' rates are drawn log-uniformly from 0.001 to 1 and their momenta from 0 to 0.95; the five best on the
    validation part are judged on the test part. Every training has initial weights of its own.

    Args:
        trials: of the search, for each seed, at least 5.
        epochs: of a trial; the long trainings take five times as many.
        rate: of the trainings at a constant rate, with momentum 0.9.
        highest: rate that each cycle falls from, to 0, along a cosine. Both rates are the best of five from 0.03 to 0.3
            by validation loss on the tuning seeds 0–7.
    """
    from textbook.replicas import ReplicaTrainer  # here, because a cached run loads no TensorFlow

    if not KEPT <= trials <= MOST_MEMBERS:
        raise ValueError(f"expected {KEPT} to {MOST_MEMBERS} trials, got {trials}")
    epochs = run.epochs(epochs)
    ends = [epochs * phase for phase in range(1, PHASES + 1)][-MEMBERS:]
    conditions = {f"trial {trial}": _trial(run, trial, epochs) for trial in range(trials)}
    settings = {"momentum": 0.9}
    for number in range(MEMBERS):
        starts = _starts(run, f"apart {number}")
        conditions[f"apart {number}"] = Condition(learning_rate=rate, **settings, epochs=epochs, initial_weights=starts)
    for name, schedule in {"constant": rate, "cyclic": WarmRestarts(highest, period=epochs)}.items():
        for end in ends:  # the same training each time, which ends there
            starts = _starts(run, "long")
            conditions[f"{name} {end}"] = Condition(
                learning_rate=schedule, **settings, epochs=end, initial_weights=starts
            )
    splits = run.splits("digits", sizes=SIZES)
    trainer = ReplicaTrainer(mlp, splits, conditions=conditions, seeds=run.seeds, epochs=ends[-1], keep_state=True)
    result = trainer.run()
    curves = result.table[result.table.condition.str.startswith("trial")]
    last = curves[curves.epoch == epochs]
    rows = []
    for seed in run.seeds:
        test = splits(seed).test
        mine = last[last.seed == seed]
        ranked = mine.assign(loss=mine.val_loss.mask(mine.diverged, np.inf)).sort_values("loss").condition
        groups = {
            LAST: ([f"constant {ends[-1]}"], ends[-1]),
            CHECKPOINTS: ([f"constant {end}" for end in ends], ends[-1]),
            SNAPSHOTS: ([f"cyclic {end}" for end in ends], ends[-1]),
            SEPARATE: ([f"apart {number}" for number in range(MEMBERS)], MEMBERS * epochs),
            WINNER: (ranked.iloc[:1], trials * epochs),
            TOP: (ranked.iloc[:KEPT], trials * epochs),
        }
        for name, (members, cost) in groups.items():
            judged = _judged(outputs(_stacks(result, members, seed), test.x), test.y)
            rows.append({"condition": name, "seed": seed, "epochs": cost, **judged})
    return {"kinds": pd.DataFrame(rows)}


def _trial(run: Run, trial: int, epochs: int) -> Condition:
    """One trial of each seed's search."""
    drawn = {seed: stream(seed * MOST_MEMBERS + trial, "trial") for seed in run.seeds}
    low, high = np.log(RATES)
    return Condition(
        learning_rate={seed: float(np.exp(random.uniform(low, high))) for seed, random in drawn.items()},
        momentum={seed: float(random.uniform(0, 0.95)) for seed, random in drawn.items()},
        epochs=epochs,
        initial_weights=_starts(run, f"trial {trial}"),
    )


def _starts(run: Run, name: str) -> dict:
    return {seed: start(stream(seed, f"start of {name}"), SHAPES) for seed in run.seeds}


def _stacks(result, conditions, seed: int) -> list[np.ndarray]:
    """The last weights of several conditions, as stacks."""
    each = [stacked(result, name, [seed]) for name in conditions]
    return [np.concatenate(parts) for parts in zip(*each, strict=True)]


def _judged(logits: np.ndarray, y) -> dict:
    each = probabilities(logits, logits=True)
    together = each.mean(axis=0)
    return {
        "test_accuracy": (together.argmax(axis=-1) == y).mean(),
        "test_loss": negative_log_likelihood(together, y).mean(),
        "member_accuracy": (each.argmax(axis=-1) == y).mean(),
        "disagreement": diversity(each).disagreement if len(each) > 1 else 0.0,
    }


def draw(tables: dict[str, pd.DataFrame]):
    """Accuracy and loss of each way to get members, with what it costs; hollow marks are single members."""
    kinds = tables["kinds"]
    names = list(kinds.condition.unique())
    costs = kinds.groupby("condition").epochs.first()
    with plots.style():
        fig, (left, right) = plots.figure(1, 2, size=(7.0, 5.2), sharey=True)
        for ax, column, scale in ((left, "test_accuracy", 100), (right, "test_loss", 1)):
            for row, name in enumerate(names):
                values = scale * kinds.loc[kinds.condition == name, column]
                look = {"color": plots.COLOURS[row // 2], "marker": "os^"[row // 2]}
                half = student.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
                ax.errorbar(values.mean(), row, xerr=half, markersize=8, linewidth=1.6, linestyle="", **look)
                if column == "test_accuracy":
                    alone = 100 * kinds.loc[kinds.condition == name, "member_accuracy"].mean()
                    ax.plot(alone, row + 0.22, look["marker"], color=look["color"], mfc="white", markersize=6)
        left.set_yticks(range(len(names)), [f"{_broken(name)}\n{costs[name]} epochs" for name in names], fontsize=9.5)
        left.set_ylim(len(names) - 0.5, -0.5)
        left.set(xlabel="test accuracy (%)", title="accuracy")
        right.set(xlabel="test loss (nats)", title="loss")
    plots.caption(
        fig,
        "600 rows of digits, MLP 64-64-10, SGD with momentum, random search; epochs: of all training that it took. "
        f"Hollow: a member alone. Means, 95 % intervals, not of differences; {plots.seeds_text(kinds)}.",
    )
    return fig


def _broken(name: str) -> str:
    return name.replace(", ", ",\n")


CLAIMS = (
    Claim(
        "5.12-d/top-k",
        "The mean of the five best trials of a search is more accurate than the best trial.",
        paired("test_accuracy", higher=TOP, than=WINNER, table="kinds"),
        expected=HOLDS,
        ask="A search has trained forty networks and you keep one. What would the next four have been good for?",
        why="The best five are nearly equally good, they differ, and the winner's lead is partly luck.",
        beware="The search has to be paid for anyway; without one, forty trainings are a high price for five members.",
    ),
    Claim(
        "5.12-d/checkpoints",
        "The mean of the last four of five checkpoints of a run at a constant rate is more accurate than its end.",
        paired("test_accuracy", higher=CHECKPOINTS, than=LAST, table="kinds"),
        expected=NO_DIFFERENCE,
        ask="A run has settled. Its network now, eight epochs ago, and sixteen: how often do they disagree?",
        why="Once the training data are fitted, gradients vanish and the checkpoints are almost one network.",
        beware="At a rate so high that the weights keep jumping, checkpoints differ and averaging helps, but mostly "
        "makes up for the rate.",
    ),
    Claim(
        "5.12-d/snapshots",
        "At the same cost, four snapshots of a cyclic rate are together more accurate than four of a constant rate.",
        paired("test_accuracy", higher=SNAPSHOTS, than=CHECKPOINTS, table="kinds"),
        expected=HOLDS,
        ask="Does it help to throw the network out of its minimum after each checkpoint?",
        why="A restart at a high rate is to lead to another basin, so that the next snapshot errs elsewhere.",
        beware="A small network that fits its data in a few epochs may come back to the very basin that it left. Here "
        "snapshots disagree on 0.7 % of the test samples, and checkpoints on 1.3 %.",
    ),
)
