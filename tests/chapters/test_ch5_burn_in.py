"""Kinks between the two points of a difference, found without evaluating the loss there."""

import numpy as np

from chapters.ch5 import burn_in
from textbook.checks.bug_zoo import WestonWatkins


def test_the_coordinates_that_cross_a_kink_are_those_whose_margins_change_sides():
    random = np.random.default_rng(0)
    machine = WestonWatkins(random.normal(size=(12, 4)), random.integers(3, size=12), 3)
    w, h = random.normal(size=machine.weights), 0.05
    steps = h * np.eye(machine.weights)
    above, below = machine._margins(w + steps) > 0, machine._margins(w - steps) > 0
    expected = (above != below).any(axis=(1, 2))
    assert 0 < expected.sum() < machine.weights
    assert np.array_equal(burn_in._crossed_kink(machine, w, h), expected)


def test_a_kink_spoils_the_right_gradient_where_it_is_crossed_only():
    random = np.random.default_rng(1)
    machine = WestonWatkins(random.normal(size=(12, 4)), random.integers(3, size=12), 3)
    found = burn_in._checked(machine, random.normal(size=machine.weights), 0.05).set_index("condition")
    assert found.largest_error["right"] > 1e-3 > 1e-9 > found.largest_without_kinks["right"]
    assert found.median_error["wrong"] > 1e-3


def test_the_last_step_is_looked_at_whatever_their_number():
    assert burn_in._looked_at(30) == [0, 1, 2, 5, 10, 20, 30]
    assert burn_in._looked_at(7) == [0, 1, 2, 5, 7]
