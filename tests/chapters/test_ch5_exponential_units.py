"""The two units of t, and the sums that they leave."""

import math

import pytest

from chapters.ch5 import exponential_units
from textbook.experiment import exact


def test_a_decay_by_updates_is_thirty_two_times_as_fast():
    by_epoch = exponential_units._decay(0.1, math.log(10), "epoch", 32)
    by_update = exponential_units._decay(0.1, math.log(10), "update", 32).schedule
    assert [by_epoch(t) for t in (0, 1, 3)] == pytest.approx([0.1, 0.01, 1e-4])
    assert [by_update(t) for t in (0, 1 / 32, 3 / 32)] == pytest.approx([0.1, 0.01, 1e-4])
    assert exponential_units._decay(0.1, 0.0, "epoch", 32)(50) == 0.1


def test_sums_are_those_of_the_geometric_series_and_a_wrong_closed_form_is_caught():
    sums = exponential_units._sums({("a", "epoch"): math.log(10), ("b", "epoch"): math.log(10) / 8})
    assert sums.summed.tolist() == pytest.approx([10 / 9, 1 / (1 - 10 ** (-1 / 8))])
    test = exact(measured="summed", expected="closed_form", tolerance=1e-9, relative=True)
    assert test.judge(sums).verdict == "exact"
    assert test.judge(sums.assign(closed_form=1 / sums.k)).verdict == "violated"  # the integral is not the sum
