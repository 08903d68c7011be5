"""Directions on Rosenbrock's valley: cosines, and that a wrong gradient would not give them."""

import numpy as np

from chapters.ch5 import steepest_descent
from textbook.experiment import exact


def test_the_fall_is_a_cosine_for_short_steps_only():
    table = steepest_descent._directions(np.array([-1.2, 1.0]))
    test = exact(measured="slope", expected="cosine", tolerance=1e-5)
    short, long = (table[table.length == length] for length in (1e-4, 0.3))
    assert test.judge(short).verdict == "exact" and test.judge(long).verdict == "violated"
    assert short.angle[short.fall.idxmax()] == 0 and abs(long.angle.iloc[int(long.fall.argmax())]) > 20


def test_a_gradient_that_points_elsewhere_is_noticed(monkeypatch):
    gradient = type(steepest_descent.VALLEY).gradient
    monkeypatch.setattr(type(steepest_descent.VALLEY), "gradient", lambda self, w: gradient(self, w) * [1.0, 1.02])
    table = steepest_descent._directions(np.array([-1.2, 1.0]))
    test = exact(measured="slope", expected="cosine", tolerance=1e-5)
    assert test.judge(table[table.shortest]).verdict == "violated"


def test_the_minimum_lies_at_the_angle_drawn():
    start = np.array([-1.2, 1.0])
    table = steepest_descent._directions(start)
    down = -steepest_descent.VALLEY.gradient(start)
    angle = np.radians(table.to_minimum.iloc[0])
    turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ down
    np.testing.assert_allclose(turned / np.linalg.norm(turned), [1.0, 0.0], atol=1e-12)
