"""5.7 What convexity is, and what it is not (볼록 함수)

A function is convex if it rises above none of its chords: f(θx₁ + (1 − θ)x₂) ≤ θf(x₁) + (1 − θ)f(x₂) for θ from 0 to
1. The text adds that its Hessian is positive definite and its minimum unique, and both are wrong. Convexity is a
positive *semi*-definite Hessian, and x⁴ has curvature 0 at its minimum; max(|x| − 1, 0)² is convex and least on a whole
interval. The text's proof shows f ≤ m between two minima and calls that a contradiction, but equality is allowed. With
*strict* convexity it becomes f < m, and then the minimum is unique.
"""

import numpy as np
import pandas as pd

from chapters.shared.tanh_network import TanhNetwork
from textbook import plots
from textbook.experiment import EXACT, VIOLATED, Claim, Run, exact
from textbook.seeding import stream, word
from textbook.surfaces import DoubleWell, LogisticRegression, chord_gaps, chord_violations

ENTRIES = ("5.7-c",)
DATA = "none"
THETAS = np.linspace(0.1, 0.9, 9)
WELL = DoubleWell(0.15)
# name → (value, curvature) of one weight, and the ends of the chord that is drawn
CURVES = {
    "x²": (lambda x: x**2, lambda x: np.full_like(x, 2.0), (-1.2, 0.8)),
    "max(|x| − 1, 0)²": (
        lambda x: np.maximum(np.abs(x) - 1, 0) ** 2,
        lambda x: np.where(np.abs(x) > 1, 2.0, 0.0),
        (-1.0, 1.0),
    ),
    "x⁴": (lambda x: x**4, lambda x: 12 * x**2, (-0.7, 1.1)),
    "double well": (lambda x: WELL.value(x[..., None]), lambda x: 3 * x**2 - 1, (-1.05, 0.95)),
}
LOGISTIC, NETWORK = "logistic regression", "network 2-6-1"
CONVEX = {"x²": True, "max(|x| − 1, 0)²": True, "x⁴": True, "double well": False, LOGISTIC: True, NETWORK: False}


def measure(run: Run, *, chords: int = 200, spread: float = 1.5) -> dict[str, pd.DataFrame]:
    """Draw random chords and Hessians of four curves, of logistic regression and of a network, and find the minima.

    Args:
        chords: per function and seed.
        spread: standard deviation of their ends.
    """
    tried = pd.concat([_tried(seed, chords, spread) for seed in run.seeds])
    first = _losses(run.seeds[0])
    gaps = [pd.DataFrame({"function": name, "gap": _gaps(first[name], run.seeds[0], chords, spread)}) for name in first]
    return {
        "tried": tried,
        "gaps": pd.concat(gaps),
        "minima": _minima(),
        "curves": pd.concat([_curve(name) for name in CURVES]),
        "proof": _proof(),
    }


def _losses(seed: int) -> dict:
    """Logistic regression and a network on the same hundred points of the half moons."""
    from sklearn.datasets import make_moons

    x, y = make_moons(100, noise=0.2, random_state=word(seed, "moons"))
    x = x - x.mean(axis=0)
    with_one = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    return {LOGISTIC: LogisticRegression(with_one, y), NETWORK: TanhNetwork(x, y)}


def _ends(seed: int, count: int, weights: int, spread: float):
    random = stream(seed, "chords")
    return random.normal(0, spread, (count, weights)), random.normal(0, spread, (count, weights))


def _weights(loss) -> int:
    return loss.weights if isinstance(loss, TanhNetwork) else loss.x.shape[1]


def _gaps(loss, seed, chords, spread):
    """How far the middle of each chord lies below the loss, in nats; above 0 refutes convexity."""
    return chord_gaps(loss, *_ends(seed, chords, _weights(loss), spread), [0.5])[:, 0]


def _tried(seed: int, chords: int, spread: float) -> pd.DataFrame:
    """For each function: the share of chords with the function above them, and the least curvature that was met."""
    rows = []
    for name, (value, curvature, _) in CURVES.items():
        ends = _ends(seed, chords, 1, spread)
        above = chord_violations(lambda w, value=value: value(w[..., 0]), *ends, THETAS)
        # 0 is looked at as well: chance never draws the one point where x⁴ has no curvature
        rows.append((name, above, curvature(np.append(ends[0][:, 0], 0.0)).min()))
    for name, loss in _losses(seed).items():
        ends = _ends(seed, chords, _weights(loss), spread)
        least = np.linalg.eigvalsh(loss.hessian(ends[0][:50])).min()
        rows.append((name, chord_violations(loss, *ends, THETAS), least))
    table = pd.DataFrame(
        [(name, seed, float((above > 0).any(axis=1).mean()), float(least)) for name, above, least in rows],
        columns=["function", "seed", "violations", "least_curvature"],
    )
    table["violated"], table["convex"] = table.violations > 0, table.function.map(CONVEX)
    table["positive_definite"] = table.least_curvature > 1e-12
    table["semidefinite"] = table.least_curvature > -1e-12
    return table


