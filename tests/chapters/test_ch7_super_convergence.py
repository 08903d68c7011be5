"""The five schedules: the same highest rate, each with its own shape and end."""

import numpy as np
import pytest

from chapters.ch7 import super_convergence as section

AT = np.arange(600) / 100  # six epochs of a hundred updates


def rates(name, rate=0.4):
    return section._schedule(name, rate, 6).with_updates(100)(AT)


@pytest.mark.parametrize("name", [section.UP, section.CONSTANT, section.STEPS, section.DOWN, section.CYCLE])
def test_the_highest_rate_is_the_tuned_one(name):
    assert rates(name).max() == pytest.approx(0.4, rel=0.01)


def test_directions_are_those_of_the_names():
    assert (np.diff(rates(section.UP)) > 0).all() and (np.diff(rates(section.DOWN)) < 0).all()
    assert np.ptp(rates(section.CONSTANT)) == 0
    cycle = rates(section.CYCLE)
    top = cycle.argmax()
    assert 250 < top < 290 and (np.diff(cycle[: top + 1]) > 0).all() and (np.diff(cycle[top + 1 :]) < 0).all()


def test_ends_are_far_apart():
    ends = {name: rates(name)[-1] / 0.4 for name in (section.UP, section.STEPS, section.DOWN, section.CYCLE)}
    assert ends[section.UP] > 0.99 and ends[section.STEPS] == pytest.approx(0.01)
    assert ends[section.DOWN] < 0.002 and ends[section.CYCLE] == pytest.approx(1e-4)
