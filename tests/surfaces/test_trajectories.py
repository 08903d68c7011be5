"""Paths: with batches, with rules that look ahead or want the Hessian, divergence, and how long they take."""

import numpy as np
import pytest

from tests.surfaces.every import REGRESSION
from textbook.surfaces import Quadratic, minibatches, trajectory, updates_until
from textbook.update_rules import GradientDescent, Newton, UpdateRule


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


@pytest.mark.parametrize("shape", ((4, 3, 2), (4,), (4, 1)))
def test_updates_are_counted_for_one_path_at_a_time(shape):
    with pytest.raises(ValueError, match=r"expected a path \(updates \+ 1, weights\) .*, got .*; mend by path\[:, i\]"):
        updates_until(np.ones(shape), (1, 1))


class Noted(UpdateRule):
    """Looks one to the right of w, and notes what it is given."""

    needs_hessian = True

    def __init__(self):
        self.given = []

    def init(self, w):
        return 0

    def point(self, w, state):
        return w + 1

    def update(self, gradient, state, *, hessian):
        self.given.append((gradient.tolist(), hessian.tolist()))
        return np.full(2, 10.0), state + 1


def test_gradient_and_hessian_are_taken_where_the_rule_looks():
    rule = Noted()
    path = trajectory(Quadratic((1, 25)), rule, start=(0, 0), steps=2)
    assert path.tolist() == [[0, 0], [10, 10], [20, 20]]
    bend = [[1.0, 0.0], [0.0, 25.0]]
    assert rule.given == [([1.0, 25.0], bend), ([11.0, 275.0], bend)]


def test_newton_on_a_batch_reaches_that_batchs_minimum():
    rows = np.arange(10)
    path = trajectory(REGRESSION, Newton(), start=(3, 3), steps=1, batches=[rows])
    np.testing.assert_allclose(REGRESSION.gradient(path[1], rows), 0, atol=1e-12)
    assert np.abs(REGRESSION.gradient(path[1])).max() > 1e-3


def test_batches_that_run_out_and_negative_steps_are_refused():
    with pytest.raises(ValueError, match=r"expected 3 batches, one an update, got 2; mend by"):
        trajectory(REGRESSION, GradientDescent(0.1), start=(0, 0), steps=3, batches=[[0], [1]])
    with pytest.raises(ValueError, match=r"expected steps as a whole number from 0 up, got -1; mend by"):
        trajectory(REGRESSION, GradientDescent(0.1), start=(0, 0), steps=-1)
