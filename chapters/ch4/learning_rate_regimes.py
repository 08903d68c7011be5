"""4.7 Four regimes of the learning rate (이상적 학습률과 발산)

On the bowl f(w) = ½λw² everything about a learning rate η can be worked out. An update moves w by η·|slope|, not by η:
the steps shorten towards the minimum although the rate stays. Each update multiplies w by 1 − ηλ, so a rate below 1/λ
creeps, 1/λ arrives in one step, and a rate above it overshoots, yet it still arrives as long as it is below 2/λ; at 2/λ
it swings for ever, and only beyond that does it diverge. An ideal rate in the text's sense needs equal curvature in all
directions. With unequal curvatures the best single rate is 2/(λmin + λmax), and only Newton's
method arrives in one step.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, Claim, Run, exact
from textbook.surfaces import Quadratic, trajectory
from textbook.update_rules import GradientDescent, Newton

ENTRIES = ("4.7-b", "4.7-c")
DATA = "none"

_REGIMES = ("creeps", "one step", "overshoots, arrives", "swings for ever", "diverges")


def measure(
    run: Run,
    *,
    curvature: float = 1.0,
    rates: tuple[float, ...] = (0.1, 0.5, 1.0, 1.5, 1.9, 2.0, 2.1),
    ratio: float = 25.0,
    updates: int = 50,
) -> dict[str, pd.DataFrame]:
    """Gradient descent from w = 1 with each rate; then a bowl whose two curvatures differ by a ratio."""
    bowl = Quadratic((curvature,))
    return {
        "steps": pd.concat([_steps(bowl, rate, updates) for rate in rates]),
        "regimes": pd.DataFrame([_regime(bowl, rate, updates) for rate in rates]),
        "two curvatures": _two_curvatures(Quadratic((1.0, ratio)), updates),
    }


def _steps(bowl: Quadratic, rate: float, updates: int) -> pd.DataFrame:
    """Every update of one rate: where it starts, how far it moves, and what the formulae say of both."""
    path = trajectory(bowl, GradientDescent(rate), start=(1.0,), steps=updates)
    slopes = np.abs(bowl.gradient(path[:-1])[:, 0])
    return pd.DataFrame(
        {
            "rate": rate,
            "update": np.arange(updates),
            "w": path[:-1, 0],
            "loss": bowl.value(path[:-1]),
            "step": np.abs(np.diff(path[:, 0])),
            "rate_times_slope": rate * slopes,
            "moves": slopes > 0,
        }
    )


def _regime(bowl: Quadratic, rate: float, updates: int) -> dict:
    """The regime that the path shows, and the one that the thresholds 1/λ and 2/λ predict."""
    w = trajectory(bowl, GradientDescent(rate), start=(1.0,), steps=updates)[:, 0]
    creeps, one_step, overshoots, swings, diverges = _REGIMES
    if np.isclose(w[1], 0):
        seen = one_step
    elif np.all(w > 0):
        seen = creeps
    elif np.isclose(abs(w[-1]), 1):
        seen = swings
    else:
        seen = overshoots if abs(w[-1]) < 1 else diverges
    share = rate * bowl.curvatures[0]
    predicted = one_step if np.isclose(share, 1) else swings if np.isclose(share, 2) else None
    predicted = predicted or (creeps if share < 1 else overshoots if share < 2 else diverges)
    distance = abs(w[-1])
    measured = {"seen": seen, "distance": distance, "per_update": distance ** (1 / updates)}
    return {"rate": rate, **measured, "predicted": predicted, "factor": abs(1 - share)}


def _two_curvatures(bowl: Quadratic, updates: int) -> pd.DataFrame:
    """The factor by which an update shrinks the distance to the minimum, for a range of rates and for Newton's rule."""
    least, largest = bowl.curvatures
    best = GradientDescent.best_for(bowl.curvatures).learning_rate
    rates = np.unique([*np.linspace(0.02, 1.04, 52) * 2 / largest, best])
    rows = [("single rate", rate, GradientDescent(rate)) for rate in rates] + [("Newton", 1.0, Newton())]
    # the slower of the two directions rules in the end, so each is followed by itself, from its own axis
    factors = [
        max(_factor(bowl, rule, axis, updates) for axis in np.eye(2)) if name == "single rate"
        else _factor(bowl, rule, np.ones(2), 1)
        for name, _, rule in rows
    ]  # fmt: skip
    table = pd.DataFrame({"rule": [row[0] for row in rows], "rate": [row[1] for row in rows], "factor": factors})
    formula = np.maximum(abs(1 - table.rate * least), abs(1 - table.rate * largest))
    single = table.rule == "single rate"
    return table.assign(
        formula=formula.where(single, 0.0),
        best=single & np.isclose(table.rate, best, rtol=1e-12),
        best_possible=single & (table.factor <= table.factor[single].min() + 1e-12),
    )


