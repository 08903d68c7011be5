"""Linked searches in one figure: how the range of each hyperparameter narrowed and moved from stage to stage."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from textbook import plots
from textbook.search.next_range import quarter_of
from textbook.search.pictures import MARKS, UNSCORED, ticks
from textbook.search.scales import Scale
from textbook.search.trials import COMPLETED

_BAR = 0.72  # height of a range, in stages


@plots.style()
def funnel(stages: Sequence, labels: Sequence[str]) -> Figure:
    """The figure of `CoarseToFine.plot`: a panel for each hyperparameter that was varied, the first stage at the top.

    Args:
        stages: a `SearchResult` for each.
        labels: what is written beside each: its trials × epochs.
    """
    names = [name for name, scale in stages[0].scales.items() if not scale.fixed]
    columns = min(len(names), 2 if len(names) <= 4 else 3) or 1
    rows = -(-len(names) // columns) or 1
    size = (3.4 * columns + 1.2, (0.62 * len(stages) + 0.8) * rows + 0.7)
    fig, axes = plots.figure(rows, columns, size=size, squeeze=False)
    panels = list(axes.flat)
    for i, (ax, name) in enumerate(zip(panels, names, strict=False)):
        ranges(ax, stages, name)
        if i % columns:
            ax.set_yticklabels([])
        else:
            ax.set_yticklabels([f"{number + 1}: {label}" for number, label in enumerate(labels)])
            ax.set_ylabel("stage: trials × epochs")
    for ax in panels[len(names) :]:
        ax.set_axis_off()
    plots.caption(fig, _words(stages))
    return fig


@plots.style()
def ranges(ax: Axes, stages: Sequence, name: str) -> Axes:
    """One hyperparameter: a bar for the range of each stage, a dot for each of its trials, a star for the best."""
    scales = [result.scales[name] for result in stages if name in result.scales]
    whole = _together(scales)
    for y, result in enumerate(stages):
        if name not in result.scales:
            continue
        for low, high in _bars(result.scales[name], whole):
            ax.barh(y, high - low, left=low, height=_BAR, color=plots.COLOURS[0], alpha=0.16, linewidth=0)
            ax.plot([low, low, np.nan, high, high], y + _BAR / 2 * np.array([-1, 1, np.nan, -1, 1]), **_END)
        _dots(ax, y, result, name, whole)
    marks = [(whole.unit([value])[0], text) for value, text in ticks(whole)]
    ax.set_xticks([at for at, _ in marks], [text for _, text in marks])
    side = 0.5 / max(len(whole.values) - 1, 1) if whole.kind == "categories" else 0.0
    ax.set(xlabel=name, xlim=(-side - 0.03, 1 + side + 0.03), ylim=(len(stages) - 0.5, -0.5))
    ax.set_yticks(range(len(stages)))
    ax.grid(visible=False)
    return ax


_END = {"color": plots.COLOURS[0], "linewidth": 1.6, "linestyle": "-", "marker": ""}


def _together(scales: Sequence[Scale]) -> Scale:
    """The scale of a panel: all stages' ranges, or the first one's list, which no later one exceeds."""
    if scales[0].kind == "categories":
        return scales[0]
    low, high = min(scale.low for scale in scales), max(scale.high for scale in scales)
    return replace(scales[0], low=low, high=high, values=())


def _bars(scale: Scale, whole: Scale) -> list[tuple[float, float]]:
    """(from, to) of a range on the panel's axis; of a list one bar for each value."""
    if whole.kind != "categories":
        return [tuple(whole.unit([scale.low, scale.high]))]
    half = 0.4 / max(len(whole.values) - 1, 1)
    return [(at - half, at + half) for at in whole.unit(scale.values)]


def _dots(ax: Axes, y: int, result, name: str, whole: Scale) -> None:
    table = result.table.sort_values(["score", "trial"], ascending=[result.lower_is_better, True])
    table = table[table[name].notna()]
    table = table.assign(x=whole.unit(table[name]))
    # a fixed comb instead of random jitter: the same table gives the same picture
    comb = (table["trial"].to_numpy() * 0.618) % 1 - 0.5
    table = table.assign(y=y + 0.8 * _BAR * comb)
    if whole.kind == "categories":  # a second comb, of another step
        table["x"] += 0.6 / max(len(whole.values) - 1, 1) * ((table["trial"].to_numpy() * 0.755) % 1 - 0.5)
    done = table[table["status"] == COMPLETED]
    quarter = quarter_of(int((result.table["status"] == COMPLETED).sum()))
    leading = done["trial"].isin(result.best(quarter)["trial"])
    shown = {"linestyle": "", "marker": "o", "markersize": 4}
    rest, lead = done[~leading], done[leading]
    ax.plot(rest["x"], rest["y"], color=plots.GREY, markerfacecolor="white", markeredgewidth=0.9, alpha=0.8, **shown)
    ax.plot(lead["x"], lead["y"], color=plots.COLOURS[0], **shown)
    for status, marker in MARKS.items():
        rows = table[table["status"] == status]
        ax.plot(rows["x"], rows["y"], marker=marker, color=UNSCORED, linestyle="", markersize=5, markeredgewidth=1.2)
    best = done[done["trial"] == result.best().loc[0, "trial"]]
    star = {"marker": "*", "markersize": 13, "color": plots.COLOURS[1], "markeredgecolor": "white"}
    ax.plot(best["x"], best["y"], linestyle="", zorder=5, **star)


def _words(stages: Sequence) -> str:
    table = pd.concat([result.table[["status"]] for result in stages])
    objective = stages[0].objective.name
    text = f"n = {len(table)} trials. Bar: the range of a stage. Star: its best {objective}; filled: its best quarter."
    counts = {status: int((table["status"] == status).sum()) for status in MARKS}
    marks = {"infeasible": "×", "failed": "+"}
    parts = [f"{number} {status} ({marks[status]})" for status, number in counts.items() if number]
    return text + (f" Without a score: {', '.join(parts)}." if parts else "")
