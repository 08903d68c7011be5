"""What a learning rate range test found."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from textbook import plots
from textbook.range_test.suggestions import Agreement, Suggestion


@dataclass(frozen=True)
class RangeTest:
    """The curve of a range test and what it suggests.

    Attributes:
        table: a row per update: `update` (from 1), `learning_rate`, `loss` (of that update's batch alone, penalties
            included), `smoothed_loss`.
        suggestions: "steepest", "minimum", "valley", "slide" → `Suggestion(rate, reason)`; a rate may be None.
        stopped: why the test ended before its last rate, or "".
    """

    table: pd.DataFrame
    suggestions: dict[str, Suggestion]
    stopped: str = ""

    @property
    def agreement(self) -> Agreement:
        """How many rules named a rate, and by which factor the largest exceeds the smallest."""
        return Agreement.between(self.suggestions)

    @plots.style()
    def plot(self, ax):
        """Draw losses, smoothed losses and suggestions over the rate on a log axis; returns the axes."""
        rate, smoothed = self.table["learning_rate"], self.table["smoothed_loss"].to_numpy()
        ax.plot(rate, self.table["loss"], ".", color=plots.GREY, alpha=0.5, markersize=3.5, label="batch loss")
        ax.plot(rate, smoothed, color=plots.COLOURS[0], linewidth=2, label="smoothed")
        named = {name: found.rate for name, found in self.suggestions.items() if found.rate is not None}
        for i, (name, at) in enumerate(sorted(named.items(), key=lambda pair: pair[1])):
            shown = plots.look(i + 1)
            ax.axvline(at, color=shown["color"], linestyle=shown["linestyle"], label=f"{name} {at:.2g}")
        ax.set(xscale="log", xlabel="learning rate", ylabel="loss of the batch")
        limit_heights(ax, smoothed)
        ax.set_ylim(bottom=min(ax.get_ylim()[0], 0.95 * self.table["loss"].min()))
        ax.legend()
        return ax


def limit_heights(ax, smoothed: np.ndarray) -> None:
    """Show the valley: a loss that explodes would flatten all that matters into a line at the bottom."""
    finite = smoothed[np.isfinite(smoothed)]
    if len(finite):
        low, high = finite.min(), max(finite[0], np.median(finite))
        room = (high - low) or abs(high) or 1.0
        ax.set_ylim(low - 0.15 * room, high + 0.5 * room)
