"""Adam taken apart, and what its correction does to the first steps."""

import math

import numpy as np
import pytest

from tests.update_rules.course import BOWL, START, steps_on_a_constant_gradient
from textbook.surfaces import trajectory
from textbook.update_rules import Adam, AveragedMomentum, GradientDescent, RMSprop


def test_adam_without_both_moments_is_gradient_descent():
    bare = Adam(0.03, first_moment=False, second_moment=False)
    plain = trajectory(BOWL, GradientDescent(0.03), start=START, steps=20)
    np.testing.assert_allclose(trajectory(BOWL, bare, start=START, steps=20), plain, rtol=1e-14)


def test_adams_first_moment_alone_is_ngs_momentum():
    alone = Adam(0.1, second_moment=False, bias_correction=False)
    average = trajectory(BOWL, AveragedMomentum(0.1, beta=0.9), start=START, steps=30)
    np.testing.assert_allclose(trajectory(BOWL, alone, start=START, steps=30), average, rtol=0, atol=1e-12)


def test_adams_second_moment_alone_is_rmsprop_but_for_epsilon():
    alone = Adam(0.01, beta_2=0.9, first_moment=False, bias_correction=False, epsilon=1e-14)
    scaled = trajectory(BOWL, RMSprop(0.01, rho=0.9, epsilon=1e-28), start=START, steps=30)
    np.testing.assert_allclose(trajectory(BOWL, alone, start=START, steps=30), scaled, rtol=0, atol=1e-10)


def test_bias_correction_makes_the_first_step_as_long_as_the_rate():
    for first, second in ((True, True), (False, True)):
        rule = Adam(0.1, first_moment=first, second_moment=second, epsilon=1e-12)
        step, _ = rule.update(np.array([3.0, -0.02]), rule.init(np.zeros(2)))
        np.testing.assert_allclose(step, [-0.1, 0.1], rtol=1e-6)
    without = Adam(0.1, bias_correction=False, epsilon=1e-12)
    step, _ = without.update(np.array([3.0, -0.02]), without.init(np.zeros(2)))
    np.testing.assert_allclose(step, np.array([-0.1, 0.1]) * (1 - 0.9) / math.sqrt(1 - 0.999), rtol=1e-6)


def test_without_correction_the_steps_are_longer_and_by_how_much():
    t = np.arange(1, 201)
    corrected = steps_on_a_constant_gradient(Adam(0.1, epsilon=1e-14), 200, gradient=0.7)
    without = steps_on_a_constant_gradient(Adam(0.1, bias_correction=False, epsilon=1e-14), 200, gradient=0.7)
    np.testing.assert_allclose(corrected, 0.1, rtol=1e-9)
    np.testing.assert_allclose(without / corrected, (1 - 0.9**t) / np.sqrt(1 - 0.999**t), rtol=1e-9)
    ratio = without / corrected
    assert ratio[0] == pytest.approx(3.16, abs=0.005) and ratio[-1] == pytest.approx(2.35, abs=0.005)
    assert ratio.max() == pytest.approx(6.6, abs=0.05) and t[ratio.argmax()] in (11, 12, 13)
