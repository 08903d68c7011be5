"""A gradient check as a figure: a row for each tensor, a dot for each weight."""

import numpy as np

from textbook import plots
from textbook.checks import verdicts
from textbook.checks.gradient_result import GradientCheck

_LEAST, _MOST = 1e-12, 3.0
_COLOURS = {
    verdicts.PASS: plots.COLOURS[0],
    verdicts.SUSPICIOUS: plots.COLOURS[1],
    verdicts.WRONG: plots.COLOURS[1],
    verdicts.UNCHECKED: plots.GREY,
}


@plots.style()
def draw(check: GradientCheck, ax=None):
    """Draw `check` and return the axes.

    Each dot is a weight that counts, at its relative error; those below 1e-12, zeros among them, stand at the left end.
    Hollow grey circles are weights set apart: a kink between the two points, or a gradient below rounding. Beside a row
    stands its verdict.

    Args:
        ax: axes to draw on; by default those of a new figure.
    """
    rows = check.tensors
    several = rows["term"].nunique() > 1
    if ax is None:
        _, ax = plots.figure(size=(7.0, 1.9 + 0.42 * len(rows)))
    for place, row in enumerate(rows.itertuples()):
        table = check.table[(check.table["tensor"] == row.tensor) & (check.table["term"] == row.term)]
        used = table["state"].isin((verdicts.CHECKED, verdicts.ZERO)).to_numpy()
        error = np.clip(np.nan_to_num(table["relative_error"].to_numpy(), nan=_MOST), _LEAST, _MOST)
        # a fixed comb of heights instead of random jitter: the same table gives the same picture
        height = place + 0.5 * (((np.arange(len(table)) * 0.618) % 1) - 0.5)
        colour = _COLOURS[row.verdict]
        alarm = row.verdict in (verdicts.WRONG, verdicts.SUSPICIOUS)
        ax.plot(error[~used], height[~used], "o", mfc="none", mec=plots.GREY, markersize=4.5, alpha=0.7)
        ax.plot(error[used], height[used], "X" if alarm else "o", color=colour, markersize=5, alpha=0.7, mew=0)
        ax.annotate(
            "not checked" if row.verdict == verdicts.UNCHECKED else row.verdict,
            (1.01, place),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=10,
            color=colour,
            fontweight="bold" if alarm else "normal",
        )
    names = [f"{row.tensor} · {row.term}" if several else row.tensor for row in rows.itertuples()]
    ax.set_yticks(range(len(rows)), [name if len(name) <= 28 else f"…{name[-27:]}" for name in names])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    for limit, style in ((check.limits.passing, ":"), (check.limits.wrong, "--")):
        ax.axvline(limit, color=plots.GREY, linestyle=style, linewidth=1.3)
    ax.set(xscale="log", xlim=(_LEAST / 2, 2 * _MOST), xlabel="relative error |a − n| / max(|a|, |n|)")
    ax.grid(visible=False, axis="y")
    between = np.sqrt(check.limits.passing * check.limits.wrong)
    for text, at, side in (
        ("passes", check.limits.passing / 2.5, "right"),
        ("suspicious", between, "center"),
        ("wrong", check.limits.wrong * 2.5, "left"),
    ):
        place = {"xycoords": ("data", "axes fraction"), "ha": side}
        ax.annotate(text, (at, 1.015), fontsize=9, color=plots.GREY, **place)
    return ax
