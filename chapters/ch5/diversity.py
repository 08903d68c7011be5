"""5.12 Variety among the members (앙상블의 다양성)

An ensemble works better the more its members differ, says the text. For squared errors this is no tendency but an
identity: the ensemble's error is the mean error of the members less their spread around the mean (Krogh and Vedelsby).
So variety pays as long as it is not bought with worse members. Here five networks start at an angle θ to a common
start and see their batches in one order: at 0° they are one network, at 90° they share nothing, and whatever the angle
each one alone is an ordinary network. Beside them stand two other ways to vary: another order, and bagging.
"""

import numpy as np
import pandas as pd
from scipy.stats import t as student

from chapters.shared.members import MOST_MEMBERS, outputs, reordered, split_of_seed, stacked, start
from textbook import plots
from textbook.ensembles import diversity, negative_log_likelihood, probabilities
from textbook.experiment import EXACT, HOLDS, Claim, Run, exact, trend
from textbook.models import mlp
from textbook.replicas import Condition
from textbook.seeding import Seeds, stream

ENTRIES = ("5.12-b",)
DATA = "digits"

ANGLES = (0, 10, 25, 50, 90)
ORDER, BAGGING = "same start, other order", "other start, bagging"
SHAPES = ((64, 64), (64,), (64, 10), (10,))


