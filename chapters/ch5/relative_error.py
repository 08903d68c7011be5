"""5.1 How far apart are two gradients? (상대 오차)

A difference of 10⁻⁴ between an analytic and a numerical gradient is nothing where both are about 1, and everything
where both are about 10⁻⁵. So the difference is divided by the larger of the two: |fa − fn| / max(|fa|, |fn|). The text
gives this formula for any two gradients, but it has no value where both are 0, which behind a ReLU that is off is the
usual case; that pair agrees, and has to pass. Many write |fa| + |fn| below the line instead, and then the largest
error is 1, not 2. What counts as small the text leaves out: above 10⁻² the gradient is probably wrong, up to 10⁻⁴ is
good enough with kinks in the loss, and without kinks it should be below 10⁻⁴, better 10⁻⁷.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.checks import relative_error
from textbook.experiment import EXACT, VIOLATED, Claim, Run, exact

ENTRIES = ("5.1-b",)
DATA = "none"

# name, analytic, numeric, and the relative error worked out by hand: over the larger one, over the sum
PAIRS = (
    ("both about 1", 1.0, 1.0001, 1 / 10001, 1 / 20001),
    ("both small", 1e-5, 1.1e-4, 10 / 11, 10 / 12),
    ("both 0", 0.0, 0.0, 0.0, 0.0),
    ("one is 0", 0.0, 1e-9, 1.0, 1.0),
    ("opposite signs", 1.0, -1.0, 2.0, 1.0),
    ("twice as large", 1.0, 2.0, 1 / 2, 1 / 3),
)
# the limits of the notes that the text sums up, each in a word, for errors from here to the next one
LIMITS = {1e-2: "probably wrong", 1e-4: "suspicious", 1e-7: "fine if there are kinks", 1e-9: "fine"}


def measure(
    run: Run, *, difference: float = 1e-4, lowest: float = 1e-6, highest: float = 100.0
) -> dict[str, pd.DataFrame]:
    """Relative errors of chosen pairs, of one difference at gradients of every size, and of every ratio.

    Args:
        difference: between the two gradients, the same for all sizes.
        lowest, highest: range of the gradient's size.
    """
    return {
        "pairs": _pairs(),
        "sizes": _sizes(difference, lowest, highest),
        "ratios": _ratios(),
        "range": _ratios().drop(columns="ratio").max().rename_axis("form").reset_index(name="largest").assign(
            limit=lambda table: table.form.map({"max": 2.0, "sum": 1.0})
        ),
    }  # fmt: skip


def _pairs() -> pd.DataFrame:
    table = pd.DataFrame(PAIRS, columns=["pair", "analytic", "numeric", "by_hand_max", "by_hand_sum"])
    a, n = table.analytic.to_numpy(), table.numeric.to_numpy()
    with np.errstate(invalid="ignore"):
        plain = np.abs(a - n) / np.maximum(np.abs(a), np.abs(n))  # the text's formula, as it stands
    return table.assign(
        absolute=np.abs(a - n),
        over_max=relative_error(a, n),
        over_sum=relative_error(a, n, form="sum"),
        has_value=np.isfinite(plain),
    )


def _sizes(difference: float, lowest: float, highest: float) -> pd.DataFrame:
    """One absolute difference at every size of the smaller gradient g; relatively it is d / (g + d)."""
    size = np.geomspace(lowest, highest, 49)
    return pd.DataFrame(
        {
            "size": size,
            "absolute": difference,
            "over_max": relative_error(size, size + difference),
            "over_sum": relative_error(size, size + difference, form="sum"),
            "formula": difference / (size + difference),
        }
    )


def _ratios() -> pd.DataFrame:
    """Numeric gradients from −4 to 4 times the analytic one, by both denominators."""
    ratio = np.linspace(-4, 4, 161)
    errors = {form: relative_error(np.ones_like(ratio), ratio, form=form) for form in ("max", "sum")}
    return pd.DataFrame({"ratio": ratio} | errors)


def draw(tables: dict[str, pd.DataFrame]):
    """Above, the relative and the absolute error of one difference at gradients of every size, and the error over
    either denominator by the ratio of the two gradients; below, a table of pairs with the errors of each.
    """
    fig, ((size, ratio), (below, unused)) = plots.figure(2, 2, size=(7.4, 6.6), height_ratios=[1.35, 1])
    sizes, ratios, difference = tables["sizes"], tables["ratios"], tables["sizes"].absolute.iloc[0]
    for limit, word in LIMITS.items():
        size.axhline(limit, color="#999999", linewidth=1, linestyle=":")
        size.annotate(word, (sizes["size"].min(), limit), (0, 2), textcoords="offset points", fontsize=9.5, va="bottom")
    for number, (name, at, up) in enumerate((("over_max", 1e-2, 9), ("absolute", 0.1, -15))):
        size.plot(sizes["size"], sizes[name], **plots.look(number) | {"marker": ""})
        height = np.interp(at, sizes["size"], sizes[name])
        word = "relative" if name == "over_max" else "absolute"
        size.annotate(
            word, (at, height), (4 - 50 * number, up), textcoords="offset points", color=plots.COLOURS[number]
        )
    plots.log_axis(size, "x", at=(1e-6, 1e-4, 1e-2, 1, 100))
    plots.log_axis(size, "y", at=(1e-7, 1e-4, 1e-2, 1))
    size.set(xlabel="size of the gradient", ylabel="error", ylim=(1e-9, 8))
    size.set_title(f"always {plots.plain(difference)} apart")
    for number, (form, name) in enumerate((("max", "over the larger"), ("sum", "over the sum"))):
        ratio.plot(ratios.ratio, ratios[form], **plots.look(2 * number) | {"marker": ""}, label=name)
    ratio.set(xlabel="numerical / analytic gradient", ylabel="relative error", ylim=(0, 2.75), title="two denominators")
    ratio.legend(loc="upper right", fontsize=9.5)
    grid = below.get_gridspec()
    below.remove()
    unused.remove()
    with plots.style():
        wide = fig.add_subplot(grid[1, :])
    _draw_pairs(wide, tables["pairs"])
    plots.caption(
        fig,
        "Exact, no data. Above left: limits of the cs231n notes, in a word each. Below: pairs of gradients, and where "
        "the formula as the text gives it has no value.",
    )
    return fig


def _draw_pairs(ax, pairs: pd.DataFrame) -> None:
    """The pairs as a table of words and numbers."""
    heads = ("analytic", "numerical", "|difference|", "over the larger", "over the sum")
    columns = ("analytic", "numeric", "absolute", "over_max", "over_sum")
    words = [
        [plots.plain(float(f"{row[name]:.{5 if name == 'numeric' else 3}g}")) for name in columns]
        for _, row in pairs.iterrows()
    ]
    for row, value in zip(words, pairs.has_value, strict=True):
        row[3] += "" if value else "  (text: 0/0)"
    table = ax.table(
        words, colLabels=heads, rowLabels=pairs.pair.tolist(), loc="center", cellLoc="center", edges="horizontal"
    )
    table.auto_set_font_size(False)
    table.set_fontsize(9.5)
    table.scale(1, 1.35)
    for cell in table.get_celld().values():
        cell.set_edgecolor("#cccccc")
    ax.axis("off")


_NOTES = "cs231n course notes, Neural Networks Part 3, section on gradient checks"

CLAIMS = (
    Claim(
        "5.1-b/formula",
        "The relative error is |fa − fn| / max(|fa|, |fn|), and 0 for two gradients of 0.",
        exact(measured="over_max", expected="by_hand_max", tolerance=1e-9, table="pairs"),
        expected=EXACT,
        ask="1.0 and 1.0001, or 0.00001 and 0.00011: which pair is further apart, and how far?",
        why="Both differ by 10⁻⁴. Of 1 that is a ten-thousandth part, of 0.00011 ten elevenths.",
        beware="A gradient of exactly 0 against anything else is an error of 1, however small the other one is.",
    ),
    Claim(
        "5.1-b/absolute",
        "One and the same difference d is a relative error of d/(g + d) at gradients of size g: from all to nothing.",
        exact(measured="over_max", expected="formula", tolerance=1e-9, relative=True, table="sizes"),
        expected=EXACT,
        ask="Every weight's two gradients differ by 0.0001. How does the relative error go with the gradient's size?",
        why="Below d the difference is larger than the gradient itself, and far above it the gradient drowns it.",
        beware="A threshold for absolute differences passes every gradient below it, even one that is always 0.",
    ),
    Claim(
        "5.1-b/zeros",
        "The formula has a value for any two gradients.",
        exact(measured="has_value", expected=True, table="pairs"),
        expected=VIOLATED,
        ask="Is there a pair of gradients for which the formula says nothing?",
        why="With two gradients of 0 it divides 0 by 0. Behind a ReLU that is off for all rows, that is every weight.",
        beware="A small number added below the line hides this, and hides errors of gradients of that size as well.",
        correction="Two gradients of exactly 0 agree: count the pair as an error of 0, before dividing.",
        reference=_NOTES,
    ),
    Claim(
        "5.1-b/range",
        "The largest possible error is 2 with the larger one below the line and 1 with the sum, for opposite signs.",
        exact(measured="largest", expected="limit", tolerance=1e-9, table="range"),
        expected=EXACT,
        ask="The numerical gradient has the wrong sign. Which relative error is that?",
        why="|fa − fn| is then |fa| + |fn|, which is twice the larger one if both are equally long.",
        beware="The forms differ by a factor between 1 and 2, so a threshold belongs to a form only roughly.",
    ),
)