def _factor(bowl: Quadratic, rule, start, updates: int) -> float:
    path = trajectory(bowl, rule, start=start, steps=updates)
    return float(np.max(np.abs(path[-1])) ** (1 / updates))


def draw(tables: dict[str, pd.DataFrame]):
    """Above, four bowls side by side with the first steps at a rate each; below, the loss by update at each rate, and
    the updates needed by rate where two curvatures differ.
    """
    fig, axes = plots.figure(2, 2, height_ratios=[1, 1.1])
    regimes = tables["regimes"].assign(factor=tables["regimes"].factor.round(9))
    looks = plots.looks(sorted(regimes.factor.unique()))  # rates with the same |1 − ηλ| share a line
    grid = axes[0, 0].get_gridspec()
    for unused in axes[0]:
        unused.remove()
    with plots.style():
        wide = fig.add_subplot(grid[0, :])
    _bowls(wide, tables["steps"], regimes, looks)
    _losses(axes[1, 0], regimes, looks)
    two = tables["two curvatures"]
    _compromise(axes[1, 1], two)
    ratio = 2 / two.rate[two.best].iloc[0] - 1  # the best rate is 2/(1 + ratio)
    plots.caption(
        fig,
        f"Exact, no data: gradient descent on ½λw² with λ = {2 * tables['steps'].loss.iloc[0]:g}. Below right: two "
        f"weights, one direction {ratio:.3g} times as steep; updates until 1/1000 of the distance is left.",
    )
    return fig


def _bowls(ax, steps: pd.DataFrame, regimes: pd.DataFrame, looks: dict) -> None:
    """One bowl a regime, with the first steps as dots joined by chords."""
    shown = regimes[regimes.seen != "swings for ever"].drop_duplicates("seen").sort_values("rate")
    w = np.linspace(-1.8, 1.8, 73)
    high = steps.loss.iloc[0]  # of the start
    for place, (rate, regime, factor) in enumerate(zip(shown.rate, shown.seen, shown.factor, strict=True)):
        path = steps[(steps.rate == rate) & (steps["update"] <= 6) & (abs(steps.w) <= w[-1])]
        middle, look = 4.3 * place, looks[factor]
        ax.plot(middle + w, high * w**2, color="#b5b5b5", linestyle="-", linewidth=1.4, zorder=1)
        ax.plot(middle + path.w, path.loss, color=look["color"], marker="o", linestyle="-", linewidth=1.2, markersize=5)
        ax.plot(middle + 1, high, marker="o", mfc="white", mec="#222222", markersize=8, zorder=5)
        ax.text(middle, 3.45 * high, f"{rate:g}\n{regime}", ha="center", va="bottom", fontsize=10.5)
    ax.set(
        xticks=[],
        ylim=(-0.2 * high, 4.7 * high),
        ylabel="loss f(w)",
        xlabel="weight w (○ start, the same in each bowl)",
    )
    ax.set_title("the first steps (above each bowl: its learning rate η)")
    ax.grid(visible=False)


def _losses(ax, regimes: pd.DataFrame, looks: dict) -> None:
    """Straight lines on a log axis: every update multiplies w by 1 − ηλ. Rates with the same |1 − ηλ| share a line."""
    updates = np.arange(31)
    for factor, rates in regimes.groupby("factor").rate:
        look = {name: looks[factor][name] for name in ("color", "linestyle")}
        # the loss is 0 after one step at the ideal rate: a log axis can only show the fall towards it
        ax.plot(updates, np.maximum(factor ** (2 * updates), 1e-9), **look)
        at = np.argmax(updates >= 20) if factor > 0.7 else np.argmax(factor ** (2 * updates) < 1e-4)
        height = max(factor ** (2 * at), 3e-5)
        name = ", ".join(f"{rate:g}" for rate in rates)
        beside = {"xytext": (-2, 8), "ha": "right"} if factor > 1 else {"xytext": (6, 3)}
        ax.annotate(name, (at, height), textcoords="offset points", color="#222222", fontsize=10.5, **beside)
    plots.log_axis(ax, "y", at=(1e-4, 1e-2, 1, 100))
    ax.set(xlabel="updates", ylabel="loss / loss at the start", ylim=(2e-6, 2e3), title="loss for each rate η")


