import numpy as np
import pandas as pd
import pytest

from textbook import plots


@pytest.fixture
def table():
    """Two seeds over three rates and two momenta; the best rate is 1 without momentum and 0.1 with it."""
    means = {(0.1, 0.0): 4.0, (1.0, 0.0): 1.0, (10.0, 0.0): 9.0, (0.1, 0.9): 1.0, (1.0, 0.9): 4.0, (10.0, 0.9): 9.0}
    return pd.DataFrame(
        [
            {"rate": rate, "momentum": momentum, "seed": seed, "loss": mean * factor}
            for (rate, momentum), mean in means.items()
            for seed, factor in enumerate((0.5, 2.0))
        ]
    )


def drawn(table, **settings):
    _, ax = plots.figure()
    return plots.heat_map(ax, table, x="rate", y="momentum", value="loss", **settings)


def cells(ax):
    return ax.collections[0].get_array().reshape(2, 3)


def test_a_cell_is_the_mean_over_seeds_and_with_log_the_geometric_mean(table):
    np.testing.assert_allclose(cells(drawn(table)), [[5.0, 1.25, 11.25], [1.25, 5.0, 11.25]])
    np.testing.assert_allclose(cells(drawn(table, log=True)), [[4.0, 1.0, 9.0], [1.0, 4.0, 9.0]])


def test_the_ridge_joins_the_best_of_each_row_or_column(table):
    rows = drawn(table, ridge="y").get_lines()[0].get_xydata()
    assert rows.tolist() == [[1.5, 0.5], [0.5, 1.5]]
    columns = drawn(table, ridge="x").get_lines()[0].get_xydata()
    assert columns.tolist() == [[0.5, 1.5], [1.5, 0.5], [2.5, 0.5]]
    assert drawn(table, ridge="y", better="high").get_lines()[0].get_xydata().tolist() == [[2.5, 0.5], [2.5, 1.5]]


def test_one_diverged_seed_marks_its_cell_and_takes_it_off_the_ridge(table):
    table.loc[(table.rate == 1.0) & (table.momentum == 0.0) & (table.seed == 0), "loss"] = np.inf
    ax = drawn(table, ridge="y")
    assert np.ma.getmaskarray(cells(ax)).tolist() == [[False, True, False], [False, False, False]]
    assert [text.get_text() for text in ax.texts] == ["×"]
    assert ax.get_lines()[0].get_xydata().tolist() == [[0.5, 0.5], [0.5, 1.5]]


def test_the_paler_the_better_and_words_can_be_read_on_both(table):
    for better, best in (("low", "1.0"), ("high", "9.0")):
        ax = drawn(table, log=True, better=better, text="{:.1f}")
        colours = {text.get_text(): text.get_color() for text in ax.texts}
        assert colours[best] == "#222222" and colours[{"1.0": "9.0", "9.0": "1.0"}[best]] == "white"


def test_knobs_stand_in_rising_order_as_plain_numbers(table):
    ax = drawn(table.sample(frac=1, random_state=0))
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0.1", "1", "10"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0", "0.9"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"ridge": "row"}, "expected ridge among"), ({"better": "pale"}, "expected better among")],
)
def test_unknown_words_are_refused(table, settings, message):
    with pytest.raises(ValueError, match=message):
        drawn(table, **settings)


def test_what_cannot_be_drawn_is_refused(table):
    with pytest.raises(ValueError, match="a table without loss"):
        drawn(table.rename(columns={"loss": "error"}))
    with pytest.raises(ValueError, match="mend by log=False"):
        drawn(table.assign(loss=-1.0), log=True)
