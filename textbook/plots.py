"""Figures in the book's style: readable 400 pixels wide, in grey, and by colour-blind eyes.

Functions take an axes, draw on it and return it; they never save and never open a window. Everything is drawn under
`style()`, which sets Matplotlib's parameters and puts them back; open it around drawing code of your own as well.
"""

import textwrap
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.text import Text
from scipy.stats import t as student

from textbook.book_layout import CAPTION, BookLayout, EndLabel
from textbook.book_style import COLOURS, GREY, darker, look, looks, style
from textbook.heat_maps import heat_map
from textbook.log_axes import log_axis, plain

__all__ = [
    "COLOURS",
    "GREY",
    "band",
    "bars",
    "caption",
    "contour",
    "dots",
    "figure",
    "heat_map",
    "log_axis",
    "look",
    "looks",
    "note",
    "path",
    "plain",
    "seeds_text",
    "style",
]

_HEIGHTS = {1: 4.5, 2: 6.4, 3: 8.4}
# with more points than this, markers merge into a caterpillar and the dashes alone tell lines apart
_MOST_MARKED = 16
_look = look  # for the functions that have an argument of this name


@style()
def figure(rows: int = 1, columns: int = 1, *, size: tuple[float, float] | None = None, **subplots):
    """A figure and its axes, as `pyplot.subplots` gives them, without pyplot.

    Args:
        rows, columns: of panels.
        size: width and height in inches; by default 7 × 4.5, higher for more rows and wider for three columns.
        subplots: passed to `Figure.subplots`, such as `sharey=True` or `width_ratios=[2, 1]`.

    Returns: (figure, axes), axes being one Axes or an array of them. Layout is done when the figure is drawn.
    """
    size = size or (7.0 if columns < 3 else 3.2 * columns, _HEIGHTS.get(rows, 2.7 * rows))
    fig = Figure(figsize=size, layout=BookLayout(w_pad=0.07, h_pad=0.07, wspace=0.03, hspace=0.04))
    return fig, fig.subplots(rows, columns, **subplots)


@style()
def band(
    ax: Axes,
    table: pd.DataFrame,
    *,
    x: str,
    y: str,
    hue: str | None = "condition",
    looks: Mapping | None = None,
    names: str = "auto",
    log: bool = False,
    level: float = 0.95,
) -> Axes:
    """A line for each condition: the mean over seeds, in a band of its 95 % t-interval.

    The band is mean ± t(n − 1)·s/√n at each x by itself. Two bands that overlap may belong to runs that differ in
    every pair: judge pairs by their differences. Where a seed's value is missing or not finite the line has a gap,
    and a × above the axes marks it.

    Args:
        table: one row per condition, x and seed (column "seed"; without it, one row per condition and x, no band).
        x, y, hue: its columns; `hue=None` draws one line.
        looks: the look of each condition, from `looks(names)`; by default in order of appearance.
        names: "auto" writes names at the line ends where they fit and a legend elsewhere; "legend"; "none".
        log: average logarithms, so that the line is the geometric mean; for an axis with a log scale.
        level: coverage of the interval.

    Raises: ValueError for a missing column, for several rows of one condition, x and seed, and for log of values ≤ 0.
    """
    if names not in ("auto", "legend", "none"):
        raise ValueError(f"expected names as 'auto', 'legend' or 'none', got {names!r}; mend by passing one of these")
    seed = ["seed"] if "seed" in table else []
    key = [x, *([hue] if hue else []), *seed]
    _require(table, [*key, y])
    if table.duplicated(key).any():
        raise ValueError(
            f"expected one row per {', '.join(key)}, got several; mend by selecting rows: table[table.knob == 1]"
        )
    groups = [("", table)] if hue is None else [(name, table[table[hue] == name]) for name in table[hue].unique()]
    looks = looks or {name: look(i + len(ax.get_lines())) for i, (name, _) in enumerate(groups)}
    for name, rows in groups:
        values = rows.pivot(index=x, columns=seed, values=y) if seed else rows.set_index(x)[[y]].sort_index()
        at, middle, low, high = _mean_interval(values, log, level)
        shown = {**looks[name], "label": str(name)}
        if len(at) > _MOST_MARKED:
            shown["marker"] = ""
        (line,) = ax.plot(at, middle, **shown)
        ax.fill_between(at, low, high, color=shown["color"], alpha=0.18, linewidth=0)
        gaps = np.asarray(at)[~np.isfinite(middle)]
        if len(gaps):
            cross = {"marker": "x", "linestyle": "", "color": shown["color"], "markersize": 7, "markeredgewidth": 2}
            ax.plot(gaps, np.full(len(gaps), 1.02), transform=ax.get_xaxis_transform(), clip_on=False, **cross)
        if names == "auto" and hue is not None:
            EndLabel.attach(ax, line, str(name), color=darker(shown["color"]), fontsize=10.5)
    if names == "legend" and hue is not None:
        ax.legend()
    return ax


