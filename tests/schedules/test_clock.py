"""Moments and clocks that rounding must leave alone."""

import numpy as np
import pytest

from textbook.schedules.clock import reached, since


@pytest.mark.parametrize("start", (0.1, 0.3, 100.1, 12345.7))
def test_a_clock_shows_the_updates_since_its_start(start):
    updates = np.arange(2000)
    t = (start * 10 + updates) / 10  # as many tenths after the start
    assert np.array_equal(np.round(since(t, start, updates=10, xp=np) * 10).astype(int), updates)
    assert np.array_equal(since(t, start, updates=10, xp=np), updates / 10)


def test_before_the_start_it_stands_at_zero_and_off_the_grid_it_is_not_pulled_onto_it():
    assert since(np.array([0.0, 4.9]), 5.0, updates=1, xp=np).tolist() == [0.0, 0.0]
    assert since(np.array([5.25, 6.999]), 5.0, updates=1, xp=np) == pytest.approx([0.25, 1.999], rel=1e-12)


def test_a_moment_is_reached_though_its_sum_rounds_up():
    assert 3 * 0.1 > 0.3 and reached(np.float64(0.3), 3 * 0.1, np)
    assert not reached(np.float64(0.3 - 1e-12), 0.3, np)


def test_plain_subtraction_would_be_late():
    assert (100.6 - 100.3) / 0.1 < 3 - 1e-14
    assert since(np.float64(100.6), 100.3, updates=10, xp=np) == 0.3
    assert since(np.float64(100.6), 100.3, updates=1, xp=np) / 0.1 >= 3


def test_a_start_between_two_updates_keeps_its_part_of_one():
    t = np.arange(20, dtype=np.float64)
    assert since(t, 2.5, updates=1, xp=np).tolist() == pytest.approx([0.0, 0.0, 0.0, *(t[3:] - 2.5)], rel=1e-14)
