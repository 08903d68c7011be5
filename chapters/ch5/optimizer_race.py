"""5.10 The race of the optimizers (최적화 알고리즘의 경주)

The text ends with two films: six rules race down a contour plot and off a saddle. What such a film shows depends on its
rates, which the films do not tell. Here each rule has the best of sixteen rates on each of three courses, Beale's
function, a long valley and Rosenbrock's bend, after equally many updates; and on the saddle, from a thousandth beside
the ridge, all have the same rate. There plain descent multiplies a tiny offset by 1 + 2·lr an update, momentum gathers
that growth, and rules that divide by the size of the gradient walk off at once, at a pace set by the rate alone. So at
small rates growth by multiplying overtakes walking, and the order of the film turns round.
"""

import functools

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, VIOLATED, Claim, Run, exact
from textbook.surfaces import Beale, LongValley, Rosenbrock, Saddle, trajectory
from textbook.update_rules import Adagrad, Adam, GradientDescent, HeavyBall, Nesterov, RMSprop

ENTRIES = ("5.10-f",)
DATA = "none"
RULES = {
    "SGD": GradientDescent,
    "momentum": HeavyBall,
    "Nesterov": Nesterov,
    "Adagrad": functools.partial(Adagrad, initial_accumulator=0.0),  # as in the text; Keras begins at 0.1
    "RMSprop": RMSprop,
    "Adam": Adam,
}
KERAS_START = "Adagrad from 0.1"
ADAPTIVE = ("Adagrad", "RMSprop", "Adam")
# name: surface, start, window
COURSES = {
    "Beale": (Beale(), (1.0, 1.5), (-0.5, 4.2), (-1.6, 2.4)),
    "long valley": (LongValley(), (-4.0, 0.5), (-4.6, 1.2), (-0.8, 0.8)),
    "Rosenbrock": (Rosenbrock(), (-1.2, 1.0), (-1.8, 1.6), (-0.8, 2.2)),
}
RATES = tuple(np.geomspace(1e-4, 10.0, 16))
GRID = (0.003, 0.01, 0.03, 0.1, 0.3)
OUT = 1.0  # distance from the ridge at which a rule has left the saddle


def measure(
    run: Run, *, updates: int = 150, saddle_rate: float = 0.1, offset: float = 1e-3, most: int = 1500
) -> dict[str, pd.DataFrame]:
    """Race the rules over the courses, each at its best rate, and off the saddle, all at one rate.

    Args:
        updates: of the races over the courses.
        saddle_rate: the rate of all rules in the film of the saddle.
        offset: distance from the ridge at the start; a descent from the ridge itself never leaves it.
        most: updates after which a rule that has not left the saddle is given up.
    """
    rows, walks = [], []
    for course, (surface, start, _, _) in COURSES.items():
        for name, build in RULES.items():
            tried = [trajectory(surface, build(rate), start=start, steps=updates) for rate in RATES]
            with np.errstate(over="ignore", invalid="ignore"):
                ends = np.array([surface.value(path[-1]) for path in tried])
            best = int(np.argmin(np.where(np.isfinite(ends), ends, np.inf)))
            walks.append(_walk(course, name, RATES[best], tried[best], surface))
            border = best in (0, len(RATES) - 1)
            rows.append({"course": course, "rule": name, "rate": RATES[best], "end": ends[best], "border": border})
    for name, build in RULES.items():
        path = trajectory(Saddle(), build(saddle_rate), start=(1.0, offset), steps=60)
        walks.append(_walk("saddle", name, saddle_rate, path, Saddle()))
    ends = pd.DataFrame(rows)
    highest = ends.end == ends.groupby("course").end.transform("max")
    return {
        "walks": pd.concat(walks),
        "ends": ends.assign(last=highest, plain=ends.rule == "SGD"),
        "escapes": _escapes(sorted({*GRID, saddle_rate}), saddle_rate, offset, most),
    }


def _walk(course: str, name: str, rate: float, path, surface) -> pd.DataFrame:
    with np.errstate(over="ignore", invalid="ignore"):
        value = surface.value(path)
    places = {"w1": path[:, 0], "w2": path[:, 1], "value": value}
    return pd.DataFrame({"course": course, "rule": name, "rate": rate, "update": np.arange(len(path)), **places})


def _escapes(rates, film: float, offset: float, most: int) -> pd.DataFrame:
    """Updates until a rule has left the saddle, for each rate, and whether the order is the one that is claimed."""
    rows = []
    for rate in rates:
        needed = {}
        for name, build in {**RULES, KERAS_START: Adagrad}.items():
            path = trajectory(Saddle(), build(float(rate)), start=(1.0, offset), steps=most)
            away = np.flatnonzero(~(np.abs(path[:, 1]) < OUT))
            needed[name] = int(away[0]) if len(away) else most + 1
        others = [needed[name] for name in RULES if name not in ADAPTIVE]
        for name, count in needed.items():
            rows.append(
                {
                    "rate": rate,
                    "rule": name,
                    "updates": count,
                    "plain_last": all(needed[other] < needed["SGD"] for other in RULES if other != "SGD"),
                    "adaptive_first": name not in ADAPTIVE or count < min(others),
                    "film": rate == film,
                }
            )
    return pd.DataFrame(rows)


