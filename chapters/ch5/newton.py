"""5.9 Newton's method (뉴턴 방법)

The parabola that touches the loss at x has its vertex at x − H⁻¹g, and Newton's method goes there: no learning rate,
one update on any quadratic, and near a minimum of any other smooth loss an error that is squared with each update. The
text writes (Δf)⁻¹ for H⁻¹. Δ is the sign of the Laplacian, the *sum* of the curvatures, a single number; with it the
formula misses even a bowl's minimum, and on x² − y² divides by zero. The text explains that its Δ is the matrix: the
sign misleads, not the method. Nor does anybody invert: one solves Hp = −g.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, HOLDS, VIOLATED, Claim, Run, exact, paired, slope
from textbook.seeding import stream
from textbook.surfaces import LeastSquares, Quadratic, Rosenbrock, Saddle, trajectory, updates_until
from textbook.update_rules import DampedNewton, GradientDescent, Newton

ENTRIES = ("5.9-b",)
DATA = "none"
MOST = 40_000  # updates that descent may take
START = (-1.2, 1.0)  # Rosenbrock's own


def measure(
    run: Run, *, steepness: float = 10.0, learning_rate: float = 0.002, damping: float = 1.0
) -> dict[str, pd.DataFrame]:
    """Race Newton, damped Newton and descent on Rosenbrock's valley, and try single steps on bowls and near a minimum.

    Args:
        steepness: of the valley's walls; Rosenbrock has 100, where descent takes ten times as long.
        learning_rate: of descent; every update is sure to fall up to about 0.0035, 2/L at the steepest start.
        damping: added to the Hessian's diagonal by damped Newton.
    """
    valley = Rosenbrock(steepness)
    rules = {
        "Newton": Newton(),
        "damped Newton": DampedNewton(damping),
        "descent": GradientDescent(learning_rate),
    }
    starts = {seed: stream(seed, "start").uniform(-2, 2, size=2) for seed in run.seeds}
    return {
        "paths": _paths(valley, rules),
        "race": _race(valley, rules, starts),
        "one_step": pd.concat([_one_step(seed) for seed in run.seeds]),
        "readings": _readings(),
        "orders": pd.concat([_orders(valley, seed) for seed in run.seeds]),
    }


def _paths(valley, rules) -> pd.DataFrame:
    """The way of each rule from Rosenbrock's start, and how far above the minimum it is."""
    tables = []
    for name, rule in rules.items():
        path = trajectory(valley, rule, start=START, steps=3000 if name == "descent" else 30)
        keep = np.unique(np.geomspace(1, len(path), 240).astype(int)) - 1
        tables.append(
            pd.DataFrame(
                {
                    "rule": name,
                    "update": keep,
                    "w1": path[keep, 0],
                    "w2": path[keep, 1],
                    "gap": valley.value(path[keep]),
                    "steepness": valley.b,
                }
            )
        )
    return pd.concat(tables)


def _race(valley, rules, starts) -> pd.DataFrame:
    """Updates to within 1e-6 of the minimum in both weights, from a random start for each seed."""
    rows = []
    for name, rule in rules.items():
        walk = trajectory(valley, rule, start=np.stack(list(starts.values())), steps=MOST if name == "descent" else 400)
        for number, seed in enumerate(starts):
            arrived = updates_until(walk[:, number], valley.minimum)
            # one that never arrives counts as arriving with the last update, which flatters it
            updates = len(walk) - 1 if arrived is None else max(1, arrived)
            rows.append((name, seed, updates, arrived is not None))
    return pd.DataFrame(rows, columns=["condition", "seed", "updates", "arrived"])


def _one_step(seed: int) -> pd.DataFrame:
    """What is left of the distance to the minimum after one Newton step on a random bowl."""
    random = stream(seed, "bowl")
    weights = int(random.integers(1, 9))
    bowl = LeastSquares(random.normal(size=(4 * weights, weights)), random.normal(size=4 * weights))
    start = bowl.minimum + 10 * random.normal(size=weights)
    end = trajectory(bowl, Newton(), start=start, steps=1)[-1]
    left = np.linalg.norm(end - bowl.minimum) / np.linalg.norm(start - bowl.minimum)
    return pd.DataFrame({"seed": [seed], "weights": weights, "left": left})


def _readings() -> pd.DataFrame:
    """One step by both readings of Δf, on a bowl with curvatures 1 and 25, and on the saddle x² − y²."""
    rows = []
    for name, surface, goal in (("bowl", Quadratic((1, 25)), (0, 0)), ("saddle", Saddle(), (0, 0))):
        w = np.array([1.0, 1.0])
        gradient, hessian = surface.gradient(w), surface.hessian(w)
        laplacian = float(np.trace(hessian))
        by_laplacian = w - gradient / laplacian if laplacian else np.full(2, np.inf)
        for reading, end in (("Hessian", w - np.linalg.solve(hessian, gradient)), ("Laplacian", by_laplacian)):
            rows.append((name, reading, laplacian, float(np.max(np.abs(end - goal)))))
    return pd.DataFrame(rows, columns=["surface", "reading", "laplacian", "left"])


def _orders(valley, seed: int) -> pd.DataFrame:
    """The distance to the minimum before and after one Newton step, along one direction of each seed."""
    direction = stream(seed, "direction").normal(size=2)
    before = np.geomspace(1e-5, 1e-3, 9)
    starts = valley.minimum + before[:, None] * direction / np.linalg.norm(direction)
    after = trajectory(valley, Newton(), start=starts, steps=1)[-1] - valley.minimum
    return pd.DataFrame({"seed": seed, "before": before, "after": np.linalg.norm(after, axis=-1)})


