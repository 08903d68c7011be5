"""What every surface must have: gradients and Hessians against differences, a minimum, grids, refusals."""

import numpy as np
import pytest

from tests.surfaces.every import EVERY, WITH_MINIMUM, differences, every_surface


@every_surface
def test_gradient_and_hessian_against_central_differences(surface, weights):
    for w in (np.linspace(-1.3, 2.1, weights), np.linspace(0.4, -0.9, weights)):
        np.testing.assert_allclose(surface.gradient(w), differences(surface.value, w, 1e-4), rtol=1e-6)
        np.testing.assert_allclose(surface.hessian(w), differences(surface.gradient, w, 1e-4), rtol=1e-6, atol=1e-8)
        # a gradient wrong by a thousandth would not pass
        assert not np.allclose(1.001 * surface.gradient(w), differences(surface.value, w, 1e-4), rtol=1e-6)


@pytest.mark.parametrize(("surface", "weights"), WITH_MINIMUM.values(), ids=WITH_MINIMUM)
def test_the_minimum_is_one(surface, weights):
    assert np.shape(surface.minimum) == (weights,)
    np.testing.assert_allclose(surface.gradient(surface.minimum), 0, atol=1e-12)
    assert np.linalg.eigvalsh(surface.hessian(surface.minimum)).min() > 0
    far = surface.minimum + np.random.default_rng(0).normal(size=(4000, weights))  # not a local one
    assert np.all(surface.value(far) > surface.value(surface.minimum))


@every_surface
def test_a_grid_is_one_call(surface, weights):
    grid = np.random.default_rng(0).normal(size=(4, 5, weights))
    shapes = {"value": (4, 5), "gradient": (4, 5, weights), "hessian": (4, 5, weights, weights)}
    for name, shape in shapes.items():
        function = getattr(surface, name)
        assert function(grid).shape == shape
        np.testing.assert_allclose(function(grid)[2, 3], function(grid[2, 3]), rtol=1e-12, atol=1e-15)


@every_surface
def test_points_have_a_coordinate_per_weight(surface, weights):
    for w in (1.0, np.zeros(weights + 1)):
        for name in ("value", "gradient", "hessian"):
            with pytest.raises(ValueError, match=r"expected points of shape \(…, \d\), got .*; mend by"):
                getattr(surface, name)(w)


@pytest.mark.parametrize("name", ("regression", "logistic"))
def test_derivatives_of_some_rows_average_to_those_of_all(name):
    surface, w = EVERY[name][0], np.array([0.4, -1.0])
    halves = [np.arange(0, 50, 2), np.arange(1, 50, 2)]
    for derivative in (surface.gradient, surface.hessian):
        parts = [derivative(w, half) for half in halves]
        np.testing.assert_allclose(sum(parts) / 2, derivative(w), rtol=1e-12, atol=1e-15)
        assert not np.allclose(parts[0], parts[1], rtol=1e-3)
