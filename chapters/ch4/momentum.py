"""4.7.2.3 Momentum (모멘텀)

In a long valley plain descent zigzags across and creeps along. A velocity that keeps part of every past step damps the
zigzag and adds up along the valley. The text files this under decay of the rate; it is another update rule, and it
mends unequal curvatures even where nothing is random. Its velocity is a weighted *sum* of the gradients in Keras,
v ← μv − lr·g, and a weighted *average* as Ng writes it, v ← βv + (1 − β)g: at one rate the steps differ by a factor
of 1/(1 − μ). So a momentum of 0.9 also means a tenfold rate, and on the digits that is most of the gain, not damping.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, HOLDS, NO_DIFFERENCE, Claim, Run, contrast, exact, paired
from textbook.learning_curves import epochs_to_target
from textbook.models import mlp
from textbook.race import Course, race
from textbook.replicas import Condition, train_replicas
from textbook.surfaces import Quadratic, trajectory, updates_until
from textbook.update_rules import AveragedMomentum, GradientDescent, HeavyBall, Nesterov

ENTRIES = ("4.7.2.3-a", "4.7.2.3-b")
DATA = "any"
BOWL, START = Quadratic((1, 25)), (1.0, 1.0)


def measure(
    run: Run, *, bowl_rate: float = 0.07, bowl_momentum: float = 0.5, rate: float = 0.1, momentum: float = 0.9
) -> dict[str, pd.DataFrame]:
    """Walk the rules over a valley with curvatures 1 and 25, and train the digits with and without momentum.

    Forty epochs instead of the book's twenty let plain SGD at the smaller rate reach the target.

    Args:
        bowl_rate, bowl_momentum: of the two paths at the same rate over the valley.
        rate, momentum: on the digits; the matched arm has rate / (1 − momentum) and no momentum.
    """
    steps = _steps(rate, momentum)  # first, because it refuses a momentum of 1
    same = {"without": GradientDescent(bowl_rate), "with": HeavyBall(bowl_rate, momentum=bowl_momentum)}
    best = {
        "descent": GradientDescent.best_for(BOWL.curvatures),
        "heavy ball": HeavyBall.best_for(BOWL.curvatures),
        "Nesterov": Nesterov.best_for(BOWL.curvatures),
        "descent at 1/λmax": GradientDescent(1 / max(BOWL.curvatures)),
    }
    walks = {name: trajectory(BOWL, rule, start=START, steps=400) for name, rule in (same | best).items()}
    walks["Nesterov"] = best["Nesterov"].points_behind(walks["Nesterov"])
    conditions = {
        "without": Condition(learning_rate=rate, momentum=0.0),
        "with": Condition(learning_rate=rate, momentum=momentum),
        "without, matched rate": Condition(learning_rate=rate / (1 - momentum), momentum=0.0),
    }
    curves = train_replicas(mlp, run.splits("digits"), conditions=conditions, seeds=run.seeds, epochs=run.epochs(40))
    return {
        "paths": _table(walks),
        "counts": _counts({name: walks[name] for name in best}),
        "zigzag": _zigzag(walks["without"], walks["with"]),
        "steps": steps,
        "twins": _twins(rate / 10, momentum),
        "curves": curves[["condition", "seed", "epoch", "val_loss", "learning_rate"]].assign(momentum=momentum),
        "arrival": epochs_to_target(curves, metric="val_loss", target=0.15),
    }


def _table(walks: dict) -> pd.DataFrame:
    return pd.concat(
        pd.DataFrame({"rule": name, "update": np.arange(61), "shallow": walk[:61, 0], "steep": walk[:61, 1]})
        for name, walk in walks.items()
    )


def _counts(walks: dict) -> pd.DataFrame:
    """Updates to within 1e-6 of the minimum in both weights, beside the known number for κ = 25."""
    known = {"descent": 173, "heavy ball": 45, "Nesterov": 75, "descent at 1/λmax": 339}
    found = {name: updates_until(walk, BOWL.minimum) for name, walk in walks.items()}
    return pd.DataFrame({"rule": name, "updates": found[name], "known": known[name]} for name in known)


def _zigzag(without, with_momentum) -> pd.DataFrame:
    """How often the steep weight changes its sign while it is above 1e-6, and updates until both weights are not."""
    changes, updates = [], []
    for walk in (without, with_momentum):
        steep = walk[np.abs(walk[:, 1]) > 1e-6, 1]
        changes.append(int(np.count_nonzero(np.diff(np.sign(steep)))))
        updates.append(updates_until(walk, BOWL.minimum) or len(walk))
    return pd.DataFrame(
        {
            "quantity": ["sign changes of the steep weight", "updates to 1e-6"],
            "without": [changes[0], updates[0]],
            "with": [changes[1], updates[1]],
            "fewer": [changes[1] < changes[0], updates[1] < updates[0]],
        }
    )


def _steps(rate: float, momentum: float) -> pd.DataFrame:
    """Length of each step on a gradient that stays at 1, and the length that a velocity tends to."""
    rules = {
        "sum": (HeavyBall(rate, momentum=momentum), rate / (1 - momentum)),
        "average": (AveragedMomentum(rate, beta=momentum), rate),
    }
    tables = []
    for name, (rule, limit) in rules.items():
        state, steps = rule.init(np.zeros(1)), []
        for _ in range(60):
            change, state = rule.update(np.ones(1), state)
            steps.append(-change.item())
        update = np.arange(1, 61)
        tables.append(
            pd.DataFrame(
                {
                    "velocity": name,
                    "update": update,
                    "step": steps,
                    "closed_form": limit * (1 - momentum**update),
                    "limit": limit,
                }
            )
        )
    return pd.concat(tables)


def _twins(rate: float, momentum: float) -> pd.DataFrame:
    """The path of the summed velocity at a rate, and of the averaged one at rate / (1 − momentum)."""
    total = trajectory(BOWL, HeavyBall(rate, momentum=momentum), start=START, steps=100)
    average = trajectory(BOWL, AveragedMomentum(rate / (1 - momentum), beta=momentum), start=START, steps=100)
    return pd.DataFrame({"update": np.repeat(np.arange(101), 2), "sum": total.ravel(), "average": average.ravel()})


def _valley(ax, steep: tuple[float, float]):
    plots.contour(ax, lambda x, y: BOWL.value(np.stack([x, y], -1)), x=(-0.35, 1.1), y=steep)
    ax.plot(0, 0, marker="*", color="#222222", markersize=12, linestyle="")
    ax.set(xlabel="shallow weight", ylabel="steep weight")


def draw(tables: dict[str, pd.DataFrame]):
    """Above, the paths with and without momentum down a narrow valley; below, the length of a step on a constant
    gradient, and the digits' validation loss at the same and at the matched rate.
    """
    curves, steps = tables["curves"], tables["steps"]
    with plots.style():
        fig, axes = plots.figure(2, 2, height_ratios=[1, 1])
        for ax in axes[0]:
            ax.remove()
        valley = fig.add_subplot(axes[0, 0].get_gridspec()[0, :])
        _valley(valley, (-0.95, 1.1))
        for number, (name, rows) in enumerate(tables["paths"].groupby("rule", sort=False)):
            if name in ("without", "with"):
                shown = rows[rows["update"] <= 20]
                plots.path(valley, shown[["shallow", "steep"]], name=f"{name} momentum", look=plots.look(number))
        valley.legend(loc="lower left", ncols=2)
        valley.set_title("twenty updates at the same rate")
        below, digits = axes[1]
        for number, (name, rows) in enumerate(steps.groupby("velocity", sort=False)):
            look = {**plots.look(number + 3), "marker": ""}
            below.plot(rows["update"], rows.step, label=f"{name} of gradients", **look)
        below.set(xlabel="update", ylabel="length of step", ylim=(0, 1.2 * steps.step.max()))
        below.set_title("gradient constant at 1")
        below.legend(loc="center right", handlelength=1.6)
        rate = curves[curves.condition == "without"].learning_rate.iloc[0]
        matched = curves[curves.condition == "without, matched rate"].learning_rate.iloc[0]
        names = {
            "without": f"rate {rate:g}",
            "with": f"rate {rate:g}, momentum {curves.momentum.iloc[0]:g}",
            "without, matched rate": f"rate {matched:g}",
        }
        named = curves.assign(condition=curves.condition.map(names))
        plots.band(digits, named, x="epoch", y="val_loss", log=True, names="legend")
        plots.log_axis(digits, "y")
        digits.set(xlabel="epochs completed", ylabel="validation loss (nats)")
        digits.set_title("digits")
        digits.legend(loc="upper right", handlelength=1.6, fontsize=9.5)
    plots.caption(
        fig,
        "Above: ½(w₁² + 25 w₂²) from (1, 1). Digits: MLP 64-64-10, SGD, batches of 32, geometric mean and 95 % band. "
        f"{plots.seeds_text(curves)}",
    )
    return fig


def animate(tables: dict[str, pd.DataFrame]):
    """The race down the valley, each rule at its best setting."""
    paths = tables["paths"]
    racers = {
        name: paths.loc[(paths.rule == name) & (paths["update"] <= 25), ["shallow", "steep"]].to_numpy()
        for name in ("descent", "heavy ball", "Nesterov")
    }
    steep = np.concatenate(list(racers.values()))[:, 1]
    labels = ("shallow weight", "steep weight")
    valley = Course(BOWL, racers, x=(-0.6, 1.1), y=(1.1 * steep.min(), 1.1 * steep.max()), goal=(0, 0), labels=labels)
    return race(valley, size=(6, 3.8), frames=26, hold=3, pace="even", interval=300)


CLAIMS = (
    Claim(
        "4.7.2.3-a/valley",
        "At the same rate momentum lets the steep weight change its sign less often, and needs fewer updates in all.",
        exact(measured="fewer", expected=True, table="zigzag"),
        expected=EXACT,
        ask="Over a valley 25 times as steep across as along: which path turns more often, which one arrives first?",
        why="Across, successive gradients oppose each other and cancel in the velocity; along, they agree and add up.",
        beware="Too much momentum swings by itself: --set bowl_momentum=0.9.",
        correction="Momentum is no decay of the learning rate but another update rule, and it also mends a zigzag that "
        "comes from unequal curvatures alone, without any randomness.",
        reference="Polyak (1964), Some methods of speeding up the convergence of iteration methods",
    ),
    Claim(
        "4.7.2.3-a/updates",
        "Set by the curvatures, heavy ball needs 45 updates to 1e-6, Nesterov 75, descent 173 (339 at 1/λmax).",
        exact(measured="updates", expected="known", table="counts"),
        expected=EXACT,
        ask="With curvatures 1 and 25, how many times faster can the best momentum be?",
        why="The error shrinks by (κ − 1)/(κ + 1) = 0.92 an update without momentum, by (√κ − 1)/(√κ + 1) = 0.67 with.",
        beware="Fastest is not smoothest: at its best setting heavy ball first swings wider than plain descent. And on "
        "a network nobody knows the curvatures. Nesterov's setting is that for any strongly convex function, at "
        "1/λmax; on a quadratic there is a quicker one.",
    ),
    Claim(
        "4.7.2.3-a/same-rate",
        "On the digits momentum 0.9 reaches a validation loss of 0.15 in fewer epochs than plain SGD at the same rate.",
        paired("epochs", lower="with", than="without", scale="log", table="arrival"),
        expected=HOLDS,
        ask="Both at rate 0.1. How many times sooner does momentum get there?",
        why="A velocity that sums the gradients makes steps up to ten times as long.",
        beware="The same rate is not the same step: compare the matched rate before crediting the damping.",
    ),
    Claim(
        "4.7.2.3-a/matched",
        "Momentum 0.9 is also faster than plain SGD at the matched rate, 0.1 / (1 − 0.9) = 1.",
        paired("epochs", lower="with", than="without, matched rate", scale="log", table="arrival"),
        expected=NO_DIFFERENCE,
        ask="Give plain SGD the tenfold rate. Who is faster now?",
        why="While gradients change slowly, a summed velocity is just a longer step.",
        beware="At rates near the edge of stability the two part again: there the damping counts.",
    ),
    Claim(
        "4.7.2.3-a/share",
        "Momentum's gain at the same rate is larger than its gain at the matched rate.",
        contrast(
            "epochs",
            first=("without", "with"),
            second=("without, matched rate", "with"),
            scale="log",
            table="arrival",
        ),
        expected=HOLDS,
        ask="How much of the gain is left once the effective rates agree?",
        why="Most of it was the effective rate, lr / (1 − μ).",
        beware="The arm with momentum cancels from this comparison: what is judged is plain SGD at the two rates. It "
        "speaks of the number of epochs, not of how well the network ends.",
    ),
    Claim(
        "4.7.2.3-b/limit",
        "On a constant gradient g the step is lr·g·(1 − μᵗ)/(1 − μ): summed velocities grow tenfold at μ = 0.9.",
        exact(measured="step", expected="closed_form", tolerance=1e-12, table="steps"),
        expected=EXACT,
        ask="The gradient stays at 1, the rate is 0.1, momentum 0.9. How long do the steps become?",
        why="The weights 1, μ, μ², … add up to 1/(1 − μ); an average has them divided by that sum.",
        beware="Both start small: the average at lr·(1 − β), the sum at lr.",
        correction="Keras's velocity is an exponentially weighted sum, with total weight 1/(1 − μ); only the form with "
        "(1 − β) before the gradient is an average.",
        reference="Keras: SGD; cs231n: Neural Networks Part 3; Ng, Deep Learning Specialization, course 2",
    ),
    Claim(
        "4.7.2.3-b/same-path",
        "Sum and average take the same path if the average's rate is lr / (1 − β).",
        exact(measured="average", expected="sum", tolerance=1e-12, table="twins"),
        expected=EXACT,
        ask="Can you turn a recipe written for the average into one for Keras?",
        why="The average is (1 − β) times the sum; dividing the rate by (1 − β) undoes it.",
        beware="Copying a rate from one form to the other is wrong by a factor of ten at 0.9.",
    ),
)