def draw(tables: dict[str, pd.DataFrame]):
    """The three courses and the saddle with all paths; the loss on Rosenbrock's bend; the escapes at each rate."""
    walks, escapes = tables["walks"], tables["escapes"]
    looks = plots.looks(RULES)
    fig, axes = plots.figure(3, 2, size=(7.6, 9.8))
    with plots.style():
        for ax, (course, rows) in zip(axes.flat, walks.groupby("course", sort=False), strict=False):
            _course(course, rows).draw(ax)
            for name, path in rows.groupby("rule", sort=False):
                ax.plot(path.w1, path.w2, **{**looks[name], "marker": ""}, zorder=5)
                inside = path[path.w1.between(*ax.get_xlim()) & path.w2.between(*ax.get_ylim())]
                end = inside.iloc[-1]
                ax.plot(end.w1, end.w2, marker=looks[name]["marker"], color=looks[name]["color"], markersize=8,
                        mec="white", zorder=6)  # fmt: skip
            ax.plot(
                *rows[["w1", "w2"]].iloc[0], marker="o", mfc="white", mec="#222222", mew=1.6, markersize=8, zorder=7
            )
        falls, leaves = axes[2]
        for name, path in walks[walks.course == "Rosenbrock"].groupby("rule", sort=False):
            falls.plot(path["update"], path.value, **{**looks[name], "marker": ""})
        plots.log_axis(falls, "y")
        falls.set(xlabel="update", ylabel="loss", title="Rosenbrock")
        for name, rows in escapes.groupby("rule", sort=False):
            shown = looks.get(name) or {**looks["Adagrad"], "markerfacecolor": "white"}
            leaves.plot(rows.rate, rows["updates"], **shown, label=name)
        for axis in "xy":
            plots.log_axis(leaves, axis)
        leaves.set(xlabel="rate, the same for all", ylabel="updates to leave", title="off the saddle")
        fig.legend(*leaves.get_legend_handles_labels(), loc="outside upper left", ncols=4, handlelength=2.2,
                   columnspacing=1.2)  # fmt: skip
    rate = walks[walks.course == "saddle"].rate.iloc[0]
    plots.caption(
        fig,
        f"Exact, no seeds. {walks[walks.course == 'Beale']['update'].max()} updates, each rule at its best of "
        f"{len(RATES)} rates on the course; on the saddle all at {rate:g}, and left once {OUT:g} from the ridge. "
        "○ start; markers where paths end or leave. Momentum 0.9, Adagrad from 0, else Keras's settings.",
    )
    return fig


def _course(course: str, rows: pd.DataFrame):
    """The course with the rules' paths, as a film or a figure wants it."""
    from textbook.race import Course

    surface, _, x, y = COURSES.get(course, (Saddle(), None, (-1.2, 1.2), (-0.6, 1.2)))
    shown = _Flattened(surface) if course in ("Beale", "Rosenbrock") else surface
    paths = {name: path[["w1", "w2"]].to_numpy() for name, path in rows.groupby("rule", sort=False)}
    return Course(shown, paths, x=x, y=y, title=course, goal=getattr(surface, "minimum", None))


class _Flattened:
    """The logarithm of a surface, whose level lines show the floor of a valley with high walls."""

    def __init__(self, surface):
        self.surface = surface

    def value(self, w):
        return np.log1p(self.surface.value(w))


def animate(tables: dict[str, pd.DataFrame]):
    """The race on Beale's function and off the saddle, update by update."""
    from textbook.race import race

    walks = tables["walks"]
    films = [_course(course, walks[walks.course == course]) for course in ("Beale", "saddle")]
    return race(films, looks=plots.looks(RULES), frames=32, hold=4, interval=180, size=(7.2, 4.1), dpi=80)


CLAIMS = (
    Claim(
        "5.10-f/courses",
        "On each of the three courses plain descent ends highest of the six, each at the best of its sixteen rates.",
        exact(measured="last", expected="plain", table="ends"),
        expected=EXACT,
        ask="Give each rule its own best rate on each course. Who comes last?",
        why="One rate for a steep wall and a level floor has to be small. But RMSprop at a constant rate never "
        "settles: on Rosenbrock's narrow floor it is thrown up the walls time and again.",
        beware="Three functions of two weights without noise say little about networks.",
    ),
    Claim(
        "5.10-f/escape",
        "Off the saddle, all at rate 0.1, the adaptive rules leave before momentum, Nesterov and plain descent.",
        exact(measured="adaptive_first", expected=True, table="escapes", where={"film": True}),
        expected=EXACT,
        ask="A ball lies a thousandth beside the ridge. Which rules walk off at once, and which have to wait?",
        why="They divide by the gradient's own size, so that a tiny gradient gives a whole step. Adagrad divides by "
        "all that it has seen, its steps shorten, and Nesterov is out one update before it.",
        beware="That hangs on the start: from a ten-thousandth beside the ridge multiplying takes longer and Adagrad "
        "is ahead; from a hundredth momentum is ahead of it, too. And exactly on the ridge nobody leaves: the gradient "
        "there has no sideways part.",
    ),
    Claim(
        "5.10-f/last",
        "Plain descent leaves last, at every rate from 0.003 to 0.3.",
        exact(measured="plain_last", expected=True, table="escapes"),
        expected=EXACT,
        ask="Does any rate save plain descent from coming last?",
        why="It multiplies the offset by 1 + 2·lr an update, without memory or scaling; yet multiplying overtakes "
        "steps that only add up, and at small rates Adagrad's steps are such.",
        beware="Last is not never: a factor of 1000 is no more than ln 1000 / ln(1 + 2·lr) updates.",
    ),
    Claim(
        "5.10-f/every-rate",
        "That the adaptive rules leave first is so at every rate from 0.003 to 0.3.",
        exact(measured="adaptive_first", expected=True, table="escapes"),
        expected=VIOLATED,
        ask="At rate 0.01, is the order of the film the same?",
        why="A rule that divides by the gradient's size walks, by about the rate an update and Adagrad by less and "
        "less; momentum multiplies what it has. At small rates multiplying is quicker.",
        beware="A film has one rate: its order is not a property of the rules alone. In Keras, where Adagrad's sum "
        "begins at 0.1, it is slower still, since next to that the first squares are nothing.",
    ),
)