def _mean_interval(values: pd.DataFrame, log: bool, level: float):
    """x, mean and interval over the columns (seeds) of a frame; NaN where any seed is missing or not finite."""
    numbers = values.to_numpy(dtype=float)
    if log and (numbers <= 0).any():
        raise ValueError("expected values above 0 to average their logarithms, got some ≤ 0; mend by log=False")
    numbers = np.where(np.isfinite(numbers), numbers, np.nan)
    if log:
        numbers = np.log(numbers)
    n = numbers.shape[1]
    middle = numbers.mean(axis=1)
    half = student.ppf((1 + level) / 2, n - 1) * numbers.std(axis=1, ddof=1) / np.sqrt(n) if n > 1 else 0 * middle
    back = np.exp if log else np.asarray
    return values.index, back(middle), back(middle - half), back(middle + half)


@style()
def dots(ax: Axes, table: pd.DataFrame, *, value: str, by: str = "condition", looks: Mapping | None = None) -> Axes:
    """A row for each condition: one dot a seed, and above them the mean with its 95 % t-interval as a bar.

    The first condition stands at the top. Values that are not finite are counted at the right.
    """
    _require(table, [value, by])
    names = list(table[by].unique())
    looks = looks or {name: look(i) for i, name in enumerate(names)}
    for row, name in enumerate(names):
        values = table.loc[table[by] == name, value].to_numpy(dtype=float)
        finite = values[np.isfinite(values)]
        colour, marker = looks[name]["color"], looks[name]["marker"]
        # a fixed comb of heights instead of random jitter: the same table gives the same picture
        heights = row + 0.10 + 0.16 * ((np.arange(len(finite)) * 0.618) % 1)
        ax.plot(finite, heights, marker, color=colour, alpha=0.45, markersize=4.5, markeredgewidth=0)
        if len(finite) > 1:
            half = student.ppf(0.975, len(finite) - 1) * finite.std(ddof=1) / np.sqrt(len(finite))
            ax.errorbar(finite.mean(), row - 0.12, xerr=half, fmt=marker, color=colour, markersize=7, linewidth=2)
        if len(finite) < len(values):
            text = f"× {len(values) - len(finite)} diverged"
            ax.text(1.01, row, text, transform=ax.get_yaxis_transform(), va="center", color=darker(colour), fontsize=10)
    ax.set_yticks(range(len(names)), [str(name) for name in names])
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.grid(visible=False, axis="y")
    return ax


@style()
def bars(
    ax: Axes,
    table: pd.DataFrame,
    *,
    label: str,
    value: str,
    low: str | None = None,
    high: str | None = None,
    colour: str = COLOURS[0],
    text: str = "{:.2g}",
) -> Axes:
    """A horizontal bar for each row, the first at the top, with its interval and the number beside it."""
    _require(table, [label, value, *[name for name in (low, high) if name]])
    rows, values = np.arange(len(table)), table[value].to_numpy(dtype=float)
    interval = None
    if low and high:
        interval = np.abs(np.array([values - table[low], table[high] - values], dtype=float))
    ax.barh(rows, values, height=0.62, color=colour, alpha=0.8)
    if interval is not None:
        ax.errorbar(values, rows, xerr=interval, fmt="none", ecolor="#222222", elinewidth=1.4)
    ends = np.maximum(values, 0 if interval is None else values + interval[1])
    for row, end, number in zip(rows, ends, values, strict=True):
        ax.annotate(
            text.format(number), (max(end, 0), row), (5, 0), textcoords="offset points", va="center", fontsize=10
        )
    ax.set_yticks(rows, [str(name) for name in table[label]])
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.grid(visible=False, axis="y")
    ax.margins(x=0.12)
    return ax


