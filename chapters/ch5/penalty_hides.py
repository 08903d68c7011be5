"""5.4 A penalty can hide a wrong gradient (정칙화 항의 영향)

A gradient check of the whole loss compares the sum of two gradients. The penalty's is simple and nearly always right;
where it is much larger than the data's, the sum is right to many digits although the data's part is wrong. So check
both apart: the data with λ = 0, and the penalty alone, or with λ so large that its own mistakes show.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.checks import numerical_gradient, relative_error
from textbook.checks.bug_zoo import WestonWatkins
from textbook.experiment import HOLDS, Claim, Run, estimate, trend
from textbook.seeding import stream

ENTRIES = ("5.4-d",)
DATA = "digits"
STRENGTHS = (0.0, 0.01, 0.1, 1.0, 10.0, 100.0, 1e3, 1e4)
JUDGED = (0.0, 0.01, 1.0, 100.0, 1e4)  # those that the catalogue named beforehand; the others are for the eye
BUGS = {"data": "missing margin indicator", "penalty": "forgotten factor 2"}
THRESHOLD = 1e-2


def measure(run: Run, *, rows: int = 100, rate: float = 0.1, steps: int = 30) -> pd.DataFrame:
    """Check a gradient that is wrong in the data's part, and one that is wrong in the penalty's, at growing λ.

    Weights are those of a linear machine after a few steps without a penalty, so that a mistake in the data's part can
    be seen at all.

    Args:
        rows: of the training part.
        rate, steps: of the gradient descent before the check.
    """
    splits, tables = run.splits(), []
    for seed in run.seeds:
        train = splits(seed).train
        data = train.x[:rows].reshape(rows, -1), train.y[:rows], int(train.y.max()) + 1
        machine = WestonWatkins(*data)
        w = 1e-4 * stream(seed, "weights").standard_normal(machine.weights)
        for _ in range(steps):
            w = w - rate * machine.gradient(w)
        for strength in STRENGTHS:
            tables.append(_checked(WestonWatkins(*data, l2=strength), w).assign(seed=seed, strength=strength))
    found = pd.concat(tables, ignore_index=True)
    return found.assign(step_of_strength=found.strength.map({value: step for step, value in enumerate(JUDGED)}))


def _checked(machine: WestonWatkins, w: np.ndarray) -> pd.DataFrame:
    """Median relative error of the gradients with a mistake in either part, and of the right one."""
    numeric = numerical_gradient(machine.value, w, h=1e-5)
    gradients = {"none": machine.gradient(w)}
    gradients |= {part: machine.wrong_gradient(w, bug) for part, bug in BUGS.items()}
    # where a pixel is 0 in all rows, the data's gradient is 0 and any gradient of it right
    reached = np.tile(np.ptp(machine.x, axis=0) > 0, machine.classes)
    found = []
    for part, analytic in gradients.items():
        judged = reached & (np.maximum(np.abs(analytic), np.abs(numeric)) > 1e-7)
        found.append((part, float(np.median(relative_error(analytic, numeric)[judged]))))
    return pd.DataFrame(found, columns=["wrong_part", "median_error"])


def draw(table: pd.DataFrame):
    """Relative error of the total gradient by the strength of the penalty, for a mistake in the data's part, in the
    penalty's part, and in neither.
    """
    fig, ax = plots.figure()
    positive = sorted(value for value in table.strength.unique() if value > 0)
    # a strength of 0 has no place on a log axis: one step before the first
    shown = table.assign(place=table.strength.replace(0.0, positive[0] / 10))
    names = {"data": "mistake in the data's part", "penalty": "mistake in the penalty's part", "none": "no mistake"}
    shown["condition"] = shown.wrong_part.map(names)
    # the floor holds what is exactly 0: without a penalty its mistake makes no difference
    shown["median_error"] = shown.median_error.clip(lower=1e-12)
    looks = {name: plots.look(number) for number, name in enumerate(names.values())}
    plots.band(ax, shown, x="place", y="median_error", looks=looks, names="none", log=True)
    places = {"data": (100.0, -10, -12, "right"), "penalty": (100.0, 0, 9, "center"), "none": (1.0, 0, 10, "center")}
    for part, (strength, right, up, side) in places.items():
        error = shown[(shown.wrong_part == part) & (shown.strength == strength)].median_error.median()
        ax.annotate(names[part], (strength, error), (right, up), textcoords="offset points", ha=side)
    ax.axhline(THRESHOLD, color=plots.GREY, linestyle="--", linewidth=1.2)
    ax.annotate("fails above", (positive[-1], THRESHOLD), (0, 4), textcoords="offset points", ha="right")
    plots.log_axis(ax, "y")
    ax.set_xscale("log")
    ax.set_xticks([positive[0] / 10, *positive], ["0", *(plots.plain(value) for value in positive)])
    ax.minorticks_off()
    ax.set(xlabel="strength λ of the penalty λΣw²", ylabel="relative error of the total gradient", ylim=(1e-12, 20))
    plots.caption(
        fig,
        "Digits, linear support vector machine of Weston and Watkins after 30 steps without a penalty; float64, median "
        f"over coordinates, bands: 95 %. {plots.seeds_text(table)}",
    )
    return fig


CLAIMS = (
    Claim(
        "5.4-d/falls",
        "The stronger the penalty, the smaller the relative error that a wrong data gradient leaves in the total.",
        trend(
            "median_error",
            over="step_of_strength",
            log=False,
            direction="falls",
            scale="log",
            where={"wrong_part": "data", "strength": JUDGED},
        ),
        expected=HOLDS,
        ask="The data's gradient is wrong and stays so. What does the check of the total say as λ grows?",
        why="The relative error divides the same mistake by a total that grows with λ.",
        beware="The gradient has not become better: only the yardstick has grown. A small penalty may even make the "
        "error a little larger, where it pulls against the data; the fall begins where it outgrows them.",
    ),
    Claim(
        "5.4-d/masked",
        "At λ = 100 the wrong gradient passes a threshold of 0.01.",
        estimate("median_error", below=THRESHOLD, where={"wrong_part": "data", "strength": 100.0}, scale="log"),
        expected=HOLDS,
        ask="At which λ does the mistake slip below one per cent?",
        why="2λw is then about a hundred times as large as the mistake in the data's gradient.",
        beware="Which λ is too large depends on the size of the weights; nobody would train with 100. Where the data's "
        "gradient is small, a much smaller one is enough.",
    ),
    Claim(
        "5.4-d/apart",
        "Checked without the penalty, the same gradient fails.",
        estimate("median_error", above=THRESHOLD, where={"wrong_part": "data", "strength": 0.0}, scale="log"),
        expected=HOLDS,
        ask="And with λ = 0?",
        why="Now the mistake is compared with nothing but the data's own gradient.",
        beware="With λ = 0 the penalty's gradient goes unchecked: check it by itself.",
    ),
    Claim(
        "5.4-d/large",
        "A mistake in the penalty's own gradient is found where λ is large.",
        estimate("median_error", above=THRESHOLD, where={"wrong_part": "penalty", "strength": 100.0}, scale="log"),
        expected=HOLDS,
        ask="A factor 2 is missing in the penalty's gradient. At which λ will you see it?",
        why="Where the penalty rules the total, so does its mistake: a missing factor 2 ends at a relative error of ½.",
        beware="At weights near 0 the penalty has no gradient, and no λ shows the mistake.",
    ),
)
