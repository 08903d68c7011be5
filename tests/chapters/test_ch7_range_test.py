"""Which rates agree, on hand-made curves."""

import types

import numpy as np
import pandas as pd
import pytest

from chapters.ch7 import range_test as section

RATES = [0.01, 0.1, 1.0, 10.0]


def places(losses, *, suggested=0.1, last=1.0, stopped="it rose", near=3.0, edge=2.0):
    grid = pd.DataFrame({"seed": 7, "learning_rate": RATES, "val_loss": losses, "chance_loss": 2.3})
    table = pd.DataFrame({"learning_rate": [0.01, last], "smoothed_loss": [1.0, 2.0]})
    test = types.SimpleNamespace(
        table=table, stopped=stopped, suggestions={section.RULE: types.SimpleNamespace(rate=suggested)}
    )
    found = types.SimpleNamespace(tests={7: test})
    return section.places(grid, found, start=0.01, end=10.0, near=near, edge=edge).iloc[0]


def test_best_rate_and_edge_are_read_from_the_constants():
    row = places([2.3, 0.5, 2.3, 2.4])
    assert row[section.BEST] == 0.1
    assert row[section.EDGE] == 1.0  # the 2.3 below the best rate is too slow, not too fast


@pytest.mark.parametrize(
    ("suggested", "near"), [(0.1, True), (0.29, True), (0.31, False), (0.034, True), (0.03, False)]
)
def test_near_means_within_the_factor_on_either_side(suggested, near):
    assert places([2.0, 0.5, 2.3, 2.4], suggested=suggested).near_best == near


def test_a_test_that_names_no_rate_or_does_not_blow_up_has_not_found_it():
    row = places([2.0, 0.5, 2.3, 2.4], suggested=None, stopped="")
    assert not row.near_best and not row.near_edge
    assert not places([2.0, 0.5, 0.6, 0.7]).near_edge  # no constant rate fails
    assert places([2.0, 0.5, 2.3, 2.4], last=1.9).near_edge and not places([2.0, 0.5, 2.3, 2.4], last=2.1).near_edge


def test_chance_is_the_share_of_the_range_within_the_factor():
    assert places([2.0, 0.5, 2.3, 2.4]).chance_best == pytest.approx(np.log(9) / np.log(1000))
    # at the border half of the window lies outside
    assert places([0.5, 2.0, 2.3, 2.4]).chance_best == pytest.approx(np.log(3) / np.log(1000))
    assert places([2.2, 2.1, 2.0, 0.5]).chance_best == pytest.approx(np.log(3) / np.log(1000))


def test_the_turn_is_where_the_smoothed_loss_is_lowest_even_if_the_test_ends_in_nan():
    table = pd.DataFrame({"learning_rate": [0.1, 0.2, 0.4], "smoothed_loss": [1.0, 0.5, np.nan]})
    assert section.turn(table) == 0.2
