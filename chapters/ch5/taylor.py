"""5.9 What a line cannot tell (테일러 급수)

Near a, a loss is its value, plus slope times distance, plus half its curvature times distance squared, and a remainder
that vanishes faster than the last term. A line falls for ever, so it knows a direction but no step; a parabola has a
vertex. Two details of the text are wrong: its line takes the slope at x, which makes it no line (the slope must be the
one at a, all that is known there), and its o(·) lets x go to 0 and divides f itself, where x must go to a and the
*remainder* is divided.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, HOLDS, VIOLATED, Claim, Run, exact, slope
from textbook.seeding import stream

ENTRIES = ("5.9-a",)
DATA = "none"
TARGET = 0.3  # the label's probability; the loss is least where σ(x) is that
SHOWN = np.linspace(-4.5, 4.5, 181)


def loss(x):
    """Cross-entropy of a logit x against a label that is 1 with probability 0.3, in nats: ln(1 + eˣ) − 0.3x."""
    return np.logaddexp(0, x) - TARGET * x


def derivatives(x):
    """Its slope and its curvature."""
    p = 1 / (1 + np.exp(-x))
    return p - TARGET, p * (1 - p)


def measure(run: Run, *, at: float = 1.0) -> dict[str, pd.DataFrame]:
    """Compare the loss with its line and its parabola: around `at` in the picture, around random points in the tables.

    Args:
        at: the point of the picture. Beyond about 2.6 the parabola's vertex lies outside of it.
    """
    slope, curvature = derivatives(at)
    curves = pd.DataFrame({"x": SHOWN, "loss": loss(SHOWN), "at": at})
    curves["line"] = loss(at) + slope * (SHOWN - at)
    curves["parabola"] = curves.line + curvature / 2 * (SHOWN - at) ** 2
    curves["as_printed"] = loss(at) + (SHOWN - at) * derivatives(SHOWN)[0]
    centres = {seed: stream(seed, "centre").uniform(0.8, 2.5) for seed in run.seeds}
    return {
        "curves": curves,
        "bends": _bends(curves),
        "remainders": _remainders(centres),
        "limits": _limits(centres),
        "steps": _steps(at),
    }


def _bends(curves) -> pd.DataFrame:
    """The largest second difference of each model over the picture: 0 of a straight line."""
    models = ("line", "parabola", "as_printed")
    bends = [np.abs(np.diff(curves[model], n=2)).max() / (SHOWN[1] - SHOWN[0]) ** 2 for model in models]
    return pd.DataFrame({"model": models, "bend": bends})


def _remainders(centres) -> pd.DataFrame:
    """|loss − model| at distances from the centre; the order is that of the model's last term."""
    rows = []
    for seed, centre in centres.items():
        first, second = derivatives(centre)
        for distance in np.geomspace(1e-3, 1e-1, 9):
            line = loss(centre) + first * distance
            exact_value = loss(centre + distance)
            rows.append((1, seed, distance, abs(exact_value - line)))
            rows.append((2, seed, distance, abs(exact_value - line - second / 2 * distance**2)))
    return pd.DataFrame(rows, columns=["order", "seed", "distance", "remainder"])


def _limits(centres) -> pd.DataFrame:
    """What o((x − a)²) should send to 0, at distances that shrink: as printed, and as it must be."""
    rows = []
    for seed, centre in centres.items():
        first, second = derivatives(centre)
        for distance in 10.0 ** -np.arange(1, 5):
            printed = abs(loss(distance)) / (distance - centre) ** 2  # x → 0, f itself
            rest = loss(centre + distance) - loss(centre) - first * distance - second / 2 * distance**2
            rows.append(("as printed", seed, distance, printed))
            rows.append(("remainder", seed, distance, abs(rest) / distance**2))
    return pd.DataFrame(rows, columns=["limit", "seed", "distance", "ratio"])


def _steps(at: float) -> pd.DataFrame:
    """Ever longer steps against the slope: what the line, the parabola and the loss say they reach."""
    first, second = derivatives(at)
    rates = np.geomspace(0.1, 1e4, 21)
    line = loss(at) - rates * first**2
    return pd.DataFrame(
        {
            "rate": rates,
            "line": line,
            "parabola": line + second / 2 * (rates * first) ** 2,
            "loss": loss(at - rates * first),
            "line_falls": np.diff(line, prepend=loss(at)) < 0,
            "vertex_rate": 1 / second,
        }
    )


