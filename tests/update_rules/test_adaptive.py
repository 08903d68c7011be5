"""Adagrad and RMSprop: the closed form of their rates, and where ε stands."""

import math

import numpy as np
import pytest

from tests.update_rules.course import steps_on_a_constant_gradient
from textbook.surfaces import Quadratic, trajectory
from textbook.update_rules import Adagrad, Adam, RMSprop


def test_adagrads_rate_falls_as_the_root_of_time_and_the_steps_add_up_without_end():
    t = np.arange(1, 10_001)
    steps = steps_on_a_constant_gradient(Adagrad(0.5, initial_accumulator=0.1, epsilon=1e-7), 10_000, gradient=3.0)
    np.testing.assert_allclose(steps, 0.5 * 3 / np.sqrt(0.1 + 9 * t + 1e-7), rtol=1e-12)
    assert steps.sum() == pytest.approx(0.5 * 2 * math.sqrt(10_000), rel=0.02)  # 2√t of them, not a finite sum


def test_adagrad_gives_weights_with_large_gradients_smaller_rates():
    rule = Adagrad(1.0, initial_accumulator=0)
    change, state = rule.update(np.array([100.0, 1.0]), rule.init(np.zeros(2)))
    np.testing.assert_allclose(change, [-1, -1], rtol=1e-6)  # whatever the size of a gradient, at first
    change, _ = rule.update(np.array([1.0, 1.0]), state)
    assert abs(change[0]) < 0.011 and abs(change[1]) == pytest.approx(1 / math.sqrt(2), rel=1e-6)


def test_rmsprop_forgets_and_adagrad_does_not():
    gradients = [100.0] * 20 + [1.0] * 200
    last = {}
    for rule in (Adagrad(1.0), RMSprop(1.0)):
        state = rule.init(np.zeros(1))
        for gradient in gradients:
            change, state = rule.update(np.array([gradient]), state)
        last[type(rule)] = abs(change.item())
    assert last[RMSprop] == pytest.approx(1, rel=1e-3) and last[Adagrad] < 0.01


def test_the_start_of_the_accumulator_is_kerass_and_may_be_the_papers():
    assert Adagrad(0.1).init(np.zeros(3))[1].tolist() == [0.1] * 3
    assert Adagrad(0.1).init(np.zeros(2, dtype=int))[1].tolist() == [0.1] * 2  # not cut to whole numbers
    assert Adagrad(0.1, initial_accumulator=0).init(np.zeros(3))[1].tolist() == [0] * 3


def test_a_scale_of_the_axes_does_not_matter_without_start_and_epsilon():
    # the path in units of the start is the same on ½λw² for every λ
    paths = [
        trajectory(Quadratic((c,)), Adagrad(0.3, initial_accumulator=0, epsilon=1e-30), start=[1], steps=50)
        for c in (1, 1e4)
    ]
    np.testing.assert_allclose(paths[0], paths[1], rtol=1e-9)


def test_epsilon_stands_inside_the_root_in_rmsprop_and_outside_in_adam():
    # a tiny gradient, where the two places differ: √(s + ε) against √s + ε
    g = np.array([1e-6])
    step, _ = RMSprop(1.0, rho=0.9, epsilon=1e-7).update(g, RMSprop(1.0).init(g))
    assert step[0] == pytest.approx(-1e-6 / math.sqrt(0.1 * 1e-12 + 1e-7), rel=1e-12)
    step, _ = Adam(1.0).update(g, Adam(1.0).init(g))
    lift = math.sqrt(1 - 0.999) / (1 - 0.9)
    assert step[0] == pytest.approx(-lift * 0.1e-6 / (math.sqrt(0.001) * 1e-6 + 1e-7), rel=1e-9)


@pytest.mark.parametrize("build", (Adagrad, RMSprop, Adam))
def test_steps_have_the_gradients_type(build):
    for dtype in (np.float32, np.float64):
        w = np.ones(2, dtype)
        change, _ = build(0.1).update(w, build(0.1).init(w))
        assert change.dtype == dtype
    assert trajectory(Quadratic((1,)), build(0.1), start=[1], steps=2).dtype == np.float64
