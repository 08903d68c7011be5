"""5.1 How long a step a difference takes (수치적 기울기, 중심 차분)

A slope can be had from values alone: (f(x + h) − f(x))/h, or centred, (f(x + h) − f(x − h))/2h. The first misses the
derivative by a term in h, the second by one in h², and rounding adds about ε·|f|/h to both. So h can be too large and
too small, and its best size is near √ε for the one and near ε^⅓ for the other. The text introduces such slopes as
a way for functions that have no derivative. They need the derivative as much as any formula: at a kink the two forms
settle on different numbers, and neither is a slope. What they are for is to verify a gradient that was written by hand.
"""

import cmath

import numpy as np
import pandas as pd

from chapters.shared.loss_differences import loss_differences
from textbook import plots
from textbook.checks import centred_difference, forward_difference
from textbook.experiment import EXACT, HOLDS, VIOLATED, Claim, Run, exact, paired, share, slope

ENTRIES = ("5.1-a", "5.4-b")
DATA = "digits"

FORMS = {"forward": forward_difference, "centred": centred_difference}
STEPS = tuple(float(f"{10**k:.3g}") for k in np.arange(-14, -0.75, 0.5))
_WAVE = 1 + 3j  # e^x·sin 3x is the imaginary part of e^((1 + 3i)x)


def measure(
    run: Run, *, point: float = 0.7, cartoon_step: float = 0.3, rows: int = 20, units: int = 20, coordinates: int = 30
) -> dict[str, pd.DataFrame]:
    """Differences of e^x·sin 3x and of |x|, and of a network's loss with and without kinks, with steps of every size.

    Args:
        point: where e^x·sin 3x is differentiated; errors are averaged over its neighbourhood, lest rounding be lucky.
        cartoon_step: h of the secants in the drawing.
        rows, units, coordinates: digits in the network's loss, its hidden units, and how many weights are checked.
    """
    loss = run.shared(loss_differences, rows=rows, units=units, coordinates=coordinates)
    loss = loss[loss.dtype == "float64"].reset_index(drop=True).assign(rows=rows, weights=coordinates)
    errors = _errors(point)
    return {
        "cartoon": pd.concat([_secants("exp-sine", _f, point, cartoon_step), _secants("modulus", np.abs, 0.0, 0.3)]),
        "kink": pd.DataFrame({"h": STEPS} | {name: form(np.abs, 0.0, np.array(STEPS)) for name, form in FORMS.items()}),
        "errors": errors,
        "optimum": _optimum(errors, point),
        "loss": loss,
        "best": _best(loss),
    }


def _f(x):
    return np.exp(x) * np.sin(3 * x)


def _derivative(x: float, order: int) -> float:
    """Of e^x·sin 3x, of any order: each order is a factor of 1 + 3i."""
    return (_WAVE**order * cmath.exp(_WAVE * x)).imag


def _secants(name: str, f, x: float, h: float) -> pd.DataFrame:
    """The function on a stretch around x, and the slope and ends of each line through its points."""
    at = np.linspace(x - 1.9 * h, x + 1.9 * h, 61)
    slopes = {"forward": forward_difference(f, x, h), "centred": centred_difference(f, x, h)}
    return pd.DataFrame({"function": name, "x": at, "f": f(at), "point": x, "h": h} | slopes)


def _errors(point: float) -> pd.DataFrame:
    """Root mean square error over the slope's own size, for points within 0.02 of `point`."""
    x = point + np.linspace(-0.02, 0.02, 101)
    true = np.array([_derivative(at, 1) for at in x])
    rows = []
    for name, form in FORMS.items():
        for h in STEPS:
            rows.append((name, h, np.linalg.norm(form(_f, x, h) - true) / np.linalg.norm(true)))
    return pd.DataFrame(rows, columns=["form", "h", "error"])


def _optimum(errors: pd.DataFrame, point: float) -> pd.DataFrame:
    """The step with the least error, beside the one at which rounding ε|f|/h and the formula's own error balance."""
    precision, value = np.finfo(np.float64).eps, abs(_derivative(point, 0))
    theory = {
        "forward": 2 * np.sqrt(precision * value / abs(_derivative(point, 2))),
        "centred": np.cbrt(3 * precision * value / abs(_derivative(point, 3))),
    }
    best = errors.loc[errors.groupby("form").error.idxmin()].set_index("form")
    return pd.DataFrame(
        [(name, best.h[name], best.error[name], h, np.log10(best.h[name]), np.log10(h)) for name, h in theory.items()],
        columns=["form", "best", "error", "theory", "log10_best", "log10_theory"],
    )