def _minima() -> pd.DataFrame:
    """Where each convex curve is least: how wide that set is, and the curvature in its middle."""
    x, rows = np.linspace(-3, 3, 601), []
    for name, (value, curvature, _) in CURVES.items():
        if not CONVEX[name]:
            continue
        least = x[value(x) <= value(x).min() + 1e-12]
        middle = np.array([least.mean()])
        ends = np.array([[-2.0], [-1.0], [-0.5]]), np.array([[2.0], [1.0], [0.7]])
        inside = chord_gaps(lambda w, value=value: value(w[..., 0]), *ends, THETAS)
        bend = float(curvature(middle)[0])
        rows.append((name, float(np.ptp(least)), bool((inside < 0).all()), bend, bend > 1e-12))
    return pd.DataFrame(rows, columns=["function", "width", "strict", "curvature", "curvature_positive"])


def _curve(name: str) -> pd.DataFrame:
    value, _, (start, end) = CURVES[name]
    x = np.linspace(-1.75, 1.75, 141)
    ends = np.array([start, end])
    low, high = value(ends)
    return pd.DataFrame(
        {"function": name, "x": x, "loss": value(x), "start": start, "end": end, "low": low, "high": high}
    )


def _proof() -> pd.DataFrame:
    """Between −1 and 1, two minima of a convex function: at most m, as the proof shows, and below, as it says."""
    value = CURVES["max(|x| − 1, 0)²"][0]
    x = THETAS * -1.0 + (1 - THETAS) * 1.0
    m = float(value(np.array([1.0]))[0])
    return pd.DataFrame({"theta": THETAS, "loss": value(x), "at_most": value(x) <= m, "below": value(x) < m})


def draw(tables: dict[str, pd.DataFrame]):
    """Above, four curves with a chord each; below, for logistic regression and for a network, how far the loss lies
    above random chords, and its least curvature in random places.
    """
    curves, gaps, tried = tables["curves"], tables["gaps"], tables["tried"]
    fig, axes = plots.figure(3, 2, size=(7, 8.6), height_ratios=[1, 1, 1.15])
    remarks = {
        "x²": "convex, curvature 2",
        "max(|x| − 1, 0)²": "convex, least from −1 to 1",
        "x⁴": "convex, curvature 0 at 0",
        "double well": "double well: above its chord",
    }
    for ax, (name, rows) in zip(axes[:2].flat, curves.groupby("function", sort=False), strict=True):
        one = rows.iloc[0]
        ax.plot(rows.x, rows.loss, **{**plots.look(0 if CONVEX[name] else 1), "marker": ""})
        ax.plot([one.start, one.end], [one.low, one.high], color="#222222", linewidth=1.6, linestyle="-", marker="o")
        ax.set(xlabel="weight x", ylabel="loss", title=f"{name}: {remarks[name]}" if len(name) < 3 else remarks[name])
        ax.set_ylim((-0.6, 0.5) if name == "double well" else (-0.12, 1.7 if name != "max(|x| − 1, 0)²" else 0.6))
    flat = "max(|x| − 1, 0)²:\nits chord lies on it"
    axes[0, 1].annotate(flat, (0, 0), (0, 8), textcoords="offset points", ha="center")
    looks = plots.looks([LOGISTIC, NETWORK])
    hist, least = axes[2]
    width = 0.1  # with an edge at 0, where the verdict falls
    edges = width * np.arange(np.floor(gaps.gap.min() / width), np.ceil(gaps.gap.max() / width) + 1)
    for name, rows in gaps.groupby("function", sort=False):
        filled = name == LOGISTIC
        hist.hist(rows.gap, edges, histtype="stepfilled" if filled else "step", label=name, linewidth=1.8,
                  color=looks[name]["color"], alpha=0.55 if filled else 1)  # fmt: skip
    hist.axvline(0, color="#222222", linewidth=1.2)
    hist.set(xlabel="loss above its chord's middle (nats)", ylabel="chords", title="random chords")
    hist.set_ylim(0, 1.4 * hist.get_ylim()[1])
    hist.legend(loc="upper left", fontsize=10)
    both = tried[tried.function.isin([LOGISTIC, NETWORK])]
    named = both.assign(function=both.function.map({LOGISTIC: "logistic\nregression", NETWORK: "network\n2-6-1"}))
    plots.dots(least, named, value="least_curvature", by="function")
    least.axvline(0, color="#222222", linewidth=1.2)
    least.margins(x=0.08)
    least.set(xlabel="least eigenvalue of the Hessian", title="in 50 random places")
    shares = both.groupby("function").violations.mean()
    plots.caption(
        fig,
        f"Curves: no unit. Below: cross-entropy on 100 points of the half moons, histogram of seed "
        f"{tried.seed.iloc[0]}; chords with the loss above them: logistic {shares[LOGISTIC]:.0%}, network "
        f"{shares[NETWORK]:.0%}; {plots.seeds_text(tried)}.",
    )
    return fig