def _compromise(ax, table: pd.DataFrame) -> None:
    """Updates for a thousandth of the distance against the rate: least at 2/(λmin + λmax), without end at 2/λmax."""
    single, newton = table[table.rule == "single rate"], table[table.rule == "Newton"]
    arrives = single[single.factor < 1 - 1e-9]
    needed = np.log(1000) / -np.log(arrives.factor)
    best = int(np.argmin(needed))
    ax.plot(arrives.rate, needed, color=plots.COLOURS[0])
    ax.plot(arrives.rate.iloc[best], needed.iloc[best], "o", color=plots.COLOURS[0], markersize=8)
    ax.annotate(
        f"best single\nrate: {needed.iloc[best]:.0f}", (arrives.rate.iloc[best], needed.iloc[best]), (-8, -6),
        textcoords="offset points", ha="right", va="top", fontsize=10.5, color=plots.COLOURS[0],
    )  # fmt: skip
    if len(newton):
        ax.axhline(1, color=plots.COLOURS[1], linestyle="--")
        ax.text(arrives.rate.min(), 1.15, "Newton's method: 1", color=plots.COLOURS[1], va="bottom", fontsize=10.5)
    limit = single.rate[single.factor >= 1 - 1e-9].min()
    ax.axvspan(limit, single.rate.max(), color="#dddddd")
    ax.set_xlim(0, single.rate.max())
    ax.annotate("diverges →", (limit, 1), (-3, 0), xycoords=("data", "axes fraction"), textcoords="offset points",
                ha="right", va="top", fontsize=10.5)  # fmt: skip
    plots.log_axis(ax, "y", at=(1, 10, 100, 1000))
    ax.set(xlabel="learning rate η", ylabel="updates needed", ylim=(0.7, 4000), title="two unequal curvatures")


_LECUN = "LeCun, Bottou, Orr and Müller (1998), Efficient BackProp, section 5"

CLAIMS = (
    Claim(
        "4.7-b",
        "An update moves the weight by the learning rate times the slope.",
        exact(
            measured="step",
            expected="rate_times_slope",
            tolerance=1e-9,
            relative=True,
            table="steps",
            where={"moves": True},
        ),
        expected=EXACT,
        ask="The rate stays at 0.1. Is the tenth step as long as the first?",
        why="The gradient is the slope of the loss, and near the minimum the loss is flat: the same rate times a "
        "smaller slope is a shorter step.",
        beware="There is one step for every batch. Only with the whole training set as one batch is that one step an "
        "epoch.",
        correction="The step is η·|gradient| at every update, not a set distance at every epoch; it shortens towards "
        "the minimum although the rate is constant.",
        reference="Goodfellow, Bengio and Courville (2016), Deep Learning, section 4.3",
    ),
    Claim(
        "4.7-c/formula",
        "After t updates on ½λw² the distance to the minimum is |1 − ηλ|^t times what it was.",
        exact(measured="per_update", expected="factor", tolerance=1e-9, table="regimes"),
        expected=EXACT,
        ask="Rates of 0.1 and 1.9 seem to have little in common. After 50 updates, which of them is nearer?",
        why="One update takes w to w − ηλw = (1 − ηλ)w, and 1 − 0.1 is as far from 0 as 1 − 1.9.",
        beware="The loss shrinks by the square of that factor.",
    ),
    Claim(
        "4.7-c/regimes",
        "The rate decides between five fates: below 1/λ it creeps, at 1/λ one step is enough, up to 2/λ it overshoots "
        "and arrives, at 2/λ it swings for ever, beyond that it diverges.",
        exact(measured="seen", expected="predicted", table="regimes"),
        expected=EXACT,
        ask="A rate is half as large again as the ideal one and jumps over the minimum at every step. Does it "
        "get there?",
        why="Between 1/λ and 2/λ the factor 1 − ηλ is negative, so w changes sides, and smaller than 1 in size, so it "
        "comes nearer each time.",
        beware="Overshooting is not diverging: between the two lies a whole range of rates that arrive.",
        correction="A rate above the ideal one overshoots but still converges as long as it is below 2/λ.",
        reference=_LECUN,
    ),
    Claim(
        "4.7-c/best",
        "With unequal curvatures the best single rate is 2/(λmin + λmax), and it still leaves (κ − 1)/(κ + 1) of the "
        "distance after an update.",
        exact(measured="best_possible", expected="best", table="two curvatures"),
        expected=EXACT,
        ask="One direction is 25 times as steep as the other. Is there a rate that arrives in one step?",
        why="The steep direction wants a rate of 1/25, the flat one of 1; the best compromise is equally bad for both.",
        beware="The largest curvature limits the rate, the smallest one decides how long it takes.",
        correction="A rate that arrives in one step exists only where all curvatures are equal.",
        reference=_LECUN,
    ),
    Claim(
        "4.7-c/newton",
        "A rate shrinks the distance by the worse of |1 − ηλmin| and |1 − ηλmax|; Newton's method needs one step.",
        exact(measured="factor", expected="formula", tolerance=1e-9, table="two curvatures"),
        expected=EXACT,
        ask="Which method could arrive in one step in every direction?",
        why="Newton's method divides each direction's gradient by that direction's curvature: a rate of its own for "
        "each.",
        beware="It needs all curvatures, a matrix with as many rows as the network has weights.",
    ),
)