def draw(tables: dict[str, pd.DataFrame]):
    """Left, the ways of Newton, damped Newton and plain descent along Rosenbrock's valley; right, how far above the
    minimum each is, by update.
    """
    paths, race = tables["paths"], tables["race"]
    valley = Rosenbrock(paths.steepness.iloc[0])
    looks = plots.looks(paths.rule.unique())
    fig, (left, right) = plots.figure(1, 2, width_ratios=[1.25, 1], size=(7, 4.8))
    side = (min(-0.6, paths.w2.min() - 0.3), max(2.3, paths.w2.max() + 0.3))
    across = (min(-1.6, paths.w1.min() - 0.3), max(1.4, paths.w1.max() + 0.3))
    # the fourth root brings out the valley's floor, whose height is a thousandth of its walls'
    plots.contour(left, lambda x, y: valley.value(np.stack([x, y], -1)) ** 0.25, x=across, y=side, levels=11)
    for name, rows in paths.groupby("rule", sort=False):
        # descent's thousands of positions lie as close as a line: every marker would hide the others
        every = 1 if name != "descent" else 24
        left.plot(rows.w1, rows.w2, label=name, markevery=every, **{**looks[name], "markersize": 5, "linewidth": 1.6})
    left.plot(1, 1, marker="*", color="black", markersize=14, linestyle="")
    left.set(xlabel="weight w₁", ylabel="weight w₂", title="three ways down a bent valley")
    left.plot(*START, marker="o", color="white", markeredgecolor="#222222", markersize=9, linestyle="")
    left.legend(loc="upper center", fontsize=10)
    for name, rows in paths.groupby("rule", sort=False):
        rows = rows[(rows.gap > 1e-20) & (rows["update"] > 0)]
        right.plot(rows["update"], rows.gap, markevery=1 if len(rows) < 20 else 0.15, **looks[name])
    right.set(xscale="log", yscale="log", xlabel="updates", ylabel="loss above the minimum", ylim=(1e-16, 1e2))
    plots.log_axis(right, "x")
    right.set_title("Newton squares its error")
    middle = race.groupby("condition").updates.median()
    left_over = tables["readings"].set_index(["surface", "reading"]).left
    plots.caption(
        fig,
        f"Rosenbrock's function, b = {valley.b:g}, from {START}; it has no unit. To 1e-6 in both weights from "
        f"random starts, median updates: Newton {middle['Newton']:.0f}, damped {middle['damped Newton']:.0f}, descent "
        f"{middle['descent']:.0f}; {plots.seeds_text(race)}. One step from (1, 1) on a bowl with curvatures 1 and 25 "
        f"leaves {left_over['bowl', 'Hessian']:.2g} by the Hessian and "
        f"{left_over['bowl', 'Laplacian']:.2f} by the Laplacian.",
    )
    return fig


CLAIMS = (
    Claim(
        "5.9-b/one-step",
        "On any quadratic one Newton step from anywhere reaches the minimum.",
        exact(measured="left", expected=0, tolerance=1e-9, table="one_step"),
        expected=EXACT,
        ask="A bowl of eight weights, its axes slanted, its curvatures unequal: how many updates does Newton need?",
        why="The parabola that touches a quadratic is the quadratic itself, and Newton goes to its vertex.",
        beware="One update is not one gradient's work: it solves a system of as many equations as there are weights.",
    ),
    Claim(
        "5.9-b/laplacian",
        "Read as it is printed, x − (Δf)⁻¹∇f with the Laplacian Δf, the step reaches the minimum of a bowl.",
        exact(
            measured="left",
            expected=0,
            tolerance=1e-9,
            table="readings",
            where={"surface": "bowl", "reading": "Laplacian"},
        ),
        expected=VIOLATED,
        ask="Curvatures 1 and 25: the Laplacian is 26. How far does −∇f/26 get?",
        why="The Laplacian is the Hessian's trace, one number for all directions; dividing by it is descent at rate "
        "1/26. Of x² − y² it is 0 everywhere.",
        beware="The text says that it means the matrix of second derivatives, and read so it is right. Some books "
        "write ∇² for the Laplacian as well; here ∇²f is the Hessian.",
        correction="x ← x − H⁻¹∇f with the Hessian H = ∇²f; Δf is the Laplacian, tr H. In code solve Hp = −∇f and do "
        "not invert H.",
        reference="Nocedal & Wright (2006), Numerical Optimization, 2nd edition, sections 2.2 and 3.3",
    ),
    Claim(
        "5.9-b/order",
        "Near a minimum the error after a Newton step is in proportion to the square of the error before.",
        slope("after", over="before", theory=2, table="orders"),
        expected=HOLDS,
        ask="An error of a thousandth: what is it after the next update?",
        why="The parabola misses the gradient by a term of second order, so that the step misses by one as well.",
        beware="Only near: far away nothing is squared, and on the way there the loss may rise.",
    ),
    Claim(
        "5.9-b/no-rate",
        "Without a learning rate Newton arrives at Rosenbrock's minimum in fewer updates than gradient descent.",
        paired("updates", lower="Newton", than="descent", scale="log", table="race"),
        expected=HOLDS,
        ask="A bent valley, walls 250 times as curved as the floor: how many times fewer updates?",
        why="The Hessian tells floor from walls and how the valley bends; a rate must be small enough for the walls.",
        beware="Its first update often climbs out of the valley: no rate also means nothing that shortens a bad step.",
    ),
)