_CONVEX, _NOT = {"convex": True}, {"convex": False}

CLAIMS = (
    Claim(
        "5.7-c/chords",
        "A convex function lies on or below every chord: of thousands of random ones none lies below the function.",
        exact(measured="violations", expected=0, table="tried", where=_CONVEX),
        expected=EXACT,
        ask="x², x⁴, a curve with a flat floor, logistic regression: does any chord pass below?",
        why="That is the definition: f(θx₁ + (1 − θ)x₂) ≤ θf(x₁) + (1 − θ)f(x₂), for all θ from 0 to 1.",
        beware="Chords can refute convexity and never prove it; the text's 'for all x in (0, 1)' should read θ.",
    ),
    Claim(
        "5.7-c/refuted",
        "The double well and a network's loss are not convex: among random chords there are some below the function.",
        exact(measured="violated", expected=True, table="tried", where=_NOT),
        expected=EXACT,
        ask="Two random weight vectors of a network: is the loss half way at most the mean of the losses at the ends?",
        why="A network and its copy with two units exchanged have the same loss, and half way lies another network.",
        beware="Most chords show nothing: along a random line a network's loss can look quite convex.",
    ),
    Claim(
        "5.7-c/positive-definite",
        "A convex function has a positive definite Hessian.",
        exact(measured="positive_definite", expected=True, table="tried", where=_CONVEX),
        expected=VIOLATED,
        ask="What is the curvature of x⁴ at 0?",
        why="12x² is 0 there, and the curve is convex all the same, even strictly.",
        beware="Positive definite everywhere does make a function strictly convex; only the converse is wrong.",
        correction="A twice differentiable function is convex if and only if its Hessian is positive semi-definite "
        "everywhere. Positive definite is sufficient for strict convexity, not necessary.",
        reference="Boyd & Vandenberghe (2004), Convex Optimization, section 3.1.4",
    ),
    Claim(
        "5.7-c/semidefinite",
        "The convex ones have no curvature below 0 anywhere that was looked at, and the others do.",
        exact(measured="semidefinite", expected="convex", table="tried"),
        expected=EXACT,
        ask="Which sign of a curvature tells a loss that is not convex?",
        why="Along a direction with curvature below 0 the function lies above its chords.",
        beware="One place with a positive definite Hessian says nothing about the others.",
    ),
    Claim(
        "5.7-c/unique",
        "A convex function has only one minimum point.",
        exact(measured="width", expected=0, table="minima"),
        expected=VIOLATED,
        ask="max(|x| − 1, 0)² is convex. Where is it least?",
        why="It is 0 from −1 to 1. A convex function's minima form a convex set, which may be more than a point.",
        beware="All of these minima are global: that is what convexity guarantees, not how many there are.",
        correction="Every local minimum of a convex function is global, but it is unique only where the function is "
        "*strictly* convex.",
        reference="Boyd & Vandenberghe (2004), Convex Optimization, sections 3.1.1 and 4.2",
    ),
    Claim(
        "5.7-c/proof",
        "Between two minima of a convex function, with value m, the function is below m: a contradiction.",
        exact(measured="below", expected=True, table="proof"),
        expected=VIOLATED,
        ask="The proof derives f ≤ m between the two minima. Is that a contradiction?",
        why="f ≤ m and m least make f = m: a level floor, and nothing is contradicted.",
        beware="With < in the definition, for θ between 0 and 1, it is the right proof of the right theorem.",
        correction="From convexity follows only f ≤ m, which equality satisfies. With strict convexity it becomes "
        "f < m, and that contradicts the minimum.",
        reference="Boyd & Vandenberghe (2004), Convex Optimization, section 4.2",
    ),
    Claim(
        "5.7-c/strict",
        "The strictly convex ones, x² and x⁴, have only one minimum point.",
        exact(measured="width", expected=0, table="minima", where={"strict": True}),
        expected=EXACT,
        ask="What must be added to convexity to make the minimum unique?",
        why="Between two minima the function would have to lie below m.",
        beware="Unique, if there is one: eˣ is strictly convex and has none.",
    ),
    Claim(
        "5.7-c/second-order",
        "At a minimum of a convex function the curvature is above 0.",
        exact(measured="curvature_positive", expected=True, table="minima"),
        expected=VIOLATED,
        ask="Does x⁴ meet the second-order condition f′ = 0, f″ > 0 at its minimum?",
        why="f″(0) = 0. The condition is enough for a minimum, but a minimum can do without.",
        beware="Where it fails, descent is slow: near 0 the slope of x⁴ is 4x³.",
        correction="f′ = 0 and f″ > 0 is a sufficient condition of a minimum; necessary is only f″ ≥ 0.",
        reference="Nocedal & Wright (2006), Numerical Optimization, 2nd edition, theorems 2.3 and 2.4",
    ),
)
