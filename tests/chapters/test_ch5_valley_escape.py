"""Escapes by hand, and an order that is not one."""

import pandas as pd
import pytest

from chapters.ch5 import valley_escape


@pytest.fixture(scope="module")
def cells():
    return valley_escape._cells(2.0)


def test_every_ball_has_come_to_rest(cells):
    assert cells.settled.all()
    assert len(cells) == 3 * 2 * 6


def test_a_ball_let_go_inside_the_valley_stays(cells):
    assert not valley_escape._cells(0.5).query("rate == 0.01 and momentum <= 0.9").escapes.any()
    assert cells.escapes.any()


def test_known_cells_are_compared_and_a_wrong_one_is_seen(cells):
    known = valley_escape._known(cells)
    assert len(known) == sum(map(len, valley_escape.KNOWN.values()))
    assert (known.escapes == known.known).all()
    turned = cells.assign(escapes=~cells.escapes)
    assert not (valley_escape._known(turned).escapes == valley_escape._known(turned).known).any()


@pytest.mark.parametrize(
    ("escapes", "surer"),
    [([False, True, True], True), ([False, False, False], True), ([False, True, False], False)],
)
def test_surer_with_momentum(escapes, surer):
    rows = pd.DataFrame({"tilt": 0.1, "rate": 0.01, "momentum": [0.0, 0.5, 0.9], "escapes": escapes})
    order = valley_escape._order(rows.sample(frac=1, random_state=0))
    assert order.surer_with_momentum.tolist() == [surer] and order.escape.tolist() == [sum(escapes)]
