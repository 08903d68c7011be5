"""8.2 Does Adam see curvature? (아담과 곡률)

The text says that Adam adapts its rate to the recent change of curvature of its path. It has no way to: it is told
gradients, one number a weight, and divides by the root of their mean square. Two losses that show it the same
gradients get the same steps, however differently they bend; two that bend alike get different steps if one of them is
noisier. Only at the minimum of a likelihood whose noise is as assumed do mean square and curvature agree.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, HOLDS, NO_DIFFERENCE, Claim, Run, exact, slope, trend
from textbook.seeding import stream
from textbook.update_rules import Adam

ENTRIES = ("8.2-f",)
DATA = "none"

_CURVATURES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
_NOISES = (0.0, 0.5, 1.0, 2.0, 4.0)
_SIGMAS = (0.5, 0.7, 1.0, 1.4, 2.0)


def measure(
    run: Run, *, rate: float = 0.01, beta_1: float = 0.9, beta_2: float = 0.999, rows: int = 4000
) -> dict[str, pd.DataFrame]:
    """Walk with Adam where curvature varies and gradients do not, and the reverse; compare both at a minimum.

    Args:
        rate: Adam's.
        beta_1, beta_2: weights of the past in the mean of the gradient and of its square.
        rows: of the regression whose minimum is looked at.
    """
    rule = Adam(rate, beta_1=beta_1, beta_2=beta_2)
    bent = [_bent(rule, seed) for seed in run.seeds]
    return {
        "bent": pd.concat(bent, ignore_index=True),
        "noisy": _noisy(rule),
        "minimum": pd.concat([_at_the_minimum(seed, rows) for seed in run.seeds], ignore_index=True),
    }


def _bent(rule: Adam, seed: int, *, updates: int = 50) -> pd.DataFrame:
    """Adam on f(w) = g·w + c·(1 − cos(2πw/α))·(α/2π)², whose curvature is c wherever Adam, with steps of α, looks.

    There the sine is 0 and the gradient g; in between, the loss is bent as much to the other side. Curvature and
    gradient are told by central differences of f, not by the formula.
    """
    slope_of = float(np.exp(stream(seed, "slopes").normal()))
    length, rows = rule.learning_rate, []

    for curvature in _CURVATURES:

        def loss(w, c=curvature):
            return slope_of * w + c * (1 - np.cos(2 * np.pi * w / length)) * (length / (2 * np.pi)) ** 2

        w, state, h = np.zeros(1), rule.init(np.zeros(1)), 1e-3 * length
        steps, bends, slopes = [], [], []
        for _ in range(updates):
            slopes.append(((loss(w + h) - loss(w - h)) / (2 * h)).item())
            bends.append(((loss(w + h) - 2 * loss(w) + loss(w - h)) / h**2).item())
            change, state = rule.update(np.full(1, slopes[-1]), state)
            w = w + change
            steps.append(-change.item())
        rows.append((seed, curvature, np.mean(bends), np.mean(slopes), np.mean(steps) / length, slope_of / curvature))
    columns = ["seed", "curvature", "measured_curvature", "gradient", "step", "newton"]
    return pd.DataFrame(rows, columns=columns).assign(newton=lambda t: t.newton / length, rate=length)


def _noisy(rule: Adam, *, updates: int = 20_000) -> pd.DataFrame:
    """Adam on a straight line, curvature 0, whose gradient is told as 1 ± σ in turn: its mean step, in rates."""
    rows = []
    for sigma in _NOISES:
        state, steps = rule.init(np.zeros(1)), []
        for k in range(updates):
            change, state = rule.update(np.full(1, 1 + sigma * (-1) ** k), state)
            steps.append(-change.item())
        rows.append((sigma, np.mean(steps[-2:]) / rule.learning_rate, 1 / np.sqrt(1 + sigma**2)))
    return pd.DataFrame(rows, columns=["noise", "step", "theory"])


def _at_the_minimum(seed: int, rows: int) -> pd.DataFrame:
    """Least squares y = wx + noise of sd σ, fitted: mean square of the rows' gradients, and the loss's curvature."""
    random, found = stream(seed, "regression"), []
    for sigma in _SIGMAS:
        x = random.normal(size=rows)
        y = 2 * x + sigma * random.normal(size=rows)
        w = (x @ y) / (x @ x)
        squares = np.mean(((w * x - y) * x) ** 2)
        found.append((seed, sigma, squares, np.mean(x**2), squares / np.mean(x**2)))
    return pd.DataFrame(found, columns=["seed", "sigma", "mean_square", "curvature", "ratio"])


def draw(tables: dict[str, pd.DataFrame]):
    """Adam's step against the curvature, beside Newton's, and against the noise; at a minimum, the mean square of the
    gradient over the curvature against the noise of the data.
    """
    bent, noisy, minimum = tables["bent"], tables["noisy"], tables["minimum"]
    fig, (curved, straight, fitted) = plots.figure(1, 3, size=(7.8, 4.0))
    both = bent.melt(id_vars=["seed", "curvature"], value_vars=["step", "newton"], var_name="rule", value_name="size")
    named = both.assign(rule=both.rule.map({"step": "Adam", "newton": "Newton"}))
    plots.band(curved, named, x="curvature", y="size", hue="rule", log=True, names="legend")
    plots.log_axis(curved, "x", at=(0.1, 1, 10, 100))
    plots.log_axis(curved, "y")
    curved.set(xlabel="curvature", ylabel="step (learning rates)", title="same gradients")
    straight.plot(noisy.noise, noisy.step, **(plots.look(0) | {"linestyle": ""}), label="Adam")
    dense = np.linspace(0, max(noisy.noise), 200)
    straight.plot(dense, 1 / np.sqrt(1 + dense**2), ":", color="#222222", marker="", label="1/√(1 + σ²)")
    straight.legend(loc="upper right", handlelength=1.4)
    straight.set(xlabel="noise σ of a gradient of 1", ylabel="step (learning rates)", title="curvature 0")
    straight.set_ylim(0, 1.1)
    plots.band(fitted, minimum, x="sigma", y="ratio", hue=None, log=True, looks={"": plots.look(3)})
    fitted.axhline(1, color="#222222", linestyle=":", linewidth=1.4)
    plots.log_axis(fitted, "x", at=_SIGMAS)
    plots.log_axis(fitted, "y")
    fitted.set(xlabel="noise σ of the data", ylabel="mean square / curvature", title="at a minimum")
    plots.caption(
        fig,
        f"Left: losses of one slope (another for each seed), bent where Adam looks. Newton: slope / curvature. Adam's "
        f"rate {bent.rate.iloc[0]:g}. Right: least squares, gradients of single rows; dotted, where both agree. "
        f"Geometric means, 95 % bands. {plots.seeds_text(bent)}",
    )
    return fig


_REFERENCE = "Kingma and Ba (2015), arXiv:1412.6980, section 2; Martens (2020), New insights and perspectives on the "
_REFERENCE += "natural gradient method, arXiv:1412.1193"

CLAIMS = (
    Claim(
        "8.2-f/curvature",
        "Adam's step adapts to the curvature: with the same gradients it falls as the loss is bent more.",
        trend("step", over="curvature", direction="falls", scale="log", table="bent"),
        expected=NO_DIFFERENCE,
        ask="Seven losses with the same slope wherever Adam looks, and curvatures from 0.1 to 100. How do its steps "
        "differ?",
        why="A step is made of the gradients seen so far and of nothing else.",
        beware="Where a loss is bent, gradients usually change along the way, and to that Adam does react.",
        correction="Adam divides by the root of an exponential average of squared gradients, an uncentred second "
        "moment. That is no curvature and no change of one.",
        reference=_REFERENCE,
    ),
    Claim(
        "8.2-f/rate",
        "On a constant slope the step is the learning rate, whatever the slope and whatever the curvature.",
        exact(measured="step", expected=1.0, tolerance=1e-3, table="bent"),
        expected=EXACT,
        ask="How long is such a step?",
        why="The mean of the gradients is g and the root of their mean square |g|.",
        beware="Newton's step would be g/c. On a valley's steep and shallow weights Adam's steps are alike for another "
        "reason: both gradients are divided by themselves.",
    ),
    Claim(
        "8.2-f/noise",
        "On a straight line, curvature 0, noise of sd σ in a gradient of 1 shortens the mean step to 1/√(1 + σ²).",
        exact(measured="step", expected="theory", tolerance=1e-3, relative=True, table="noisy"),
        expected=EXACT,
        ask="Nothing is bent here at all. Does Adam's step still change?",
        why="The mean of the gradient stays 1, its mean square is 1 + σ².",
        beware="So batch size changes Adam's step as well, by the noise of the gradient.",
    ),
    Claim(
        "8.2-f/minimum",
        "At a minimum the mean square of the gradients is not the curvature either: over it, it grows as σ².",
        slope("ratio", over="sigma", theory=2.0, table="minimum"),
        expected=HOLDS,
        ask="At the minimum of a least-squares fit, are mean square and curvature one?",
        why="A row's gradient is its residual times x, so its square has σ² in it. The curvature is that of x alone.",
        beware="At σ = 1 they do agree: there the squared error is the likelihood of the data, and both are its Fisher "
        "information. That is the case which the comparison with curvature comes from.",
    ),
)
