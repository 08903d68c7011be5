"""5.3 Across a kink (미분 불가능한 지점, kink)

At x = −10⁻⁶ ReLU is flat, so its gradient is 0. A difference with h above 10⁻⁶ reaches over the kink to the rising
side and is not 0. The text gives the error as h − 10⁻⁶. That is only the rise, f(x + h) − f(x); the gradient's error
is that over h, 1 − 10⁻⁶/h, which is no small number but tends to 1, the whole gradient of the other side. The centred
form, over 2h, gets half of that.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.checks import centred_difference, forward_difference
from textbook.experiment import EXACT, VIOLATED, Claim, Run, exact

ENTRIES = ("5.3-a",)
DATA = "none"


def measure(
    run: Run, *, distance: float = 1e-6, lowest: float = 1e-8, highest: float = 1e-3
) -> dict[str, pd.DataFrame]:
    """Both differences of ReLU at −distance with steps of every size, beside the formulae.

    Args:
        distance: of x from the kink.
        lowest, highest: range of the step h.
    """
    # tenths of a decade, and the two that the text's reader may try by hand
    h = np.unique([*np.geomspace(lowest, highest, 51), 2 * distance, 10 * distance])
    x, rise = -distance, np.maximum(h - distance, 0)
    slopes = {
        "forward": (forward_difference(_relu, x, h), rise / h),
        "centred": (centred_difference(_relu, x, h), rise / (2 * h)),
    }
    analytic = float(x > 0)
    table = pd.concat(
        pd.DataFrame(
            {
                "form": form,
                "h": h,
                "distance": distance,
                "slope": found,
                "error": np.abs(found - analytic),
                "formula": formula,
                "text": rise,
                "nonzero": found != 0,
                "reaches_over": h > distance,
            }
        )
        for form, (found, formula) in slopes.items()
    )
    return {"slopes": table, "cartoon": _cartoon(distance)}


def _relu(x):
    return np.maximum(x, 0)


def _cartoon(distance: float) -> pd.DataFrame:
    """ReLU around the kink, in units of the distance, and both lines with h = 3 distances."""
    x, h = -distance, 3 * distance
    at = np.linspace(-5, 3.2, 83) * distance
    slopes = {"forward": forward_difference(_relu, x, h), "centred": centred_difference(_relu, x, h)}
    return pd.DataFrame({"x": at / distance, "f": _relu(at) / distance, "h": 3.0} | slopes)


def draw(tables: dict[str, pd.DataFrame]):
    """Left, forward and centred lines across the kink of ReLU; right, the error of their slopes for every h, with the
    error that the text states.
    """
    fig, (left, right) = plots.figure(1, 2, size=(7.4, 4.6), width_ratios=[1, 1.25])
    looks, cartoon, table = plots.looks(("forward", "centred", "text")), tables["cartoon"], tables["slopes"]
    h = cartoon.h.iloc[0]
    left.plot(cartoon.x, cartoon.f, color="#999999", linestyle="-", linewidth=2.6)
    for form, ends in (("forward", (-1, -1 + h)), ("centred", (-1 - h, -1 + h))):
        heights = np.maximum(ends, 0)
        left.plot(ends, heights, **looks[form] | {"markersize": 7}, label=f"{form}: {cartoon[form].iloc[0]:.2f}")
    left.plot([-4.6, 0.4], [0, 0], color="#222222", linestyle=":", label="true slope: 0", zorder=3)
    size = _power(table.distance.iloc[0])
    left.set(
        xlabel=f"x, in units of {size}", ylabel=f"ReLU(x), in units of {size}", title=f"x = −{size}, h = {h:g}·{size}"
    )
    left.legend(loc="upper left", fontsize=10)
    for form, rows in table.groupby("form", sort=False):
        right.plot(rows.h, rows.error, **looks[form] | {"marker": ""})
    text = table[table.form == "forward"]
    right.plot(text.h, text.text, **looks["text"] | {"marker": ""})
    last = text.h.max()
    for name, height in (("forward: 1 − d/h", 1), ("centred: half of it", 0.5), ("the text: h − d", 0)):
        colour = looks[name.split(":")[0].replace("the ", "")]["color"]
        right.annotate(name, (last, height), (0, 4), textcoords="offset points", ha="right", va="bottom", color=colour)
    right.axvline(table.distance.iloc[0], color="#999999", linewidth=1, linestyle=":")
    plots.log_axis(right, "x", at=(1e-8, 1e-6, 1e-4))
    right.set(xlabel="step h", ylabel="error of the gradient", ylim=(-0.04, 1.14), title="error, for every h")
    plots.caption(fig, f"Exact, no data: ReLU at x = −d with d = {size}. Up to the dotted line h stays on one side.")
    return fig


def animate(tables: dict[str, pd.DataFrame]):
    """The forward difference as h grows: its line, and the error that goes with it."""
    from matplotlib.animation import FuncAnimation

    rows = tables["slopes"]
    rows = rows[rows.form == "forward"].sort_values("h")
    distance = rows.distance.iloc[0]
    rows = rows[(rows.h >= 0.1 * distance) & (rows.h <= 100 * distance)]
    with plots.style():
        fig, (left, right) = plots.figure(1, 2, size=(6.4, 3.2))
        (relu,) = left.plot([], [], color="#999999", linestyle="-", linewidth=2.4)
        (line,) = left.plot([], [], **plots.look(0) | {"markersize": 7})
        left.set(xlabel="x, in units of h", ylabel="ReLU(x), in units of h", xlim=(-1.3, 1.4), ylim=(-0.12, 1.2))
        title = left.set_title("h")
        right.plot(rows.h, rows.error, color="#cccccc", linestyle="-")
        (trail,) = right.plot([], [], **plots.look(0) | {"marker": ""})
        plots.log_axis(right, "x", at=(1e-7, 1e-6, 1e-5, 1e-4))
        right.set(xlabel="step h", ylabel="error of the gradient", ylim=(-0.04, 1.1), title="forward difference")
    fig.set_dpi(90)
    fig.draw_without_rendering()  # lays the panel out, once: nothing that moves needs room of its own
    fig.set_layout_engine("none")

    def show(place):
        h = rows.h.iloc[place]
        at = np.array([-1.3, 0, 1.4])
        relu.set_data(at, np.maximum(at, 0))
        ends = np.array([-distance / h, 1 - distance / h])
        line.set_data(ends, np.maximum(ends, 0))
        trail.set_data(rows.h.iloc[: place + 1], rows.error.iloc[: place + 1])
        title.set_text(f"h = {h / distance:.2g} · {_power(distance)}")

    return FuncAnimation(fig, show, frames=[*range(len(rows)), *[len(rows) - 1] * 6], interval=250)


def _power(value: float) -> str:
    exponent = np.log10(value)
    return f"10$^{{{exponent:.0f}}}$" if np.isclose(exponent, round(exponent)) else f"{value:g}"


_FORWARD = {"form": "forward"}

CLAIMS = (
    Claim(
        "5.3-a/nonzero",
        "At x = −10⁻⁶ the numerical gradient of ReLU is 0 up to h = 10⁻⁶ and not 0 beyond.",
        exact(measured="nonzero", expected="reaches_over", table="slopes"),
        expected=EXACT,
        ask="The analytic gradient at −10⁻⁶ is 0. What does the usual h of 10⁻⁵ say?",
        why="As long as x + h is below 0, both values are 0. Beyond, f(x + h) is x + h, and the difference sees it.",
        beware="Such a weight is no sign of a wrong gradient, though the relative error is 1.",
    ),
    Claim(
        "5.3-a/text",
        "Beyond h = 10⁻⁶ the error of the forward difference is h − 10⁻⁶.",
        exact(measured="error", expected="text", tolerance=1e-3, table="slopes", where=_FORWARD),
        expected=VIOLATED,
        ask="With h = 2·10⁻⁶, is the gradient off by a millionth, or by a half?",
        why="h − 10⁻⁶ is how far f rises. A gradient is a rise over a run, and the run is h.",
        beware="The two would be alike only for h near 1.",
        correction="The error is (h − 10⁻⁶)/h for the forward form: 0.5 at h = 2·10⁻⁶, 0.9 at 10⁻⁵.",
        reference="By the definition: (ReLU(x + h) − ReLU(x))/h with x = −10⁻⁶ < 0 < x + h",
    ),
    Claim(
        "5.3-a/formula",
        "The error is (h − d)/h for the forward and (h − d)/2h for the centred form, beyond a kink at distance d.",
        exact(measured="error", expected="formula", tolerance=1e-6, table="slopes"),
        expected=EXACT,
        ask="Does the centred form help across a kink?",
        why="It sees the same rise over twice the run, so it errs by half as much, and tends to ½ rather than to 1.",
        beware="Half of 100 % still fails any check. What helps is a smaller h, fewer rows, or to skip such weights.",
    ),
)
