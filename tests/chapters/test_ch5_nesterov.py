"""The Nesterov section's factors against eigenvalues, and its claims against planted faults."""

import numpy as np
import pytest

from chapters.ch5 import nesterov
from textbook.experiment import exact
from textbook.surfaces import Quadratic, trajectory
from textbook.update_rules import HeavyBall, Nesterov, NesterovLookAhead

BOWL = Quadratic((1.0, 10.0))


@pytest.mark.parametrize("name", (nesterov.BALL, nesterov.AHEAD))
def test_the_factor_is_the_size_of_the_updates_eigenvalues(name):
    rate, mu = 0.05, 0.9
    fade = 1 - rate * 10
    trace, determinant = (mu + fade, mu) if name == nesterov.BALL else ((1 + mu) * fade, mu * fade)
    sizes = np.abs(np.roots([1, -trace, determinant]))
    assert sizes[0] == pytest.approx(sizes[1])  # complex: it swings
    swing = nesterov._swing(BOWL, name, rate, mu)
    assert swing.factor.iloc[0] == pytest.approx(sizes[0], rel=1e-9)
    assert swing.closed_form.iloc[0] == pytest.approx(sizes[0], rel=1e-12)


def walks(**planted):
    rules = {
        nesterov.AHEAD: NesterovLookAhead(0.05, momentum=0.9),
        nesterov.REWRITTEN: Nesterov(0.05, momentum=0.9),
    }
    rules.update(planted)
    return {name: trajectory(BOWL, rule, start=(1, 1), steps=20) for name, rule in rules.items()}


def test_the_forms_agree_ahead_but_not_behind_and_heavy_ball_in_their_place_is_noticed(monkeypatch):
    monkeypatch.setattr(nesterov, "_by_keras", lambda *_: np.zeros((21, 2)))
    test = exact(measured="rewritten", expected="ahead", tolerance=1e-12)
    forms = nesterov._forms(BOWL, walks(), 0.05, 0.9)
    assert test.judge(forms).verdict == "exact"
    assert np.abs(forms.rewritten - forms.behind).max() > 0.1
    planted = walks(rewritten=HeavyBall(0.05, momentum=0.9))
    assert test.judge(nesterov._forms(BOWL, planted, 0.05, 0.9)).verdict == "violated"


def test_gradients_are_counted_one_by_one():
    counted = nesterov._Counted(BOWL)
    trajectory(counted, NesterovLookAhead(0.05), start=(1, 1), steps=7)
    assert counted.gradients == 7
