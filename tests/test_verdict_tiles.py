"""Tiles stand where the table says, and look as their verdict."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex, to_rgb

from textbook import plots
from textbook.verdict_tiles import LOOKS, legend_handles, verdict_tiles

TABLE = pd.DataFrame(
    {
        "claim": ["b", "b", "a"],
        "setting": ["wine", "moons", "moons"],
        "word": ["holds", "reversed", "inconclusive"],
        "effect": ["+3.0", "−2.0", "+0.4"],
    }
)


def drawn(table=TABLE, **arguments):
    _, ax = plots.figure()
    return verdict_tiles(ax, table, row="claim", column="setting", **arguments)


def test_each_tile_has_its_place_its_colour_and_its_text():
    ax = drawn(text="effect")
    tiles = {tuple(patch.get_center()): to_hex(patch.get_facecolor()) for patch in ax.patches}
    assert tiles == {
        (0, 0): LOOKS["holds"]["color"],
        (1, 0): LOOKS["reversed"]["color"],
        (1, 1): LOOKS["inconclusive"]["color"],
    }
    texts = {text.get_position(): text.get_text() for text in ax.texts}
    assert texts == {(0, 0): "▲ +3.0", (1, 0): "▼ −2.0", (1, 1): "? +0.4"}


def test_rows_and_columns_keep_the_tables_order_with_the_first_row_on_top():
    ax = drawn()
    assert [label.get_text() for label in ax.get_yticklabels()] == ["b", "a"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["wine", "moons"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]


def test_verdicts_are_told_apart_in_grey_and_their_texts_are_readable():
    grey = {word: float(np.dot(to_rgb(look["color"]), (0.2126, 0.7152, 0.0722))) for word, look in LOOKS.items()}
    assert np.diff(sorted(grey.values())).min() > 0.05
    assert {word for word, value in grey.items() if value < 0.5} == {w for w, k in LOOKS.items() if k["ink"] == "white"}
    assert len({look["sign"] for look in LOOKS.values()}) == len(LOOKS)


def test_the_legend_names_every_verdict():
    assert [handle.get_label().split(" ", 1)[1] for handle in legend_handles()] == list(LOOKS)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (TABLE.drop(columns="word"), "expected columns claim, setting, word"),
        (pd.concat([TABLE, TABLE[:1]]), "got several"),
        (TABLE.assign(word="wins"), "got 'wins'"),
    ],
)
def test_tables_that_are_none(table, message):
    with pytest.raises(ValueError, match=message):
        drawn(table)
