"""Newton's rules: at once on a quadratic, astray at hilltops and saddles, and how to stay clear of them."""

import math

import numpy as np
import pytest

from textbook.surfaces import DoubleWell, LeastSquares, Quadratic, Rosenbrock, Saddle, trajectory
from textbook.update_rules import DampedNewton, GradientDescent, Newton, SaddleFreeNewton


def test_newton_is_there_at_once_also_where_no_single_rate_is():
    surface = LeastSquares([[1.0, 0.5], [0.0, 2.0], [3.0, 1.0]], [1.0, 2.0, -1.0])
    path = trajectory(surface, Newton(), start=(4, -7), steps=1)
    np.testing.assert_allclose(path[1], surface.minimum, atol=1e-12)
    several = trajectory(surface, Newton(), start=[(4, -7), (0, 1), (2, 2)], steps=1)
    np.testing.assert_allclose(several[1], [surface.minimum] * 3, atol=1e-12)
    bowl = trajectory(Quadratic((1, 25, 1e6)), Newton(), start=(3, -1, 2), steps=1)
    np.testing.assert_allclose(bowl[1], 0, atol=1e-12)


def test_newton_doubles_its_digits_on_rosenbrock():
    errors = np.linalg.norm(trajectory(Rosenbrock(), Newton(), start=(1.05, 1.1), steps=6) - 1, axis=1)
    # quadratic convergence: an error is at most some multiple of the square of the one before, once near enough
    assert np.all(errors[2:5] / errors[1:4] ** 2 < 10) and errors[6] < 1e-12


def test_newton_runs_to_the_hilltop_and_to_the_saddle():
    well = DoubleWell(0.15)
    path = trajectory(well, Newton(), start=(0,), steps=8)
    np.testing.assert_allclose(path[-1], well.hilltop, atol=1e-12)
    assert np.all(np.diff(well.value(path[:3])) > 0)  # uphill
    np.testing.assert_allclose(trajectory(Saddle(), Newton(), start=(3, 0.1), steps=1)[1], 0, atol=1e-15)


def test_saddle_free_newton_leaves_both_for_lower_ground():
    well = DoubleWell(0.15)
    path = trajectory(well, SaddleFreeNewton(), start=(0,), steps=20)
    np.testing.assert_allclose(path[-1], well.minimum, atol=1e-9)
    # every step points downhill, though where the curvature is small it may be too long and end higher
    assert np.all(np.diff(path, axis=0)[:8] * well.gradient(path[:8]) < 0)
    assert np.any(np.diff(well.value(path)) > 1)
    escape = trajectory(Saddle(), SaddleFreeNewton(), start=(1, 1e-3), steps=10)
    np.testing.assert_allclose(escape[1:, 0], 0, atol=1e-15)
    np.testing.assert_allclose(escape[:, 1], 1e-3 * 2.0 ** np.arange(11), rtol=1e-12)
    # exactly on the ridge there is no slope to leave by
    assert np.all(trajectory(Saddle(), SaddleFreeNewton(), start=(1, 0), steps=5)[1:] == 0)


def test_where_the_surface_is_convex_saddle_free_newton_is_newton():
    for start in ((1.05, 1.1), (0.9, 0.8)):
        assert np.linalg.eigvalsh(Rosenbrock().hessian(start)).min() > 0
        steps = [trajectory(Rosenbrock(), rule, start=start, steps=1)[1] for rule in (Newton(), SaddleFreeNewton())]
        np.testing.assert_allclose(*steps, rtol=1e-10)


def test_damping_goes_from_newton_to_gradient_descent():
    start = (-1.0, 1.2)
    newton, little = (trajectory(Rosenbrock(), r, start=start, steps=1)[1] for r in (Newton(), DampedNewton(1e-9)))
    np.testing.assert_allclose(little, newton, rtol=1e-7)
    for rule in (DampedNewton(1e9), SaddleFreeNewton(1e9)):
        descent = trajectory(Rosenbrock(), GradientDescent(1e-9), start=start, steps=1)[1] - start
        np.testing.assert_allclose(trajectory(Rosenbrock(), rule, start=start, steps=1)[1] - start, descent, rtol=1e-5)


def test_damping_helps_at_a_saddle_only_beyond_the_negative_curvature():
    assert abs(trajectory(Saddle(), DampedNewton(1.0), start=(1, 0.1), steps=1)[1, 1]) < 0.2
    few, many = (trajectory(Saddle(), DampedNewton(d), start=(1, 0.1), steps=1)[1, 1] for d in (1.0, 3.0))
    assert few == pytest.approx(0.1 - 0.2)  # through the ridge to the other side
    assert many == pytest.approx(0.1 + 0.2)


def test_by_hand():
    hessian, g = np.array([[2.0, 1.0], [1.0, -3.0]]), np.array([1.0, 2.0])
    for rule, matrix in (
        (Newton(), hessian),
        (DampedNewton(0.5), hessian + 0.5 * np.eye(2)),
        (SaddleFreeNewton(0.5), _absolute(hessian) + 0.5 * np.eye(2)),
    ):
        change, _ = rule.update(g, rule.init(g), hessian=hessian)
        np.testing.assert_allclose(change, -np.linalg.inv(matrix) @ g, rtol=1e-12)


def _absolute(matrix):
    """|M| as the root of M²."""
    from scipy.linalg import sqrtm

    return sqrtm(matrix @ matrix).real


def test_a_diverged_path_goes_on_as_nan_and_leaves_its_neighbours_alone():
    for rule in (Newton(), DampedNewton(1.0), SaddleFreeNewton(1.0)):
        path = trajectory(Rosenbrock(), rule, start=[(np.inf, 0), (1.05, 1.1)], steps=3)
        assert np.isnan(path[-1, 0]).all()
        np.testing.assert_array_equal(path[:, 1], trajectory(Rosenbrock(), rule, start=(1.05, 1.1), steps=3))


def test_refusals():
    g = np.ones(2)
    with pytest.raises(ValueError, match=r"expected an invertible Hessian, got a singular one; mend by DampedNewton"):
        Newton().update(g, (), hessian=np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"expected curvature in every direction, got 0 .*; mend by SaddleFreeNewton"):
        SaddleFreeNewton().update(g, (), hessian=np.diag([1.0, 0.0]))
    with pytest.raises(ValueError, match=r"expected curvature in every direction"):  # 0 but for rounding
        SaddleFreeNewton().update(g, (), hessian=np.array([[0.1, 0.3], [0.3, 0.9]]))
    for hessian in (np.eye(3), np.ones(2), np.ones((2, 1))):
        with pytest.raises(ValueError, match=r"expected a Hessian \(…, 2, 2\), got shape .*; mend by surface.hessian"):
            Newton().update(g, (), hessian=hessian)
    with pytest.raises(TypeError, match="hessian"):
        Newton().update(g, ())
    for damping in (0, -1, math.nan):
        with pytest.raises(ValueError, match=r"expected damping .*, got .*; mend by"):
            DampedNewton(damping)
    with pytest.raises(ValueError, match=r"expected damping from 0 up, got -1; mend by"):
        SaddleFreeNewton(-1)
