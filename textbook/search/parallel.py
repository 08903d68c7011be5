"""Parallel coordinates: each trial a line through its hyperparameters to its score."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from textbook import plots
from textbook.search.pictures import MARKS, UNSCORED, shown_scores, ticks, trials
from textbook.search.scales import Scale

# where lines pass that have no value on an axis, and where those end that have no score; the axes themselves are 0…1
_INACTIVE, _UNSCORED = -0.14, {"infeasible": 1.1, "failed": 1.2}

_BOX = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.6}


@plots.style()
def parallel(table: pd.DataFrame, scales: Mapping[str, Scale], *, objective, ax: Axes | None = None) -> Axes:
    """The picture of `SearchResult.plot_parallel`; returns the axes.

    Each axis is a declared range on the scale of its sampling; categories are spread evenly. The darker a line, the
    better its score; the best lie on top and the best of all is thick. Trials without a score are dotted and end above
    the last axis; a line dips below the axis of a hyperparameter that was inactive.

    Args:
        table: a row per trial, with at least one completed.
        scales: of the hyperparameters, from `textbook.search.scales`.
        objective: a `keras_tuner.Objective`.
        ax: axes to draw on; by default those of a new figure.
    """
    varied = [scale for scale in scales.values() if not scale.fixed]
    own = ax is None
    if own:
        fig, ax = plots.figure(size=(max(7.0, 1.3 * (len(varied) + 1)), 4.4))
    lower = objective.direction == "min"
    done = table[table["status"] == "completed"].sort_values(["score", "trial"], ascending=[not lower, False])
    low, high = shown_scores(done["score"], lower=lower)
    ends = np.clip((done["score"].to_numpy(dtype=float) - low) / (high - low), 0, 1)
    colours = _colours(ends if lower else 1 - ends)
    unscored = table[table["status"] != "completed"]
    gap = bool(sum(table[scale.name].isna().sum() for scale in varied))
    for row, number in unscored["status"].value_counts().items():
        words = {"textcoords": "offset points", "va": "center", "fontsize": 9.5, "color": UNSCORED}
        ax.annotate(f"{number} {row}", (len(varied), _UNSCORED[row]), (8, 0), **words)
    for row, heights in zip(unscored["status"], _heights(unscored, varied), strict=True):
        ax.plot([*heights, _UNSCORED[row]], color=UNSCORED, linestyle=":", linewidth=1, marker="")
        ax.plot(len(varied), _UNSCORED[row], MARKS[row], color=UNSCORED, markersize=7, markeredgewidth=1.8)
    for i, heights in enumerate(_heights(done, varied)):
        best = i == len(done) - 1
        width = 2.8 if best else 1.1
        ax.plot([*heights, ends[i]], color=colours[i], linestyle="-", linewidth=width, alpha=1 if best else 0.75)
    for i, scale in enumerate(varied):
        if table[scale.name].isna().any():
            words = {"textcoords": "offset points", "ha": "right", "va": "center", "fontsize": 9.5, "color": plots.GREY}
            words["bbox"] = _BOX
            ax.annotate("inactive", (i, _INACTIVE), (-8, 0), **words)
        _axis(ax, i, [(scale.unit([value])[0], text) for value, text in _some(ticks(scale))], beside=-1)
    values = [value for value in MaxNLocator(5).tick_values(low, high) if low <= value <= high]
    _axis(ax, len(varied), [((value - low) / (high - low), plots.plain(round(value, 9))) for value in values], beside=1)
    ax.set_xticks(range(len(varied) + 1), [*(_folded(scale.name) for scale in varied), _folded(objective.name)])
    top = max([1.0, *(_UNSCORED[status] for status in unscored["status"])])
    ax.set(xlim=(-0.5, len(varied) + 0.6), ylim=(_INACTIVE - 0.04 if gap else -0.06, top + 0.05))
    ax.set_yticks([])
    ax.grid(visible=False)
    ax.tick_params(axis="x", length=0)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    if own:
        plots.caption(fig, _words(done, unscored, objective, low, high, gap))
    return ax


def _heights(table: pd.DataFrame, varied: list[Scale]) -> np.ndarray:
    """Where each trial's line meets the axes; (trials, hyperparameters)."""
    columns = []
    for scale in varied:
        at = scale.unit(table[scale.name])
        if scale.values:  # a fixed comb, so that lines through one of a few values stay apart
            at = at + 0.06 * ((table["trial"].to_numpy() * 0.618) % 1 - 0.5)
        columns.append(np.nan_to_num(at, nan=_INACTIVE))
    return np.column_stack(columns) if columns else np.empty((len(table), 0))


def _colours(badness: np.ndarray) -> np.ndarray:
    """Dark for the best, pale but not yet white for the worst; by the root, as most trials lie near the best."""
    spread = np.ptp(badness)
    return colormaps["viridis"](0.95 * np.sqrt((badness - badness.min()) / spread) if spread else 0 * badness)


def _axis(ax: Axes, at: int, marks: list[tuple[float, str]], *, beside: int) -> None:
    """An upright axis with its numbers."""
    ax.plot([at, at], [0, 1], color="#444444", linewidth=1.1, linestyle="-", marker="", zorder=3)
    for height, text in marks:
        ax.plot(at, height, "_", color="#444444", markersize=6, zorder=3)
        ax.annotate(
            text,
            (at, height),
            (6 * beside, 0),
            textcoords="offset points",
            ha="right" if beside < 0 else "left",
            va="center",
            fontsize=9.5,
            color="#222222",
            bbox=_BOX,
            zorder=4,
        )


def _some(marks: list) -> list:
    """Of many marks every second, third, …, so that they do not meet."""
    return marks[:: -(-len(marks) // 10)] if marks else marks


def _folded(name: str) -> str:
    """A long name on two lines, broken at an underscore.

    >>> _folded("initial_learning_rate"), _folded("learning_rate")
    ('initial\\n_learning_rate', 'learning_rate')
    """
    if len(name) <= 13 or "_" not in name[1:]:
        return name
    breaks = [i for i in range(1, len(name)) if name[i] == "_"]
    at = min(breaks, key=lambda i: abs(i - len(name) / 2))
    return name[:at] + "\n" + name[at:]


def _words(done, unscored, objective, low, high, gap) -> str:
    better = "lower" if objective.direction == "min" else "higher"
    text = f"{trials(len(done) + len(unscored))}. {objective.name}: {better} is better. Dark: better; thick: the best."
    counts = unscored["status"].value_counts()
    marks = {"infeasible": "×", "failed": "+"}
    parts = [f"{counts[status]} {status} ({marks[status]})" for status in marks if status in counts]
    text += f" Dotted: without a score, {', '.join(parts)}." if parts else ""
    beyond = int(((done["score"] < low) | (done["score"] > high)).sum())
    text += f" {beyond} scores beyond the axis end on it." if beyond else ""
    return text + (" Lines below an axis: hyperparameter inactive." if gap else "")