def draw(tables: dict[str, pd.DataFrame]):
    """Left, the loss with its line, its parabola and the printed model; right, the remainders by distance."""
    curves, remainders = tables["curves"], tables["remainders"]
    at = curves["at"].iloc[0]
    here, (slope, curvature) = loss(at), derivatives(at)
    fig, (left, right) = plots.figure(1, 2, width_ratios=[1.35, 1])
    looks = plots.looks(["loss", "line", "parabola", "as_printed"])
    names = {"loss": "loss", "line": "line", "parabola": "parabola", "as_printed": "as printed"}
    for model, name in names.items():
        left.plot(curves.x, curves[model], label=name, **{**looks[model], "marker": ""})
    left.plot(at, here, "o", color="#222222", markersize=7)
    left.annotate("a", (at, here), (5, -13), textcoords="offset points", fontsize=11)
    vertex = at - slope / curvature
    bottom = here - slope**2 / curvature / 2
    left.annotate(
        "", (vertex, bottom), (at, here), arrowprops={"arrowstyle": "-|>", "color": "#222222", "linewidth": 1.4}
    )
    left.plot(vertex, bottom, "*", color="#222222", markersize=12)
    left.set(xlabel="logit x", ylabel="cross-entropy (nats)", ylim=(-1.3, 4.1), title="models of the loss at a")
    left.legend(loc="upper center", ncols=2, handlelength=2.2)
    orders = remainders.assign(model=remainders.order.map({1: "line", 2: "parabola"}))
    plots.band(right, orders, x="distance", y="remainder", hue="model", looks=looks, log=True, names="none")
    plots.log_axis(right, "x")
    plots.log_axis(right, "y")
    right.set(xlabel="distance |x − a|", ylabel="remainder (nats)", title="what a model misses")
    for model, text in (("line", "line:\n∝ distance²"), ("parabola", "parabola:\n∝ distance³")):
        rows = orders[(orders.model == model)].groupby("distance").remainder.mean()
        number = 6 if model == "line" else 3
        place = (rows.index[number], rows.iloc[number])
        side = (
            {"xytext": (-4, 8), "ha": "right", "va": "bottom"} if model == "line" else {"xytext": (8, -8), "va": "top"}
        )
        right.annotate(text, place, textcoords="offset points", color=looks[model]["color"], **side)
    closest = tables["limits"]
    ratio = closest[closest.distance == closest.distance.min()].groupby("limit").ratio.median()
    plots.caption(
        fig,
        f"Cross-entropy of one logit, label 1 with probability {TARGET:g}. Arrow: from a to the parabola's vertex. "
        f"Right: centres drawn from 0.8 to 2.5, geometric mean and 95 % band, {plots.seeds_text(remainders)}. The "
        f"limit that is to be 0: as printed {ratio['as printed']:.2f} (median), by the "
        f"remainder {ratio['remainder']:.0e}.",
    )
    return fig


CLAIMS = (
    Claim(
        "5.9-a/order-1",
        "The line f(a) + (x − a)f′(a) misses the loss by an amount in proportion to the distance squared.",
        slope("remainder", over="distance", theory=2, table="remainders", where={"order": 1}),
        expected=HOLDS,
        ask="Come ten times closer to a: how many times smaller does the line's error get?",
        why="The first term left out is ½f″(a)(x − a)².",
        beware="A small error near a says nothing about far away, and a step of descent goes away from a.",
    ),
    Claim(
        "5.9-a/order-2",
        "With the curvature's term the rest is in proportion to the distance cubed.",
        slope("remainder", over="distance", theory=3, table="remainders", where={"order": 2}),
        expected=HOLDS,
        ask="And the parabola's error?",
        why="The first term left out is now f‴(a)(x − a)³/6.",
        beware="Higher order is better only near a: far out the parabola may miss by more than the line does.",
    ),
    Claim(
        "5.9-a/printed-model",
        "The first-order model as printed, f(a) + (x − a)f′(x), is a straight line in x.",
        exact(measured="bend", expected=0, tolerance=1e-9, table="bends", where={"model": "as_printed"}),
        expected=VIOLATED,
        ask="The text writes the slope at x. What shape does its 'line' then have?",
        why="f′(x) changes with x, so that the printed expression bends; and whoever knew f′ at every x would need no "
        "approximation at a.",
        beware="It is a good approximation all the same, of the same order as the line: an error in the formula need "
        "not show in numbers.",
        correction="The linear model is f(a) + (x − a)f′(a), with the slope at a.",
        reference="Taylor's theorem: Rudin (1976), Principles of Mathematical Analysis, theorem 5.15",
    ),
    Claim(
        "5.9-a/tangent",
        "With the slope at a, f(a) + (x − a)f′(a), the model is a straight line.",
        exact(measured="bend", expected=0, tolerance=1e-9, table="bends", where={"model": "line"}),
        expected=EXACT,
        ask="Which slope has to stand in the formula for a line through (a, f(a))?",
        why="Value and slope at a are two numbers, and two numbers make a line: the tangent.",
        beware="With many weights the line becomes a plane: (x − a)·∇f(a).",
    ),
    Claim(
        "5.9-a/printed-limit",
        "As printed, ‖f(x)‖/|x − a|² goes to 0 as x goes to 0.",
        exact(
            measured="ratio",
            expected=0,
            tolerance=1e-3,
            table="limits",
            where={"limit": "as printed", "distance": 1e-4},
        ),
        expected=VIOLATED,
        ask="Put x = 0 into ‖f(x)‖/|x − a|². Is there any reason for it to be 0?",
        why="At x = 0 nothing vanishes: the ratio is simply f(0)/a².",
        beware="As a definition of f = o(g) near 0, for any f and g, the line is right; but here f is the loss "
        "itself, and the point is a.",
        correction="o((x − a)ⁿ) means that the remainder, divided by |x − a|ⁿ, goes to 0 as x goes to a.",
        reference="Follows from Taylor's theorem: Rudin (1976), Principles of Mathematical Analysis, theorem 5.15",
    ),
    Claim(
        "5.9-a/limit",
        "The remainder of the parabola, divided by |x − a|², goes to 0 as x goes to a.",
        exact(
            measured="ratio", expected=0, tolerance=1e-3, table="limits", where={"limit": "remainder", "distance": 1e-4}
        ),
        expected=EXACT,
        ask="What is it that vanishes faster than (x − a)²?",
        why="The remainder is of the order of (x − a)³; divided by (x − a)² it is still of the order of x − a.",
        beware="Divided by (x − a)², the rounding of the loss, 1e-16, grows: below a distance of 1e-5 it hides this.",
    ),
    Claim(
        "5.9-a/no-minimum",
        "Along the step the line falls at every larger learning rate: it has no best one.",
        exact(measured="line_falls", expected=True, table="steps"),
        expected=EXACT,
        ask="By the line alone, which learning rate would be best?",
        why="A line with a slope is unbounded below. The parabola has its vertex at rate 1/f″(a).",
        beware="Bounds help as well: with |f″| ≤ L the rate 1/L is certain to lower f, and needs no curvature at a.",
    ),
)
