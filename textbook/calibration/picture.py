"""The picture of a reliability table."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from textbook import plots


def plot_reliability(ax: Axes, table: pd.DataFrame, *, name: str = "", look: Mapping | None = None) -> Axes:
    """Accuracy over confidence: a point for each bin with the interval of its accuracy, and the line of equality.

    Points below the line are of predictions that are too sure, points above it of predictions that are not sure enough.
    The area of a point grows with the share of samples in its bin. Call it again to lay another model over the first.

    Args:
        table: as `reliability_table` gives it.
        name: for `ax.legend()`.
        look: of `textbook.plots.look`; by default the next one.

    Returns: the axes, with labels, from 0 to 1.
    Raises: ValueError for a table without these columns.

    >>> from textbook.calibration import reliability_table
    >>> figure, ax = plots.figure()
    >>> plot_reliability(ax, reliability_table([[0.4, 0.6], [0.1, 0.9]], [0, 1])).get_ylabel()
    'accuracy (share right)'
    """
    missing = [column for column in ("confidence", "accuracy", "accuracy_low", "count") if column not in table]
    if missing or table.empty:
        raise ValueError(f"expected a reliability table with rows, it lacks {missing}; mend by reliability_table(…)")
    drawn = sum(line.get_gid() == _GID for line in ax.get_lines())
    look = dict(look or plots.look(drawn))
    with plots.style():
        if not drawn:
            ax.plot([0, 1], [0, 1], linestyle=(0, (4, 3)), linewidth=1.2, color=plots.GREY, marker="", zorder=1)
            ax.set(xlim=(0, 1.03), ylim=(0, 1.03))
            ax.set(xlabel="confidence (mean of a bin)", ylabel="accuracy (share right)")
        # two models' bins have nearly the same confidences: moved apart, their bars can be told
        at = table.confidence + 0.008 * (drawn % 2)
        whiskers = np.abs(table[["accuracy_low", "accuracy_high"]].to_numpy().T - table.accuracy.to_numpy())
        ax.errorbar(at, table.accuracy, yerr=whiskers, fmt="none", ecolor=look["color"], elinewidth=1.1, alpha=0.7)
        (line,) = ax.plot(at, table.accuracy, **{**look, "marker": "", "linewidth": 1.3}, gid=_GID)
        share = table["count"] / table["count"].sum()
        ax.scatter(  # large ones near certainty may cross the frame
            at, table.accuracy, 18 + 260 * share, color=look["color"], marker=look["marker"], zorder=3, alpha=0.9,
            clip_on=False,
        )  # fmt: skip
        line.set(marker=look["marker"], markevery=[], label=name or "_")  # the marker is for the legend alone
    return ax


_GID = "reliability"
