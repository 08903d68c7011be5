"""A table of verdicts as tiles: what holds, what is reversed and what nobody can tell, at one glance."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from textbook.book_style import style
from textbook.statistics import FAILS, HOLDS, INCONCLUSIVE, NO_DIFFERENCE, REVERSED

# Told apart in grey too: by lightness, by hatching, and by a sign in words' stead. From "for" to "against".
LOOKS: Mapping[str, dict] = {
    HOLDS: {"color": "#08395c", "hatch": "", "ink": "white", "sign": "▲"},
    NO_DIFFERENCE: {"color": "#8fc1a9", "hatch": "", "ink": "#222222", "sign": "="},
    INCONCLUSIVE: {"color": "#f2f2f2", "hatch": "", "ink": "#222222", "sign": "?"},
    FAILS: {"color": "#f0c27b", "hatch": "...", "ink": "#222222", "sign": "×"},
    REVERSED: {"color": "#d0582a", "hatch": "", "ink": "white", "sign": "▼"},
}


@style()
def verdict_tiles(
    ax: Axes, table: pd.DataFrame, *, row: str, column: str, word: str = "word", text: str | None = None
) -> Axes:
    """A tile for each row and column of a table, coloured by its verdict, with the verdict's sign and a text.

    Rows and columns stand in the order in which the table has them, the first row at the top. A pair that the table
    lacks stays blank.

    Args:
        table: one row for each tile.
        row, column: its columns that say where a tile goes.
        word: its column of verdicts, the five of `LOOKS`.
        text: its column of a few letters to write behind the sign, such as the effect; None for the sign alone.

    Raises: ValueError for a missing column, for two tiles in one place, and for another word.
    """
    needed = [row, column, word, *([text] if text else [])]
    if not set(needed) <= set(table.columns):
        raise ValueError(f"expected columns {', '.join(needed)}, got {', '.join(table.columns)}; mend by naming them")
    if table.duplicated([row, column]).any():
        raise ValueError(f"expected one tile for each {row} and {column}, got several; mend by selecting rows")
    odd = sorted(set(table[word]) - set(LOOKS))
    if odd:
        raise ValueError(f"expected verdicts among {', '.join(LOOKS)}, got {odd[0]!r}; mend by one of these")
    rows, columns = list(table[row].unique()), list(table[column].unique())
    for tile in table.to_dict("records"):
        at, look = (columns.index(tile[column]), rows.index(tile[row])), LOOKS[tile[word]]
        corner = (at[0] - 0.5, at[1] - 0.5)
        ax.add_patch(Rectangle(corner, 1, 1, fc=look["color"], ec="white", hatch=look["hatch"], lw=1.5))
        words = f"{look['sign']} {tile[text]}" if text else look["sign"]
        ax.text(*at, words, ha="center", va="center", color=look["ink"], fontsize=9.5)
    ax.set_xticks(range(len(columns)), [str(name) for name in columns])
    ax.set_yticks(range(len(rows)), [str(name) for name in rows])
    ax.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
    ax.grid(visible=False)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax


@style()
def legend_handles() -> list[Rectangle]:
    """A labelled patch for each verdict, for `legend(handles=…)`."""
    return [
        Rectangle((0, 0), 1, 1, fc=look["color"], ec="#888888", hatch=look["hatch"], lw=0.5, label=_signed(word))
        for word, look in LOOKS.items()
    ]


def _signed(word: str) -> str:
    return f"{LOOKS[word]['sign']} {word}"
