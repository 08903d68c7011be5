"""Velocities: sums and averages, Keras's and torch's, and their best settings on a bowl."""

import numpy as np
import pytest

from tests.update_rules.course import BOWL, START, steps_on_a_constant_gradient
from textbook.surfaces import trajectory, updates_until
from textbook.update_rules import (
    AveragedMomentum,
    GradientDescent,
    HeavyBall,
    Nesterov,
    NesterovLookAhead,
    TorchMomentum,
)


def test_updates_to_a_millionth_at_the_best_settings():
    counts = {}
    nesterov = Nesterov.best_for((1, 25))
    for name, rule in {
        "gd": GradientDescent.best_for((1, 25)),
        "heavy ball": HeavyBall.best_for((1, 25)),
        "gd at 1/L": GradientDescent(1 / 25),
        "nag": nesterov,
    }.items():
        path = trajectory(BOWL, rule, start=START, steps=400)
        counts[name] = updates_until(path, BOWL.minimum)
        if name == "nag":
            counts["nag, points behind"] = updates_until(nesterov.points_behind(path), BOWL.minimum)
    assert counts == {"gd": 173, "heavy ball": 45, "gd at 1/L": 339, "nag": 74, "nag, points behind": 75}


def test_the_best_settings_are_best():
    # any other single rate shrinks the worst coordinate less; the same for heavy ball, in the long run
    best = GradientDescent.best_for((1, 25)).learning_rate
    assert best == pytest.approx(1 / 13)
    worst = [max(abs(1 - rate), abs(1 - 25 * rate)) for rate in (best, 0.98 * best, 1.02 * best)]
    assert worst[0] == min(worst) == pytest.approx(24 / 26)
    ball = HeavyBall.best_for((1, 25))
    assert (ball.learning_rate, ball.momentum) == pytest.approx((4 / 36, (4 / 6) ** 2))


def test_the_velocity_is_a_sum_in_keras_and_an_average_at_ng():
    total = steps_on_a_constant_gradient(HeavyBall(0.1, momentum=0.9), 400)
    average = steps_on_a_constant_gradient(AveragedMomentum(0.1, beta=0.9), 400)
    k = np.arange(1, 401)
    np.testing.assert_allclose(total, 0.1 * (1 - 0.9**k) / (1 - 0.9), rtol=1e-12)
    np.testing.assert_allclose(average, 0.1 * (1 - 0.9**k), rtol=1e-12)
    assert total[-1] == pytest.approx(0.1 / (1 - 0.9)) and average[-1] == pytest.approx(0.1)


def test_both_take_one_path_when_the_rates_differ_by_one_minus_mu():
    stream = np.random.default_rng(0).normal(size=(50, 2))
    ball, average = HeavyBall(0.1, momentum=0.9), AveragedMomentum(0.1 / (1 - 0.9), beta=0.9)
    one, other = ball.init(np.zeros(2)), average.init(np.zeros(2))
    for gradient in stream:
        step, one = ball.update(gradient, one)
        same, other = average.update(gradient, other)
        np.testing.assert_allclose(step, same, rtol=1e-12)


def test_momentum_of_zero_is_gradient_descent():
    plain = trajectory(BOWL, GradientDescent(0.03), start=START, steps=20)
    for rule in (
        HeavyBall(0.03, momentum=0),
        TorchMomentum(0.03, momentum=0),
        Nesterov(0.03, momentum=0),
        NesterovLookAhead(0.03, momentum=0),
        AveragedMomentum(0.03, beta=0),
    ):
        assert np.array_equal(trajectory(BOWL, rule, start=START, steps=20), plain)


def test_torchs_velocity_by_formula():
    rates = np.array([0.1, 0.1, 0.02, 0.02])
    gradients, v, expected = [3.0, -1.0, 2.0, 5.0], 0.0, []
    for rate, g in zip(rates, gradients, strict=True):
        v = 0.8 * v + g
        expected.append(-rate * v)
    rule = TorchMomentum(lambda k: rates[k], momentum=0.8)
    state, steps = rule.init(np.zeros(1)), []
    for g in gradients:
        change, state = rule.update(np.array([g]), state)
        steps.append(change.item())
    np.testing.assert_allclose(steps, expected, rtol=1e-14)


def test_torchs_path_is_keras_path_until_the_rate_changes():
    def paths(rates):
        both = HeavyBall(rates, momentum=0.9), TorchMomentum(rates, momentum=0.9)
        return [trajectory(BOWL, rule, start=START, steps=30) for rule in both]

    np.testing.assert_allclose(*paths(0.01), rtol=1e-10)
    keras, torch = paths(lambda k: 0.01 if k < 10 else 0.001)
    np.testing.assert_allclose(keras[:11], torch[:11], rtol=1e-10)
    assert np.abs(keras[11] - keras[10]).sum() > 3 * np.abs(torch[11] - torch[10]).sum()
