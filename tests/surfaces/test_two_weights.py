"""The race-course surfaces: their known values, and what makes each of them hard."""

import numpy as np
import pytest

from textbook.surfaces import Beale, LongValley, Rosenbrock, Saddle


def test_known_values():
    assert Rosenbrock().value([-1.2, 1.0]) == pytest.approx(24.2)  # the usual start
    assert Beale().value([1.0, 1.0]) == pytest.approx(1.5**2 + 2.25**2 + 2.625**2)
    assert Saddle().value([3.0, 2.0]) == 5
    assert LongValley(k=10).value([3.0, 2.0]) == pytest.approx(10**0.5 - 1 + 20)


def test_rosenbrocks_valley_is_bent_and_its_condition_number_is_the_known_one():
    floor = np.array([[x, x * x] for x in (-1.0, 0.5, 2.0)])
    np.testing.assert_allclose(Rosenbrock().value(floor), (1 - floor[:, 0]) ** 2)
    curvatures = np.linalg.eigvalsh(Rosenbrock().hessian([1, 1]))
    assert curvatures[1] / curvatures[0] == pytest.approx(2508, abs=1)


def test_the_saddle_has_laplacian_zero_and_curvatures_of_both_signs():
    hessian = Saddle().hessian([0.3, -2.0])
    assert np.trace(hessian) == 0 and np.linalg.eigvalsh(hessian).tolist() == [-2, 2]
    assert not hasattr(Saddle(), "minimum")


def test_the_long_valleys_floor_never_gets_steep():
    slopes = LongValley().gradient([[-1e8, 0.0], [-5.0, 0.0], [1e3, 0.0]])[:, 0]
    assert np.all(np.abs(slopes) <= 1) and np.all(np.abs(slopes) > 0.98)


@pytest.mark.parametrize("build", (lambda: Rosenbrock(b=0), lambda: LongValley(k=-1)))
def test_walls_go_up(build):
    with pytest.raises(ValueError, match=r"expected [bk] above 0, got .*; mend by"):
        build()
