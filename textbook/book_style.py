"""The book's style: Matplotlib's parameters for a while, and what each line looks like."""

import contextlib
from collections.abc import Iterable
from pathlib import Path

import matplotlib
from matplotlib.colors import to_rgb

_STYLE = matplotlib.rc_params_from_file(Path(__file__).with_name("book.mplstyle"), use_default_template=False)
COLOURS = tuple("#" + str(colour).lstrip("#") for colour in _STYLE["axes.prop_cycle"].by_key()["color"])
GREY = "#666666"
_DASHES = (
    "-",
    (0, (5, 1.6)),
    (0, (6, 1.6, 1.2, 1.6)),
    (0, (1.2, 1.4)),
    (0, (9, 2.2)),
    (0, (3, 1.2)),
    (0, (3, 1.4, 1, 1.4)),
)
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")


@contextlib.contextmanager
def style():
    """Draw and save under the book's style; Matplotlib's own parameters are as before when the block ends.

    >>> from textbook.plots import figure
    >>> with style():
    ...     fig, ax = figure()
    ...     _ = ax.plot([1, 2, 3], [3, 1, 2])
    """
    with matplotlib.rc_context(_STYLE):
        yield


def look(i: int) -> dict:
    """Colour, dashes and marker of the i-th line, as keyword arguments of `ax.plot`; after seven they begin again."""
    kinds = len(COLOURS)
    return {"color": COLOURS[i % kinds], "linestyle": _DASHES[i % kinds], "marker": _MARKERS[i % kinds]}


def looks(names: Iterable) -> dict:
    """One look for each name, to give the same condition the same line in every panel (`band(…, looks=…)`)."""
    return {name: look(i) for i, name in enumerate(dict.fromkeys(names))}


def darker(colour: str) -> tuple:
    """The colour mixed with black until it reads as text on white."""
    return tuple(0.72 * part for part in to_rgb(colour))
