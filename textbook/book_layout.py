"""Where the parts of a figure go: names at the ends of lines, a caption along the bottom, axes in the rest.

It runs when a figure is drawn, because only then the limits and scales of every axes are final.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import ScaledTranslation

CAPTION = "caption"
# a name further from its line than this many of its own heights could be taken for a neighbour's
_MOST_SHIFT = 1.3
# a name wider than this share of its axes takes more room than a legend would
_WIDEST = 0.34
# lines that end earlier than this share of the width have their ends amid the others
_EARLIEST_END = 0.9


class EndLabel(Text):
    """A line's name, written to the right of the axes at the height where the line ends."""

    def __init__(self, line: Line2D, name: str, **text):
        super().__init__(1.0, 0.5, name, va="center", ha="left", **text)
        self.line = line

    @classmethod
    def attach(cls, ax: Axes, line: Line2D, name: str, **text) -> "EndLabel":
        """Write `name` at the end of `line`; a legend replaces all names of an axes where they do not fit."""
        label = cls(line, name, **text)
        ax._add_text(label)
        gap = ScaledTranslation(6 / 72, 0, ax.get_figure().dpi_scale_trans)
        label.set_transform(ax.transAxes + gap)
        return label


class BookLayout(ConstrainedLayoutEngine):
    """Constrained layout that keeps the caption's strip free and places the names of lines."""

    def execute(self, fig):
        """Lay the figure out; Matplotlib calls this before it draws."""
        renderer = fig._get_renderer()
        strip = 0.0
        for text in fig.texts:
            if text.get_gid() == CAPTION:
                box = text.get_window_extent(renderer)
                strip = (box.height + 0.10 * fig.dpi) / fig.bbox.height
        self.set(rect=(0, strip, 1, 1 - strip))
        for ax in fig.axes:
            _place_end_labels(ax, renderer, may_give_up=True)
        super().execute(fig)
        for ax in fig.axes:  # again: the axes' height has changed, and with it the room between names
            _place_end_labels(ax, renderer, may_give_up=False)


def _place_end_labels(ax: Axes, renderer, *, may_give_up: bool) -> None:
    """Move an axes' names to the ends of their lines, or turn them into a legend.

    Only the first pass decides for a legend: the room for names must not be kept free once they are gone.
    """
    labels = [text for text in ax.texts if isinstance(text, EndLabel) and text.get_visible()]
    if not labels:
        return
    ends = np.array([_end(label.line) for label in labels], dtype=float)
    boxes = [label.get_window_extent(renderer) for label in labels]
    height, width = ax.bbox.height, ax.bbox.width
    gap = 1.12 * max(box.height for box in boxes) / height
    wished = np.clip(ends[:, 1], 0, 1)
    placed = spread(wished, gap)
    fits = not may_give_up or (
        np.isfinite(ends).all()
        and (ends[:, 0] >= _EARLIEST_END).all()
        and np.abs(placed - wished).max() <= _MOST_SHIFT * gap
        and max(box.width for box in boxes) <= _WIDEST * width
    )
    for label, y in zip(labels, placed, strict=True):
        label.set_visible(bool(fits))
        label.set_y(y)
    if not fits and ax.get_legend() is None:
        _legend(ax, labels, widest=max(box.width for box in boxes))


def _legend(ax: Axes, labels: list[EndLabel], *, widest: float) -> None:
    """A legend inside the axes, or above all panels where it would cover most of its own."""
    fig = ax.get_figure()
    entry = widest + 0.6 * fig.dpi  # pixels: the name and the piece of line before it
    handles = {"handles": [label.line for label in labels], "labels": [label.get_text() for label in labels]}
    if entry <= 0.6 * ax.bbox.width:
        ax.legend(**handles)
        return
    shown = [[text.get_text() for text in legend.get_texts()] for legend in fig.legends]
    if handles["labels"] not in shown:  # panels with the same conditions share one
        columns = max(1, min(len(labels), int(0.96 * fig.bbox.width / entry)))
        fig.legend(**handles, loc="outside upper left", ncols=columns)


def _end(line: Line2D) -> tuple[float, float]:
    """The last finite point of a line, in fractions of its axes."""
    points = line.get_transform().transform(np.asarray(line.get_xydata(), dtype=float))
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return np.nan, np.nan
    return tuple(line.axes.transAxes.inverted().transform(points[-1]))


def spread(wished: np.ndarray, gap: float) -> np.ndarray:
    """The positions nearest to the wished ones that are at least `gap` apart, in the order of the wished ones.

    Least squares under an order constraint: neighbours that are too close share a block, centred on their mean.

    >>> spread(np.array([0.5, 0.5]), 0.1).round(3).tolist()
    [0.45, 0.55]
    """
    order = np.argsort(wished, kind="stable")
    blocks: list[list[float]] = []  # [sum of (wished − offset in the block), members]
    for value in wished[order]:
        blocks.append([value, 1])
        while len(blocks) > 1 and _top(blocks[-2], gap) > blocks[-1][0] / blocks[-1][1]:
            total, members = blocks.pop()
            before = blocks[-1]
            before[0] += total - members * before[1] * gap
            before[1] += members
    placed = np.empty(len(wished))
    placed[order] = np.concatenate([total / n + gap * np.arange(n) for total, n in blocks])
    return placed


def _top(block: list[float], gap: float) -> float:
    """Where the member after a block may start."""
    return block[0] / block[1] + gap * block[1]
