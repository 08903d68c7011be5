"""Mistakes in either part of a gradient, at hand-made weights."""

import numpy as np
import pytest

from chapters.ch5 import penalty_hides
from textbook.checks.bug_zoo import WestonWatkins

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(12, 4)), RANDOM.integers(3, size=12)


def errors(l2):
    machine = WestonWatkins(X, Y, 3, l2=l2)
    # far out most margins are met, so that forgetting them shows
    found = penalty_hides._checked(machine, 3 * np.random.default_rng(1).normal(size=machine.weights))
    return found.set_index("wrong_part").median_error


def test_the_right_gradient_passes_at_every_strength():
    assert all(errors(l2)["none"] < 1e-6 for l2 in (0.0, 1.0, 1e4))


def test_a_strong_penalty_hides_the_data_s_mistake_and_shows_its_own():
    assert errors(0.0)["data"] > 0.1 > 0.01 > errors(1e4)["data"]
    assert errors(0.0)["penalty"] < 1e-6
    assert errors(1e4)["penalty"] == pytest.approx(0.5, abs=0.01)


def test_the_judged_strengths_are_measured():
    assert set(penalty_hides.JUDGED) <= set(penalty_hides.STRENGTHS)
