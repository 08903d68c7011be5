"""5.9 Where Newton's method goes astray (뉴턴 방법이 빗나갈 때)

Newton's method goes where the gradient of the touching parabola vanishes, and asks not whether that is a valley or a
hilltop: over a hill it climbs, on a saddle it is drawn in, and where the curvature is slight it leaps away. So far the
text is right. But the descent that it sets against this is "guaranteed to approach the optimum", and that is wrong.
What a small enough rate guarantees is that the *loss falls* (the descent lemma); a fall may lead away from the optimum,
and into the lesser of two valleys.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, VIOLATED, Claim, Run, exact
from textbook.schedules.arguments import above
from textbook.seeding import stream
from textbook.surfaces import DoubleWell, LongValley, Saddle, trajectory
from textbook.update_rules import GradientDescent, Newton, SaddleFreeNewton

ENTRIES = ("5.9-d",)
DATA = "none"
REACH = 2.0  # starts lie within it, on both sides


def measure(
    run: Run, *, tilt: float = 0.15, learning_rate: float = 0.05, damping: float = 0.1, starts: int = 401
) -> dict[str, pd.DataFrame]:
    """Follow Newton, saddle-free Newton and descent over the double well; try Newton on a saddle and on a bend.

    Args:
        tilt: c of the double well, above 0, so that the left valley is the deeper one.
        learning_rate: of descent; its guarantee ends at 2/L = 0.18, L = 11 being the largest curvature on the way.
        damping: δ of saddle-free Newton.
        starts: evenly over −2 … 2.
    """
    well = DoubleWell(above("tilt", tilt, low=0))
    from_everywhere = np.linspace(-REACH, REACH, starts)[:, None]
    rules = {
        "Newton": Newton(),
        "saddle-free Newton": SaddleFreeNewton(damping),
        "descent": GradientDescent(learning_rate),
    }
    walks = {name: trajectory(well, rule, start=from_everywhere, steps=2000) for name, rule in rules.items()}
    return {
        "ends": pd.concat([_ends(well, name, walk) for name, walk in walks.items()]),
        "from_zero": _from_zero(well),
        "saddle": _saddle(run),
        "leaps": _leaps(),
        "descent": _descent(well, walks["descent"], learning_rate),
        "picture": _picture(well),
    }


def _ends(well, name, walk) -> pd.DataFrame:
    """Where each path ends, and the curvature there: below 0 on the hilltop."""
    end = walk[-1]
    curvature = well.hessian(end)[:, 0, 0]
    table = pd.DataFrame({"rule": name, "start": walk[0, :, 0], "end": end[:, 0], "curvature": curvature})
    table["settled"] = np.abs(well.gradient(end)[:, 0]) < 1e-9
    table["minimum"] = table.settled & (curvature > 0)
    return table


def _from_zero(well) -> pd.DataFrame:
    """Newton from 0, beside the hilltop."""
    path = trajectory(well, Newton(), start=(0.0,), steps=12)
    table = pd.DataFrame({"update": np.arange(len(path)), "x": path[:, 0], "loss": well.value(path)})
    table["hilltop"], table["curvature"] = well.hilltop[0], well.hessian(path)[:, 0, 0]
    return table.assign(last=table["update"] == 12, climbs=well.value(path[-1]) > well.value(path[0]))


def _saddle(run: Run) -> pd.DataFrame:
    """What is left of the distance to the saddle point of x² − y² after one Newton step from a random start."""
    starts = np.stack([stream(seed, "start").normal(size=2) for seed in run.seeds])
    ends = trajectory(Saddle(), Newton(), start=starts, steps=1)[-1]
    return pd.DataFrame({"seed": run.seeds, "left": np.linalg.norm(ends, axis=-1)})


def _leaps() -> pd.DataFrame:
    """Newton on √(1 + x²), which is convex: it maps x to −x³, so that it leaps farther and farther from |x| > 1 on."""
    path = trajectory(LongValley(), Newton(), start=(1.2, 0.0), steps=6)
    return pd.DataFrame(
        {
            "update": np.arange(1, len(path)),
            "x": path[1:, 0],
            "closed_form": -(path[:-1, 0] ** 3),
            "loss": LongValley().value(path[1:]),
        }
    )


def _descent(well, walk, learning_rate) -> pd.DataFrame:
    """Of each path of descent: whether every update keeps the descent lemma's promise, and comes closer to the optimum.

    The promise: f(x − ηg) ≤ f(x) − η(1 − ηL/2)g², here to within rounding.
    """
    moved = walk[:, :, 0]
    steepest = well.hessian([REACH])[0, 0]
    promised = learning_rate * (1 - learning_rate * steepest / 2) * well.gradient(walk[:-1])[..., 0] ** 2
    distances = np.abs(moved - well.minimum[0])
    resting = np.abs(np.diff(moved, axis=0)) < 1e-9
    return pd.DataFrame(
        {
            "start": walk[0, :, 0],
            "falls": (np.diff(well.value(walk), axis=0) <= -promised + 1e-15).all(axis=0),
            "approaches": ((np.diff(distances, axis=0) < 0) | resting).all(axis=0),
            "arrives": np.abs(walk[-1, :, 0] - well.minimum[0]) < 1e-6,
        }
    )


def _picture(well) -> pd.DataFrame:
    """The double well, and the parabola that touches it at 0."""
    x = np.linspace(-1.9, 1.9, 191)
    slope, curvature = well.gradient([0.0])[0], well.hessian([0.0])[0, 0]
    return pd.DataFrame(
        {"x": x, "loss": well.value(x[:, None]), "parabola": slope * x + curvature / 2 * x**2, "tilt": well.c}
    )


def draw(tables: dict[str, pd.DataFrame]):
    """Above, the well with Newton's way from 0 up to the hilltop; below, where each start ends by Newton's rule, by its
    saddle-free form and by descent.
    """
    picture, ends, zero = tables["picture"], tables["ends"], tables["from_zero"]
    well = DoubleWell(picture.tilt.iloc[0])
    left, hill, right = well.critical_points[:, 0]
    fig, axes = plots.figure(2, 3, size=(7, 6.4), height_ratios=[1, 1.15], sharey="row", sharex="row")
    for ax in axes[0]:
        ax.remove()
    with plots.style():
        top = fig.add_subplot(axes[0, 0].get_gridspec()[0, :])
    top.plot(picture.x, picture.loss, **{**plots.look(0), "marker": ""})
    near = picture[picture.x.between(-0.75, 0.62)]
    top.plot(near.x, near.parabola, **{**plots.look(1), "marker": ""})
    end = (near.x.iloc[0], near.parabola.iloc[0])
    top.annotate("parabola that touches at 0", end, (8, 0), textcoords="offset points", color=plots.look(1)["color"])
    top.plot(0, 0, "o", color="white", markeredgecolor="#222222", markersize=9)
    top.plot(hill, well.value([hill]), "^", color="#222222", markersize=9)
    top.annotate("", (hill, 0.09), (0, 0.09), arrowprops={"arrowstyle": "-|>", "color": "#222222"})
    top.annotate("Newton climbs", (hill, 0.1), (0, 6), textcoords="offset points", ha="center")
    for place, text in ((left, "the optimum"), (right, "a lesser valley")):
        top.annotate(text, (place, float(well.value([place]))), (0, -16), textcoords="offset points", ha="center")
    top.set(xlabel="weight x", ylabel="loss", ylim=(-0.62, 0.42))
    top.set_title(f"from 0 Newton goes to the hilltop, curvature {zero.curvature.iloc[-1]:.2f}".replace("-", "−"))
    kinds = {"optimum": ("o", 0), "lesser valley": ("s", 1), "hilltop": ("^", 3)}
    for ax, (rule, rows) in zip(axes[1], ends.groupby("rule", sort=False), strict=True):
        for kind, place in (("optimum", left), ("lesser valley", right), ("hilltop", hill)):
            shown = rows[np.abs(rows.end - place) < 1e-6]
            marker, number = kinds[kind]
            ax.plot(shown.start, shown.end, marker, color=plots.COLOURS[number], markersize=4, markevery=4)
        ax.set(xlabel="start", title=rule)
    axes[1, 0].set(ylabel="end", ylim=(-1.35, 1.3))
    for kind, place in (("optimum", left), ("hilltop", hill), ("lesser valley", right)):
        axes[1, 2].annotate(kind, (1.95 if kind != "lesser valley" else -1.95, place), (0, 6),
                            textcoords="offset points", fontsize=10, color=plots.COLOURS[kinds[kind][1]],
                            ha="right" if kind != "lesser valley" else "left")  # fmt: skip
    shares = ends.assign(astray=~ends.minimum).groupby("rule", sort=False).astray.mean()
    plots.caption(
        fig,
        f"Loss ¼x⁴ − ½x² + {well.c:g}x, no unit; {len(rows)} starts from −2 to 2. Ends that are no minimum: Newton "
        f"{shares['Newton']:.0%}, saddle-free {shares['saddle-free Newton']:.0%}, descent {shares['descent']:.0%}.",
    )
    return fig


CLAIMS = (
    Claim(
        "5.9-d/maximum",
        "From 0 on the double well Newton's method converges to the hilltop, a maximum.",
        exact(measured="x", expected="hilltop", tolerance=1e-12, table="from_zero", where={"last": True}),
        expected=EXACT,
        ask="The parabola that touches at 0 opens downwards. Where is its vertex?",
        why="Newton divides by the curvature with its sign: where that is below 0, the step goes up the slope.",
        beware="It is no accident of one start: from the whole stretch where the curvature is below 0 Newton leaves "
        "uphill, or leaps.",
    ),
    Claim(
        "5.9-d/saddle",
        "On x² − y² one Newton step from anywhere lands on the saddle point.",
        exact(measured="left", expected=0, tolerance=1e-12, table="saddle"),
        expected=EXACT,
        ask="Down one direction the loss falls without end. Which way does Newton go?",
        why="The saddle point is the only point where the gradient vanishes, and the surface is its own quadratic.",
        beware="Descent meets saddles as well, but leaves them, slowly: every deviation along y grows.",
    ),
    Claim(
        "5.9-d/diverges",
        "On √(1 + x²), convex and with one minimum, each Newton step takes x to −x³: from |x| > 1 it diverges.",
        exact(measured="x", expected="closed_form", tolerance=1e-9, relative=True, table="leaps"),
        expected=EXACT,
        ask="Even on a convex loss: can Newton's method leap away from the minimum?",
        why="Where the curvature fades faster than the slope, the touching parabola is wide, and its vertex far away.",
        beware="From |x| < 1 it converges, and faster than squared. A line search or damping mends the rest.",
    ),
    Claim(
        "5.9-d/guarantee",
        "Moving against the gradient by small steps is guaranteed to come closer to the optimum.",
        exact(measured="approaches", expected=True, table="descent"),
        expected=VIOLATED,
        ask="From x = 0.5 the slope points to the right-hand valley. Where does the optimum lie?",
        why="The gradient knows the slope here and nothing of what lies beyond a hill.",
        beware="On a convex loss small steps do approach the minimiser: there the text's guarantee is right.",
        correction="Small enough steps against the gradient are guaranteed to lower the loss (the descent lemma), not "
        "to approach the optimum: without convexity they may lead away from it.",
        reference="Nesterov (2004), Introductory Lectures on Convex Optimization, section 1.2.3",
    ),
    Claim(
        "5.9-d/falls",
        "At a rate below 2/L every update of gradient descent lowers the loss, by η(1 − ηL/2)‖g‖² at the least.",
        exact(measured="falls", expected=True, table="descent"),
        expected=EXACT,
        ask="What can be promised of a small step against the gradient?",
        why="By the line alone the loss falls by η‖g‖²; curvature, at most L, takes back ½Lη²‖g‖² at the most.",
        beware="Noisy gradients of small batches lose even this: a single step may raise the loss.",
    ),
    Claim(
        "5.9-d/saddle-free",
        "With the absolute value of the curvature Newton's method ends in a minimum from every start.",
        exact(measured="minimum", expected=True, table="ends", where={"rule": "saddle-free Newton"}),
        expected=EXACT,
        ask="Divide by |curvature| instead of the curvature: which way does the step now go?",
        why="But for the damping the step's length stays Newton's; its direction becomes that of descent.",
        beware="A minimum, not the optimum: which valley it ends in still depends on the start.",
    ),
)