@style()
def contour(ax: Axes, surface: Callable, *, x: tuple[float, float], y: tuple[float, float], levels: int = 14) -> Axes:
    """Level lines of `surface(x, y)` over a rectangle, dense near its minimum (levels grow as squares).

    Args:
        surface: takes two arrays of one shape, returns the heights in that shape.
        x, y: (from, to) of each axis.
        levels: number of lines.
    """
    across, up = np.meshgrid(np.linspace(*x, 101), np.linspace(*y, 101))
    heights = np.asarray(surface(across, up), dtype=float)
    bottom, top = np.nanmin(heights), np.nanmax(heights)
    at = bottom + (top - bottom) * np.linspace(0, 1, levels + 1) ** 2
    pale = LinearSegmentedColormap.from_list("pale", ["#ffffff", "#b9cbdd"])
    ax.contourf(across, up, heights, at, cmap=pale)
    ax.contour(across, up, heights, at[1:-1], colors="#8fa3b8", linewidths=0.7)
    ax.grid(visible=False)
    ax.set(xlim=x, ylim=y)
    return ax


@style()
def path(ax: Axes, points, *, name: str = "", look: Mapping | None = None) -> Axes:
    """The way of a descent over a contour plot: a dot for each position, the first one hollow; (steps + 1, 2)."""
    points = np.asarray(points, dtype=float)
    shown = {
        **(look or _look(len(ax.get_lines()) // 2)),
        "linestyle": "-",
        "linewidth": 1.3,
        "markersize": 4.5,
        "label": name,
    }
    (line,) = ax.plot(points[:, 0], points[:, 1], **shown)
    ax.plot(
        *points[0], marker=shown["marker"], color=line.get_color(), mfc="white", mew=1.8, markersize=8, linestyle=""
    )
    return ax


def seeds_text(table: pd.DataFrame, *, seed: str = "seed") -> str:
    """The number of seeds and their blocks, for a caption.

    >>> seeds_text(pd.DataFrame({"seed": [1000, 1001, 1002, 1000]}))
    'n = 3 seeds (1000–1002)'
    """
    _require(table, [seed])
    seeds = np.unique(table[seed].to_numpy())
    blocks = np.split(seeds, np.flatnonzero(np.diff(seeds) != 1) + 1)
    named = [str(block[0]) if len(block) == 1 else f"{block[0]}–{block[-1]}" for block in blocks]
    where = ", ".join(named) if len(named) <= 4 else f"from {seeds[0]} to {seeds[-1]}"
    return f"n = {len(seeds)} seed{'s' if len(seeds) > 1 else ''} ({where})"


@style()
def caption(fig: Figure, text: str) -> Text:
    """Write n, seeds and data along the bottom of a figure made by `figure`; a second call replaces the first."""
    size = 9.5
    letters = int(fig.get_figwidth() * 72 / (size * 0.57))
    for old in [old for old in fig.texts if old.get_gid() == CAPTION]:
        old.remove()
    # a word broken at its hyphen could not be read back as one
    wrapped = "\n".join(textwrap.wrap(text, letters, break_on_hyphens=False))
    return fig.text(0.012, 0.012, wrapped, gid=CAPTION, fontsize=size, color=GREY, va="bottom", in_layout=False)


@style()
def note(ax: Axes, text: str, *, at: str = "upper right") -> Text:
    """A few words in a corner of the axes: `at` is "upper" or "lower", then "left" or "right"."""
    corners = {f"{v} {h}": (h, v) for v in ("upper", "lower") for h in ("left", "right")}
    if at not in corners:
        raise ValueError(f"expected one of {', '.join(corners)}, got {at!r}; mend by naming a corner")
    side, edge = corners[at]
    box = {"facecolor": "white", "alpha": 0.85, "edgecolor": "none", "pad": 2.5}
    return ax.text(
        0.015 if side == "left" else 0.985,
        0.97 if edge == "upper" else 0.03,
        text,
        transform=ax.transAxes,
        ha=side,
        va="top" if edge == "upper" else "bottom",
        fontsize=10,
        color="#444444",
        bbox=box,
    )


def _require(table: pd.DataFrame, columns: list[str]) -> None:
    missing = [name for name in columns if name not in table]
    if missing:
        raise ValueError(
            f"expected columns {', '.join(columns)}, got a table with {', '.join(map(str, table.columns))}; "
            f"mend by adding or naming {', '.join(missing)}"
        )
