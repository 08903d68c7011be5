"""The guarantees that the section judges, against descents that keep and break them."""

import numpy as np
import pytest

from chapters.ch5 import newton_astray
from textbook.surfaces import DoubleWell, trajectory
from textbook.update_rules import GradientDescent, Newton

WELL = DoubleWell(0.15)


def descents(rate):
    starts = np.array([[-1.8], [0.5], [1.9]])
    return newton_astray._descent(WELL, trajectory(WELL, GradientDescent(rate), start=starts, steps=300), rate)


def test_descent_falls_by_what_the_lemma_promises_and_approaches_only_from_its_own_side():
    table = descents(0.05)
    assert table.falls.all()
    assert table.approaches.tolist() == [True, False, True]  # from 0.5 it leaves, from 1.9 it comes nearer, and stops
    assert table.arrives.tolist() == [True, False, False]


def test_a_climb_or_too_short_a_fall_breaks_the_promise():
    walk = trajectory(WELL, GradientDescent(0.05), start=[[0.5], [1.5]], steps=300)
    assert not newton_astray._descent(WELL, walk[::-1], 0.05).falls.any()
    # updates at a fifth of the rate do not fall by what the whole rate promises
    slower = trajectory(WELL, GradientDescent(0.01), start=[[0.5], [1.5]], steps=300)
    assert not newton_astray._descent(WELL, slower, 0.05).falls.any()


def test_ends_tell_a_hilltop_from_a_minimum():
    walk = trajectory(WELL, Newton(), start=[[0.0], [2.0]], steps=50)
    ends = newton_astray._ends(WELL, "Newton", walk)
    assert ends.settled.all() and ends.minimum.tolist() == [False, True]
    assert ends.curvature.iloc[0] == pytest.approx(-0.929, abs=1e-3)
    unfinished = newton_astray._ends(WELL, "Newton", walk[:2])
    assert not unfinished.minimum.any()


def test_newton_leaps_away_from_beyond_one():
    leaps = newton_astray._leaps()
    assert leaps.x.iloc[0] == pytest.approx(-(1.2**3))
    assert (np.diff(leaps.loss) > 0).all()
