"""5.4 Burn in before the gradient check (번인)

A gradient check looks at one point. Passing there is necessary, not sufficient, and the point that is nearest at hand,
a tiny random initialisation, is the worst one: all scores of a support vector machine are near 0, all margins are
violated, and a gradient that forgets to look at the margins is right by accident. After a few steps some margins are
met, and the same check finds the mistake. It also meets the kinks of the loss: a few coordinates of the right gradient
then look wrong, so judge the median, or leave out coordinates whose steps cross a kink.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.checks import numerical_gradient, relative_error
from textbook.checks.bug_zoo import WestonWatkins
from textbook.experiment import HOLDS, Claim, Run, estimate
from textbook.seeding import stream

ENTRIES = ("5.4-c",)
DATA = "digits"
BUG = "missing margin indicator"
PASSES, FAILS_CHECK = 1e-6, 1e-2


def measure(
    run: Run, *, rows: int = 100, scale: float = 1e-4, rate: float = 0.1, steps: int = 30, h: float = 1e-4
) -> pd.DataFrame:
    """Check the right and the wrong gradient of a linear machine on its way down, which the right one leads.

    Args:
        rows: of the training part; few, as a gradient check wants them.
        scale: standard deviation of the initial weights.
        rate: of gradient descent.
        steps: at most, before the last check.
        h: step of the centred differences.
    """
    splits, tables = run.splits(), []
    for seed in run.seeds:
        train = splits(seed).train
        classes = int(train.y.max()) + 1
        machine = WestonWatkins(train.x[:rows].reshape(rows, -1), train.y[:rows], classes)
        w = scale * stream(seed, "weights").standard_normal(machine.weights)
        for step in range(steps + 1):
            if step in _looked_at(steps):
                stage = "start" if step == 0 else "end" if step == steps else "between"
                tables.append(_checked(machine, w, h).assign(seed=seed, step=step, stage=stage))
            w = w - rate * machine.gradient(w)
    return pd.concat(tables, ignore_index=True)


def _looked_at(steps: int) -> list[int]:
    """Steps at which the gradient is checked: 0, 1, 2, 5, 10, 20, … and the last."""
    return sorted({0, steps, *(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500) if s < steps)})


def _checked(machine: WestonWatkins, w: np.ndarray, h: float) -> pd.DataFrame:
    """Median and largest relative error of either gradient at one point, over the coordinates that x reaches."""
    numeric, crossed = numerical_gradient(machine.value, w, h=h), _crossed_kink(machine, w, h)
    found = []
    for gradient, analytic in (("right", machine.gradient(w)), ("wrong", machine.wrong_gradient(w, BUG))):
        # what is 0 up to rounding agrees for free, or differs by nothing but rounding: pixels that are 0 everywhere
        judged = np.maximum(np.abs(analytic), np.abs(numeric)) > 1e-7
        error = relative_error(analytic, numeric)
        smooth = error[judged & ~crossed]
        found.append((gradient, np.median(error[judged]), error[judged].max(), smooth.max(), crossed[judged].mean()))
    return pd.DataFrame(
        found, columns=["condition", "median_error", "largest_error", "largest_without_kinks", "crossed_share"]
    )


def _crossed_kink(machine: WestonWatkins, w: np.ndarray, h: float) -> np.ndarray:
    """For each weight, whether some sample's margin is violated at w + h and met at w − h, or the other way round."""
    x, classes = machine.x, np.arange(machine.classes)
    scores = x @ w.reshape(machine.classes, -1).T
    margins = scores - scores[np.arange(len(x)), machine.y][:, None] + 1
    true = machine.y[:, None] == classes  # (rows, classes)
    crossed = []
    for moved in classes:
        # the row of weights of one class moves its own margin up, and all others down where it is the true class
        direction = np.where(true[:, moved, None], -1.0, classes == moved) * ~true
        change = h * x[:, None, :] * direction[:, :, None]  # (rows, classes, features)
        other_side = (margins[:, :, None] + change > 0) != (margins[:, :, None] - change > 0)
        crossed.append(other_side.any(axis=(0, 1)))
    return np.concatenate(crossed)


def draw(table: pd.DataFrame):
    """Relative error by the steps of burn-in: the median of the wrong gradient and of the right one, and the right
    one's worst coordinate, with kinks and without.
    """
    fig, ax = plots.figure(size=(7, 4.9))
    # half a step for none, so that the start has a place on the log axis
    shown = table.assign(place=table.step.replace(0, 0.5))
    names = {"wrong": "forgets the margins, median", "right": "right, median"}
    looks = {text: plots.look(number) for number, text in enumerate(names.values())}
    named = shown.assign(condition=shown.condition.map(names))
    plots.band(ax, named, x="place", y="median_error", looks=looks, names="none", log=True)
    worst = shown[shown.condition == "right"].groupby("place")[["largest_error", "largest_without_kinks"]].max()
    for number, (column, text) in enumerate(
        {"largest_error": "right, worst coordinate", "largest_without_kinks": "right, worst without kinks"}.items(), 2
    ):
        ax.plot(worst.index, worst[column], label=text, **plots.look(number))
    ax.axhspan(FAILS_CHECK, 10, color=plots.GREY, alpha=0.15, linewidth=0)
    ax.annotate("fails", (0.5, FAILS_CHECK), (4, 3), textcoords="offset points", color="#444444")
    plots.log_axis(ax, "y")
    ax.set_xscale("log")
    places = sorted(shown.place.unique())
    ax.set_xticks(places, ["0" if place < 1 else f"{place:g}" for place in places])
    ax.minorticks_off()
    ax.set(xlabel="steps of burn-in before the check", ylabel="relative error of the gradient", ylim=(1e-12, 10))
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper right", ncols=2)
    plots.caption(
        fig,
        "Digits, linear support vector machine of Weston and Watkins, weights from N(0, 0.0001²), gradient descent, "
        f"float64, centred differences; bands: 95 %; worst: of all seeds. {plots.seeds_text(table)}",
    )
    return fig


CLAIMS = (
    Claim(
        "5.4-c/start",
        "At a tiny random initialisation a gradient that ignores the margins passes the check.",
        estimate("median_error", below=PASSES, scale="log", where={"condition": "wrong", "stage": "start"}),
        expected=HOLDS,
        ask="The code pushes every wrong class down, whether its margin is violated or not. Does a check of the fresh "
        "network find it?",
        why="At scores near 0 every margin of 1 is violated, so the forgotten question has the same answer everywhere.",
        beware="The check is not weak, the point is: all samples stand in the same corner of the loss there.",
    ),
    Claim(
        "5.4-c/after",
        "After thirty steps the same gradient fails the check.",
        estimate("median_error", above=FAILS_CHECK, scale="log", where={"condition": "wrong", "stage": "end"}),
        expected=HOLDS,
        ask="Thirty steps later, with the same code: how large is the relative error?",
        why="Most margins are met by now, and the wrong gradient still pushes on them.",
        beware="Thirty is no rule: what matters is that many margins are met. Here about half of them are after five "
        "steps.",
    ),
    Claim(
        "5.4-c/right",
        "After the same steps the right gradient passes the check, judged by its median.",
        estimate("median_error", below=PASSES, scale="log", where={"condition": "right", "stage": "end"}),
        expected=HOLDS,
        ask="Does the right gradient pass at every coordinate?",
        why="A margin within h of 0 changes sides between w − h and w + h; the difference then averages two slopes.",
        beware="A large error of a single coordinate after burn-in is no proof of a mistake: see whether a kink was "
        "crossed.",
    ),
)
