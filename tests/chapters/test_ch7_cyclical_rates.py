"""Turning points read from rates: where they lie, how high they are, and that a wrong schedule shows."""

import numpy as np
import pytest

from chapters.ch7 import cyclical_rates as section

STEP, GAMMA = 2, 0.9


def written(kind, *, step_size=STEP, gamma=GAMMA):
    schedule = section._schedule(kind, section._BASE, section._MAXIMUM, step_size=step_size, gamma=gamma)
    return section._written(kind, lambda at: schedule(at / 32), STEP, GAMMA)


@pytest.mark.parametrize("kind", section.KINDS)
def test_each_kind_turns_where_it_should(kind):
    rows = written(kind)
    turns = section._turns(rows, STEP, GAMMA)
    np.testing.assert_allclose(turns.found, turns.expected, rtol=1e-9)
    np.testing.assert_allclose(rows.rate, rows.formula, rtol=1e-9)
    assert len(turns) == 3 * section._CYCLES


def test_the_second_peak_of_triangular2_is_half_as_high_above_the_base():
    turns = section._turns(written("triangular2"), STEP, GAMMA)
    peaks = turns[turns.quantity == "rate at half a cycle"].found.to_numpy()
    assert peaks == pytest.approx([0.2, 0.125, 0.0875])


@pytest.mark.parametrize("kind", section.KINDS)
def test_a_stepsize_of_a_whole_cycle_is_found_out(kind):
    rows = written(kind, step_size=2 * STEP)
    turns = section._turns(rows, STEP, GAMMA)
    assert not np.allclose(turns[turns.quantity == "period"].found, turns[turns.quantity == "period"].expected)
    assert not np.allclose(rows.rate, rows.formula)


def test_halving_the_rate_instead_of_its_height_is_found_out():
    rows = written("triangular2")
    wrong = rows.assign(rate=written("triangular").rate / 2 ** (rows["update"] // 128))
    turns = section._turns(wrong, STEP, GAMMA)
    assert not np.allclose(turns.found, turns.expected)


def test_a_rise_takes_the_stepsize_and_not_an_epoch():
    unit = section._unit(64, 3)
    assert unit == {"batch_size": 64, "updates_per_epoch": 16.0, "rise": 48.0}
    assert section._unit(64, 1)["rise"] == 16.0