def _best(loss: pd.DataFrame) -> pd.DataFrame:
    """Each seed's best step, and whether both the smallest and the largest step err more than ten times as much."""
    rows = []
    for (activation, form, seed), mine in loss.groupby(["activation", "form", "seed"], sort=False):
        errors = mine.sort_values("h").error.to_numpy()
        least = errors.min()
        interior = bool(10 * least < errors[0] and 10 * least < errors[-1])
        rows.append((activation, form, seed, mine.h[mine.error.idxmin()], least, interior))
    return pd.DataFrame(rows, columns=["activation", "condition", "seed", "h", "error", "interior"])


def draw(tables: dict[str, pd.DataFrame]):
    """Above, forward and centred secants on a smooth function and at a kink; below, relative error against h for a
    formula and for a network's loss.
    """
    fig, ((smooth, kink), (formula, network)) = plots.figure(2, 2, size=(7.4, 7))
    cartoon = tables["cartoon"]
    looks = plots.looks(FORMS)
    for ax, (name, rows) in zip((smooth, kink), cartoon.groupby("function", sort=False), strict=True):
        _draw_secants(ax, rows, looks)
        ax.set(xlabel="x", ylabel="e$^x$ sin 3x" if name == "exp-sine" else "|x|")
    x = cartoon.point.iloc[0]
    at = cartoon[cartoon.function == "exp-sine"]
    tangent = np.interp(x, at.x, at.f) + _derivative(x, 1) * (at.x - x)
    smooth.plot(at.x, tangent, color="#222222", linestyle=":", label=f"tangent: {_number(_derivative(x, 1))}", zorder=1)
    smooth.set_title("lines through two points")
    smooth.legend(loc="lower left", fontsize=9.5)
    kink.set_title("a kink: two answers, no slope")
    kink.legend(loc="upper center", fontsize=9.5)
    errors, best = tables["errors"], tables["optimum"].set_index("form")
    for name, rows in errors.groupby("form", sort=False):
        formula.plot(rows.h, rows.error, **looks[name] | {"markersize": 3.5})
        formula.plot(best.best[name], best.error[name], "*", color=looks[name]["color"], markersize=13, mec="white")
    formula.set(title="e$^x$ sin 3x (★ best h)", ylabel="relative error")
    _draw_losses(network, tables["loss"], looks)
    for ax in (formula, network):
        plots.log_axis(ax, "x", at=(1e-12, 1e-9, 1e-6, 1e-3))
        plots.log_axis(ax, "y", at=(1e-12, 1e-9, 1e-6, 1e-3, 1))
        ax.set(xlabel="step h", ylim=(1e-12, 30), xlim=(5e-15, 1))
    loss = tables["loss"]
    plots.caption(
        fig,
        f"Float64. Above: x = {x:g} and x = 0. Below left: points within 0.02 of {x:g}. Below right: cross-entropy of "
        f"a network with one hidden layer on {loss.rows.iloc[0]} digits, along {loss.weights.iloc[0]} weights; "
        f"geometric mean and 95 % band, {plots.seeds_text(loss)}.",
    )
    return fig


def _number(slope: float) -> str:
    return f"{slope:.2f}".replace("-", "−")


def _draw_secants(ax, rows: pd.DataFrame, looks: dict) -> None:
    x, h = rows.point.iloc[0], rows.h.iloc[0]
    ax.plot(rows.x, rows.f, color="#999999", linestyle="-", linewidth=2.6, zorder=0)
    ends = {"forward": (x, x + h), "centred": (x - h, x + h)}
    for name, points in ends.items():
        heights = np.interp(points, rows.x, rows.f)
        reach = np.array([points[0] - 0.35 * h, points[1] + 0.35 * h])
        line = heights[0] + rows[name].iloc[0] * (reach - points[0])
        ax.plot(reach, line, **looks[name] | {"marker": ""}, label=f"{name}: {_number(rows[name].iloc[0])}")
        ax.plot(points, heights, looks[name]["marker"], color=looks[name]["color"], markersize=6)


def _draw_losses(ax, loss: pd.DataFrame, looks: dict) -> None:
    kinds = {("tanh", "forward"): "forward", ("tanh", "centred"): "centred", ("relu", "centred"): "centred, ReLU"}
    named = loss.assign(kind=[kinds[pair] for pair in zip(loss.activation, loss.form, strict=True)])
    plots.band(
        ax, named, x="h", y="error", hue="kind", log=True, names="none", looks=looks | {"centred, ReLU": plots.look(2)}
    )
    for name, (h, error), side in (
        ("forward", (3e-5, 1e-4), "right"),
        ("centred", (2.5e-3, 1e-9), "left"),
        ("centred,\nwith kinks", (1.2e-3, 3e-2), "right"),
    ):
        number = 0 if name == "forward" else 1 if name == "centred" else 2
        ax.text(h, error, name, color=plots.COLOURS[number], ha=side, va="bottom", fontsize=10)
    ax.set(title="the loss of a network", ylabel="relative error")


