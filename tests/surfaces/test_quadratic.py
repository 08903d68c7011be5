"""The bowl's curvatures, and its exact loss under noise against sampling."""

import math

import numpy as np
import pytest

from textbook.schedules import Constant, InverseTimeDecay
from textbook.surfaces import Quadratic, trajectory
from textbook.update_rules import GradientDescent


def test_its_curvatures_are_the_hessians_eigenvalues():
    bowl = Quadratic((7, 0.5, 2))
    np.testing.assert_allclose(np.sort(bowl.curvatures), np.linalg.eigvalsh(bowl.hessian(bowl.minimum)))


def test_without_noise_the_expected_loss_is_the_loss():
    bowl = Quadratic((1, 25))
    path = trajectory(bowl, GradientDescent(0.05), start=(1, 1), steps=40)
    expected = bowl.expected_loss(np.full(40, 0.05), start=(1, 1), noise=0)
    np.testing.assert_allclose(expected, bowl.value(path), rtol=1e-10)


def test_the_expected_loss_is_what_sampling_finds():
    bowl, rates = Quadratic((1, 5)), InverseTimeDecay(0.3, rate=0.1)(np.arange(30))
    rng, w = np.random.default_rng(0), np.ones((20_000, 2))
    sampled = [bowl.value(w).mean()]
    for rate in rates:
        w = w - rate * (bowl.gradient(w) + rng.normal(scale=0.5, size=w.shape))
        sampled.append(bowl.value(w).mean())
    np.testing.assert_allclose(bowl.expected_loss(rates, start=(1, 1), noise=0.5), sampled, rtol=0.04)


def test_a_constant_rate_stalls_where_its_noise_balances_and_a_falling_one_does_not():
    bowl, k = Quadratic((1,)), np.arange(3000)
    constant = bowl.expected_loss(Constant(0.2)(k), start=[1], noise=1)
    falling = bowl.expected_loss(InverseTimeDecay(0.2, rate=0.1)(k), start=[1], noise=1)
    assert constant[-1] == pytest.approx(0.5 * 0.2**2 / (1 - (1 - 0.2) ** 2), rel=1e-9)
    assert falling[-1] < constant[-1] / 20


@pytest.mark.parametrize("bad", ((), (1, 0), (1, -2), (1, math.nan), (math.inf,), 3, ((1, 2), (3, 4))))
def test_curvatures_are_positive(bad):
    with pytest.raises(ValueError, match=r"expected one curvature above 0 per weight, got .*; mend by"):
        Quadratic(bad)
