"""Surfaces: gradients against differences, minima, batches; and the exact loss of noisy descent against sampling."""

import math

import numpy as np
import pytest

from textbook.schedules import Constant, InverseTimeDecay
from textbook.surfaces import LeastSquares, Quadratic, minibatches, trajectory, updates_until
from textbook.update_rules import GradientDescent

RNG = np.random.default_rng(7)
X = RNG.normal(size=(50, 2)) @ np.array([[2.0, 0.3], [0.0, 0.7]])
REGRESSION = LeastSquares(X, X @ [1.5, -0.5] + RNG.normal(size=50))
SURFACES = (Quadratic((1, 25)), Quadratic((0.5, 2, 7)), REGRESSION)
surfaces = pytest.mark.parametrize("surface", SURFACES, ids=lambda s: type(s).__name__)


def differences(function, w, h):
    return np.stack([(function(w + h * e) - function(w - h * e)) / (2 * h) for e in np.eye(len(w))], axis=-1)


@surfaces
def test_gradient_and_hessian_against_central_differences(surface):
    w = np.linspace(-1.3, 2.1, len(surface.minimum))
    np.testing.assert_allclose(surface.gradient(w), differences(surface.value, w, 1e-4), rtol=1e-8)
    np.testing.assert_allclose(surface.hessian, differences(surface.gradient, w, 1e-4), rtol=1e-8, atol=1e-9)
    # a gradient wrong by a thousandth would not pass
    assert not np.allclose(1.001 * surface.gradient(w), differences(surface.value, w, 1e-4), rtol=1e-8)


@surfaces
def test_the_minimum_is_one(surface):
    np.testing.assert_allclose(surface.gradient(surface.minimum), 0, atol=1e-12)
    around = surface.minimum + 0.01 * np.random.default_rng(0).normal(size=(100, len(surface.minimum)))
    assert np.all(surface.value(around) > surface.value(surface.minimum))
    np.testing.assert_allclose(np.sort(surface.curvatures), np.linalg.eigvalsh(surface.hessian))


@surfaces
def test_a_grid_is_one_call(surface):
    grid = np.random.default_rng(0).normal(size=(4, 5, len(surface.minimum)))
    assert surface.value(grid).shape == (4, 5) and surface.gradient(grid).shape == grid.shape
    assert surface.value(grid)[2, 3] == pytest.approx(surface.value(grid[2, 3]), rel=1e-14)
    np.testing.assert_allclose(surface.gradient(grid)[2, 3], surface.gradient(grid[2, 3]), rtol=1e-12)


def test_least_squares_is_half_the_mean_square():
    w = np.array([0.4, -1.0])
    by_hand = sum((x @ w - y) ** 2 for x, y in zip(REGRESSION.x, REGRESSION.y, strict=True)) / 2 / 50
    assert REGRESSION.value(w) == pytest.approx(by_hand, rel=1e-12)


def test_sample_gradients_average_to_batch_gradients():
    w = np.array([0.4, -1.0])
    each = REGRESSION.sample_gradients(w)
    assert each.shape == (50, 2)
    np.testing.assert_allclose(each.mean(axis=0), REGRESSION.gradient(w), rtol=1e-12)
    rows = np.array([3, 17, 4])
    np.testing.assert_allclose(each[rows].mean(axis=0), REGRESSION.gradient(w, rows), rtol=1e-12)
    np.testing.assert_allclose(REGRESSION.gradient(w, np.array([9])), each[9], rtol=1e-12)
    assert REGRESSION.sample_gradients(np.zeros((6, 2))).shape == (6, 50, 2)


# --- batches and paths --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", (1, 16, 32, 50))
def test_an_epoch_of_batches_takes_every_row_once(size):
    stream = minibatches(50, size, generator=np.random.default_rng(0))
    updates = math.ceil(50 / size)
    epochs = [[next(stream) for _ in range(updates)] for _ in range(3)]
    for epoch in epochs:
        assert sorted(np.concatenate(epoch)) == list(range(50))
        assert [len(batch) for batch in epoch[:-1]] == [size] * (updates - 1)
    orders = {tuple(np.concatenate(epoch)) for epoch in epochs}
    assert len(orders) == 3  # a fresh order each epoch, not one order frozen