_SMOOTH = {"activation": "tanh", "form": "forward"}
_RANGE = (0.9e-4, 0.11)
_NOTES = "cs231n course notes, Neural Networks Part 3, section on gradient checks"

CLAIMS = (
    Claim(
        "5.1-a/forward",
        "The error of the forward difference is in proportion to h, as long as rounding does not matter.",
        slope("error", over="h", theory=1, between=_RANGE, table="loss", where=_SMOOTH),
        expected=HOLDS,
        ask="Make h ten times smaller. By what factor does the error of (f(x + h) − f(x))/h shrink?",
        why="By Taylor, f(x + h) = f + hf′ + ½h²f″ + …: dividing by h leaves ½hf″ over.",
        beware="Below the best step the error grows again as h shrinks.",
    ),
    Claim(
        "5.1-a/centred",
        "The error of the centred difference is in proportion to h².",
        slope("error", over="h", theory=2, between=_RANGE, table="loss", where=_SMOOTH | {"form": "centred"}),
        expected=HOLDS,
        ask="And by what factor does that of (f(x + h) − f(x − h))/2h shrink?",
        why="In the difference of the two expansions the terms in h² cancel, and h²f‴/6 is what is left.",
        beware="It takes two values of the loss for each weight, where the forward form shares f(x) among all of them.",
    ),
    Claim(
        "5.1-a/better",
        "With the best step for each, the centred difference is closer to the gradient than the forward one.",
        paired("error", lower="centred", than="forward", scale="log", table="best", where={"activation": "tanh"}),
        expected=HOLDS,
        ask="Give either form its best h. Does the centred one still win, and by how much?",
        why="Its own error falls faster, so its best h is larger, and a larger h has less rounding.",
        beware="At a step as small as 1e-12 rounding rules both, and the form hardly matters.",
    ),
    Claim(
        "5.1-a/optimum",
        "The best step is near 2√(ε|f/f″|) for the forward and ∛(3ε|f/f‴|) for the centred form, to within a decade.",
        exact(measured="log10_best", expected="log10_theory", tolerance=1.0, table="optimum"),
        expected=EXACT,
        ask="Float64 has sixteen digits. Which h gives the best slope of e^x·sin 3x: 1e-15, 1e-8, or 1e-5?",
        why="There the formula's error and rounding are alike: about 1e-8 for the forward form, 1e-6 to 1e-5 centred.",
        beware="A loss that is flatter than this function has a larger best step: it goes with f/f″ and f/f‴.",
    ),
    Claim(
        "5.1-a/differentiable",
        "Differences give the slope of a function that cannot be differentiated: the forms agree on |x| at 0.",
        exact(measured="forward", expected="centred", tolerance=1e-3, table="kink"),
        expected=VIOLATED,
        ask="What do the two forms give for |x| at 0, and do they come together as h shrinks?",
        why="To the right |x| rises with slope 1, so forward is 1; both sides are equally high, so centred is 0.",
        beware="A number comes out in any case: nothing in the difference itself says that there is no derivative.",
        correction="A difference approximates a derivative that exists. Its use is to verify an analytic gradient, "
        "point by point, and not to replace it where there is none.",
        reference=_NOTES,
    ),
    Claim(
        "5.4-b/smooth",
        "On a smooth loss h must be neither too small nor too large: the least error lies in between.",
        share("interior", table="best", where={"activation": "tanh", "condition": "centred"}),
        expected=HOLDS,
        ask="On the loss of a tanh network, is the smallest h the best one?",
        why="A large h leaves the tangent; with a small one both losses agree in most digits, and the difference keeps "
        "only the rest.",
        beware="The valley is wide: any h from 1e-6 to 1e-4 will do in float64.",
    ),
    Claim(
        "5.4-b/kinks",
        "On a loss with kinks h must be neither too small nor too large: the least error lies in between.",
        share("interior", table="best", where={"activation": "relu", "condition": "centred"}),
        expected=HOLDS,
        ask="Now with ReLU. Does the error at large h grow like h², as it did on the smooth loss?",
        why="Beyond some h the two points lie on different sides of a kink, and the error leaps instead of growing.",
        beware="Where it leaps depends on the data and on the weight, so that one bad coordinate proves no mistake.",
    ),
)