def measure(run: Run, *, members: int = 5, epochs: int = 10, rate: float = 0.1) -> dict[str, pd.DataFrame]:
    """Train ensembles whose members share more or less of their start, on 600 rows.

    All networks take their batches in one order; where the order is to differ, the rows stand in another order.

    Args:
        members: in each ensemble, at least 2.
        epochs: of each network.
        rate: of SGD with momentum 0.9.
    """
    from textbook.replicas import ReplicaTrainer  # here, because a cached run loads no TensorFlow

    if not 2 <= members < MOST_MEMBERS:
        raise ValueError(f"expected 2 to {MOST_MEMBERS - 1} members, got {members}")
    numbers = [seed * MOST_MEMBERS + member for seed in run.seeds for member in range(members)]
    common = {seed: start(stream(seed, "common start"), SHAPES) for seed in run.seeds}
    own = {number: start(stream(number, "own start"), SHAPES) for number in numbers}

    def starts(degrees: float) -> dict:
        across, along = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
        return {
            place: [
                (along * shared + across * other).astype(np.float32)
                for shared, other in zip(common[number // MOST_MEMBERS], own[number], strict=True)
            ]
            for place, number in enumerate(numbers)
        }

    settings = {"learning_rate": rate, "momentum": 0.9}
    conditions = {f"{angle}°": Condition(**settings, initial_weights=starts(angle)) for angle in ANGLES}
    conditions[ORDER] = Condition(**settings, initial_weights=starts(0), splits=reordered(run, purpose="order"))
    bags = reordered(run, purpose="bag", replace=True)
    conditions[BAGGING] = Condition(**settings, initial_weights=starts(90), splits=bags)
    first = run.seeds[0]
    splits = split_of_seed(run)
    result = ReplicaTrainer(
        mlp,
        splits,
        conditions=conditions,
        seeds=Seeds(split=numbers, weights=first, order=first, masks=first),
        epochs=run.epochs(epochs),
        keep_state=True,
    ).run()
    rows = []
    for name in conditions:
        for place, seed in enumerate(run.seeds):
            stacks = stacked(result, name, range(place * members, (place + 1) * members))
            test = splits(seed * MOST_MEMBERS).test
            rows.append({"condition": name, "seed": seed, **_judged(outputs(stacks, test.x), test.y)})
    kinds = pd.DataFrame(rows)
    angles = dict(zip([f"{angle}°" for angle in ANGLES], ANGLES, strict=True))
    levels = kinds[kinds.condition.isin(angles)]
    return {"kinds": kinds, "levels": levels.assign(angle=levels.condition.map(angles)).reset_index(drop=True)}


def _judged(logits: np.ndarray, y) -> dict:
    """What five networks are worth alone and together, and how far they differ."""
    each = probabilities(logits, logits=True)
    together, found = each.mean(axis=0), diversity(each, y)
    alone = (each.argmax(axis=-1) == y).mean()
    return {
        "member_accuracy": alone,
        "accuracy_gain": (together.argmax(axis=-1) == y).mean() - alone,
        "loss_gain": negative_log_likelihood(each, y).mean() - negative_log_likelihood(together, y).mean(),
        "disagreement": found.disagreement,
        "ambiguity": found.ambiguity,
        "brier_gain": found.member_error - found.ensemble_error,
    }


# where names stand beside the points, in points, so that none lies on another's interval
_LABELS = (
    ((0, 12), "center"),
    ((-9, 9), "right"),
    ((9, -9), "left"),
    ((-9, 9), "right"),
    ((12, -10), "left"),
    ((-9, 16), "right"),
    ((-9, 18), "right"),
)


def draw(tables: dict[str, pd.DataFrame]):
    """Left, what an ensemble gains against how far its members disagree; right, how good the members are alone."""
    kinds = tables["kinds"]
    names = list(kinds.condition.unique())
    with plots.style():
        fig, (left, right) = plots.figure(1, 2, width_ratios=[1.35, 1], size=(7.0, 5.4))
        for number, name in enumerate(names):
            mine = kinds[kinds.condition == name]
            level = name.endswith("°")
            look = {"marker": "o" if level else "D^"[number % 2], "color": plots.COLOURS[0 if level else number - 4]}
            x, y = 100 * mine.disagreement, 100 * mine.accuracy_gain
            left.errorbar(
                x.mean(), y.mean(), yerr=_half(y), xerr=_half(x), linestyle="", markersize=8, linewidth=1.4, **look
            )
            offset, side = _LABELS[number]
            left.annotate(
                name.replace(", ", ",\n"),
                (x.mean(), y.mean()),
                offset,
                textcoords="offset points",
                ha=side,
                va="center",
                fontsize=9.5,
            )
            alone = 100 * mine.member_accuracy
            right.errorbar(alone.mean(), number, xerr=_half(alone), linestyle="", markersize=8, linewidth=1.4, **look)
        left.set(xlabel="members disagree on (% of samples)", ylabel="gain over the mean member\n(points of accuracy)")
        left.set_title("disagreement and gain")
        left.margins(x=0.16, y=0.22)
        right.set_yticks(range(len(names)), [name.replace(", ", ",\n") for name in names], fontsize=9.5)
        right.set_ylim(len(names) - 0.5, -0.5)
        right.set(xlabel="one member alone\n(% test accuracy)")
        right.set_title("members alone")
    plots.caption(
        fig,
        "600 rows of digits, MLP 64-64-10, SGD with momentum 0.9, ensembles of equal size; degrees: angle of each "
        f"start to a common one, one order of batches. Means, 95 % intervals; {plots.seeds_text(kinds)}.",
    )
    return fig


def _half(values) -> float:
    """Half of the 95 % t interval of a mean."""
    return float(student.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))


_RISES = {"over": "angle", "direction": "rises", "log": False, "table": "levels"}

CLAIMS = (
    Claim(
        "5.12-b/accuracy",
        "The less the members' starts have in common, the more accuracy their ensemble gains on a single member.",
        trend("accuracy_gain", unit="points", delta=0.5, **_RISES),
        expected=HOLDS,
        ask="Five networks of equal accuracy: identical, nearly so, or strangers to each other. Which five do you ask?",
        why="Where members err on different samples, the others outvote the one that errs.",
        beware="Variety can be bought too dearly: bagged members differ most and are each worse, since a bag holds "
        "only 63 % of the different rows.",
    ),
    Claim(
        "5.12-b/loss",
        "The less the members' starts have in common, the more test loss their ensemble saves.",
        trend("loss_gain", unit="nats", delta=0.01, **_RISES),
        expected=HOLDS,
        ask="Votes change on few samples, probabilities on all. Does the loss see variety sooner than the accuracy?",
        why="Members that are surely wrong on different samples make their mean less sure exactly there.",
        beware="The gain is over the mean of the members; a single lucky member may still beat the ensemble.",
    ),
    Claim(
        "5.12-b/ambiguity",
        "In squared error an ensemble's gain on its mean member equals the spread of the members around their mean.",
        exact(measured="brier_gain", expected="ambiguity", tolerance=1e-12, table="kinds"),
        expected=EXACT,
        ask="How much better than its members on average can an ensemble be, if its members never differ?",
        why="It is the variance formula: the mean of (p − t)² is (mean p − t)² plus the variance of p.",
        beware="The identity compares with the members as they are. Making them more different usually makes them "
        "worse as well, and both count.",
        correction="More variety is better at equal quality of the members: ensemble error = mean member error − "
        "ambiguity. It does not say that more variety is better.",
        reference="Krogh & Vedelsby (1995), Neural network ensembles, cross validation, and active learning, NIPS 7",
    ),
)