def test_full_batches_walk_the_path_of_batch_gradient_descent():
    rule = GradientDescent(0.1)
    full = trajectory(REGRESSION, rule, start=(3, 3), steps=30)
    shuffled = minibatches(50, 50, generator=np.random.default_rng(0))
    same = trajectory(REGRESSION, rule, start=(3, 3), steps=30, batches=shuffled)
    np.testing.assert_allclose(same, full, rtol=1e-10)


def test_small_batches_take_another_path_to_the_same_valley():
    rule = GradientDescent(0.05)
    ends = {}
    for size in (1, 16):
        stream = minibatches(50, size, generator=np.random.default_rng(0))
        path = trajectory(REGRESSION, rule, start=(3, 3), steps=400, batches=stream)
        ends[size] = np.linalg.norm(path[200:] - REGRESSION.minimum, axis=1).mean()
    assert 0 < ends[16] < ends[1] < np.linalg.norm(np.array([3, 3]) - REGRESSION.minimum)


def test_a_path_that_diverges_ends_in_infinity_without_a_warning():
    path = trajectory(Quadratic((1,)), GradientDescent(10), start=[1], steps=400)
    assert not np.isfinite(path[-1, 0])


def test_a_path_of_no_update_is_its_start():
    assert trajectory(Quadratic((1, 2)), GradientDescent(0.1), start=(3, 4), steps=0).tolist() == [[3, 4]]


def test_updates_until():
    path = np.array([[1.0, 0.0], [0.1, 0.5], [0.1, -0.1], [0.0, 2.0]])
    assert updates_until(path, (0, 0), tolerance=0.1) == 2
    assert updates_until(path, (0, 0), tolerance=1) == 0
    assert updates_until(path, (0, 0)) is None
    assert updates_until(path + 5, (5, 5), tolerance=0.11) == 2


# --- noise --------------------------------------------------------------------------------------------------------


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


# --- errors -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", ((), (1, 0), (1, -2), (1, math.nan), (math.inf,), 3, ((1, 2), (3, 4))))
def test_curvatures_are_positive(bad):
    with pytest.raises(ValueError, match=r"expected one curvature above 0 per weight, got .*; mend by"):
        Quadratic(bad)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([[1, 2]], [1, 2], r"expected x \(rows, weights\) and y \(rows,\), got \(1, 2\) and \(2,\); mend by"),
        ([1, 2], [1, 2], r"expected x \(rows, weights\) and y"),
        ([[1, 2], [3, math.nan]], [1, 2], r"expected finite x and y, got NaN or infinity; mend by"),
        ([[1, 2], [2, 4], [3, 6]], [1, 2, 3], r"expected columns of x independent .*, got rank 1 for 2 .*; mend by"),
    ],
)
def test_least_squares_refuses(x, y, message):
    with pytest.raises(ValueError, match=message):
        LeastSquares(x, y)


@surfaces
def test_points_have_a_coordinate_per_weight(surface):
    for w in (1.0, np.zeros(len(surface.minimum) + 1)):
        with pytest.raises(ValueError, match=r"expected points of shape \(…, \d\), got .*; mend by"):
            surface.gradient(w)


def test_batches_that_run_out_or_are_too_large_are_refused():
    with pytest.raises(ValueError, match=r"expected 3 batches, one an update, got 2; mend by"):
        trajectory(REGRESSION, GradientDescent(0.1), start=(0, 0), steps=3, batches=[[0], [1]])
    with pytest.raises(ValueError, match=r"expected batch_size up to the 50 rows, got 51; mend by batch_size=50"):
        minibatches(50, 51, generator=np.random.default_rng(0))
    for size in (0, 2.5, True):
        with pytest.raises(ValueError, match=r"expected batch_size as a whole number from 1 up, got .*; mend by"):
            minibatches(50, size, generator=np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"expected steps as a whole number from 0 up, got -1; mend by"):
        trajectory(REGRESSION, GradientDescent(0.1), start=(0, 0), steps=-1)
