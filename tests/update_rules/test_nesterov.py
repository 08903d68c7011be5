"""Nesterov's two forms are one path, seen at two places."""

import numpy as np

from tests.update_rules.course import BOWL, START
from textbook.surfaces import Rosenbrock, trajectory
from textbook.update_rules import HeavyBall, Nesterov, NesterovLookAhead


def test_looking_ahead_by_hand():
    w, v, path = np.array(START), np.zeros(2), [START]
    for _ in range(40):  # Sutskever et al.: the gradient where the velocity alone would lead
        v = 0.8 * v - 0.03 * BOWL.gradient(w + 0.8 * v)
        w = w + v
        path.append(w)
    ahead = NesterovLookAhead(0.03, momentum=0.8)
    np.testing.assert_allclose(trajectory(BOWL, ahead, start=START, steps=40), path, rtol=0, atol=1e-14)


def test_the_rewritten_form_walks_the_points_looked_ahead_to():
    for surface, rate in ((BOWL, 0.03), (Rosenbrock(), 3e-4)):
        behind = trajectory(surface, NesterovLookAhead(rate, momentum=0.8), start=(1, -0.5), steps=40)
        rewritten = Nesterov(rate, momentum=0.8)
        path = trajectory(surface, rewritten, start=(1, -0.5), steps=40)
        ahead = behind[1:] + 0.8 * np.diff(behind, axis=0)
        np.testing.assert_allclose(path[1:], ahead, rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(rewritten.points_behind(path), behind, rtol=1e-11, atol=1e-13)
        assert np.abs(path[1:] - behind[1:]).max() > 1e-2  # the two are not the same points


def test_without_the_look_it_is_heavy_ball():
    class Blind(NesterovLookAhead):
        def point(self, w, state):
            return w

    ball = trajectory(BOWL, HeavyBall(0.03, momentum=0.8), start=START, steps=40)
    assert np.array_equal(trajectory(BOWL, Blind(0.03, momentum=0.8), start=START, steps=40), ball)
    assert not np.allclose(trajectory(BOWL, NesterovLookAhead(0.03, momentum=0.8), start=START, steps=40), ball)
