"""Interval widths of an accuracy against the binomial itself."""

import numpy as np
import pytest
from scipy import stats

from textbook.statistics import accuracy_half_width, rows_for_half_width


def test_the_interval_covers_what_it_says():
    half = accuracy_half_width(0.9, 1000)
    counts = np.arange(1001)
    inside = np.abs(counts / 1000 - 0.9) <= half
    assert stats.binom.pmf(counts[inside], 1000, 0.9).sum() == pytest.approx(0.95, abs=0.01)
    assert accuracy_half_width(0.9, 1000, confidence=0.99) > half


@pytest.mark.parametrize("half_width", [0.005, 0.01, 0.034])
def test_the_fewest_rows_that_reach_a_width(half_width):
    rows = rows_for_half_width(half_width, accuracy=0.9)
    assert accuracy_half_width(0.9, rows) <= half_width < accuracy_half_width(0.9, rows - 1)


def test_rows_and_width_are_inverse_and_sure_things_are_no_plan():
    assert rows_for_half_width(accuracy_half_width(0.8, 500), accuracy=0.8) == 500
    # a single row would do by the formula, and show nothing
    with pytest.raises(ValueError, match="such as 0"):
        rows_for_half_width(0.01, accuracy=1.0)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="rows"):
        accuracy_half_width(0.9, 0)
    with pytest.raises(ValueError, match="for 90 %"):
        accuracy_half_width(90, 100)
    with pytest.raises(ValueError, match="confidence"):
        accuracy_half_width(0.9, 100, confidence=95)
    with pytest.raises(ValueError, match="half_width"):
        rows_for_half_width(0, accuracy=0.9)
