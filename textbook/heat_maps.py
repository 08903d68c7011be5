"""Heat maps of a number over two knobs, with the best of each row or column joined: the ridge of the valley."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize

from textbook.book_style import COLOURS, style
from textbook.log_axes import log_axis, plain

# from white to dark blue: grey prints keep the order, and the ridge's warm colour stands out on all of it
_PALE_IS_BEST = LinearSegmentedColormap.from_list("pale is best", ["#ffffff", "#a9c4de", "#4878a8", "#16324f"])
_RIDGE = COLOURS[1]


@style()
def heat_map(
    ax: Axes,
    table: pd.DataFrame,
    *,
    x: str,
    y: str,
    value: str,
    ridge: str | None = None,
    better: str = "low",
    log: bool = False,
    limits: tuple[float, float] | None = None,
    text: str | None = None,
    label: str | None = None,
) -> Axes:
    """A cell for each pair of values of two knobs: the mean over the seeds; the paler the better.

    A cell with a value that is missing or not finite is hatched and has a ×. Knobs' values stand at equal distances,
    in rising order, whatever their size.

    Args:
        table: a row per x, y and seed (or other repeat).
        x, y, value: its columns; x and y have few different values.
        ridge: "x" joins the best cells of the columns, "y" those of the rows.
        better: "low" or "high".
        log: average logarithms (a geometric mean), and colours by the logarithm.
        limits: lowest and highest value of the colours; by default those of the cells.
        text: a format such as "{:.2f}" to write the mean into each cell.
        label: beside the colour bar; by default the name of the column. "" draws no bar.

    Raises: ValueError for missing columns, words other than these, and log of values ≤ 0.
    """
    for name, word, words in (("ridge", ridge, (None, "x", "y")), ("better", better, ("low", "high"))):
        if word not in words:
            raise ValueError(f"expected {name} among {words}, got {word!r}; mend by passing one of these")
    missing = [name for name in (x, y, value) if name not in table]
    if missing:
        raise ValueError(f"expected columns {x}, {y}, {value}, got a table without {', '.join(missing)}")
    cells = _means(table, x, y, value, log=log)
    heights = np.ma.masked_invalid(cells.to_numpy())
    low, high = limits or (heights.min(), heights.max())
    colours = _PALE_IS_BEST if better == "low" else _PALE_IS_BEST.reversed()
    norm = (LogNorm if log else Normalize)(low, high)
    mesh = ax.pcolormesh(
        heights, cmap=colours.with_extremes(bad="#ffffff"), norm=norm, edgecolors="#ffffff", linewidth=0.5
    )
    for row, column in np.argwhere(heights.mask & np.ones(cells.shape, bool)):
        ax.fill_between([column, column + 1], row, row + 1, facecolor="none", hatch="///", edgecolor="#bbbbbb", lw=0)
        ax.text(column + 0.5, row + 0.5, "×", ha="center", va="center", color="#444444", fontsize=11)
    if text is not None:
        # above the ridge's dots, where there are any
        _write(ax, heights, text, norm, dark_is_high=better == "low", height=0.5 if ridge is None else 0.78)
    if ridge is not None:
        across, up = _ridge(heights if better == "low" else -heights, ridge)
        ax.plot(across, up, "o-", color=_RIDGE, markersize=7, markeredgecolor="white", markeredgewidth=1.2, lw=1.8)
    for axis, values in ((ax.xaxis, cells.columns), (ax.yaxis, cells.index)):
        axis.set_ticks(
            np.arange(len(values)) + 0.5, [value if isinstance(value, str) else plain(value) for value in values]
        )
    ax.grid(visible=False)
    ax.tick_params(length=0)
    if label != "":
        bar = ax.figure.colorbar(mesh, ax=ax, label=value if label is None else label, pad=0.02)
        bar.outline.set_visible(False)
        if log:
            log_axis(bar.ax, "y")
    return ax


def _means(table, x, y, value, *, log: bool) -> pd.DataFrame:
    """Rows y, columns x; NaN where a value is missing or not finite."""
    numbers = table[value].astype(float)
    if log and (numbers <= 0).any():
        raise ValueError("expected values above 0 to average their logarithms, got some ≤ 0; mend by log=False")
    numbers = numbers.where(np.isfinite(numbers))
    numbers = np.log(numbers) if log else numbers
    grouped = numbers.groupby([table[y], table[x]])
    # pandas leaves out what is NaN: one diverged seed must not make a cell look like the mean of the others
    means = grouped.mean().where(grouped.count() == grouped.size()).unstack()
    return np.exp(means) if log else means


def _ridge(heights: np.ma.MaskedArray, along: str):
    """Middles of the lowest cell of each column ("x") or row ("y") that has any."""
    lines = heights.T if along == "x" else heights
    places = [(i, line.argmin()) for i, line in enumerate(lines) if line.count()]
    first, second = np.array(places, dtype=float).reshape(-1, 2).T + 0.5
    return (first, second) if along == "x" else (second, first)


def _write(ax: Axes, heights: np.ma.MaskedArray, text: str, norm, *, dark_is_high: bool, height: float) -> None:
    for row, column in np.argwhere(~np.ma.getmaskarray(heights)):
        dark = float(norm(heights[row, column]))
        dark = dark if dark_is_high else 1 - dark
        words = text.format(heights[row, column])
        ax.text(
            column + 0.5,
            row + height,
            words,
            ha="center",
            va="center",
            fontsize=9.5,
            color="white" if dark > 0.5 else "#222222",
        )
