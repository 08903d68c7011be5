"""The double well's three critical points, and where it stops being one."""

import numpy as np
import pytest

from textbook.surfaces import DoubleWell


@pytest.mark.parametrize("c", (-0.38, -0.1, 0.0, 0.05, 0.15, 0.3, 0.384))
def test_two_minima_with_a_hilltop_between(c):
    well = DoubleWell(c)
    points = well.critical_points
    np.testing.assert_allclose(points[:, 0], np.sort(np.roots([1, 0, -1, c]).real), atol=1e-7)
    np.testing.assert_allclose(well.gradient(points), 0, atol=1e-14)
    assert np.sign(well.hessian(points)[:, 0, 0]).tolist() == [1, -1, 1]
    assert np.sign(well.minimum[0]) == (-1 if c > 0 else 1)
    assert well.value(well.hilltop) > max(well.value(points[0]), well.value(points[2]))


def test_the_numbers_of_the_text():
    assert DoubleWell(0.15).hilltop[0] == pytest.approx(0.154, abs=5e-4)
    assert DoubleWell(0.15).hessian(DoubleWell(0.15).hilltop).item() == pytest.approx(-0.93, abs=5e-3)


@pytest.mark.parametrize("c", (0.385, -0.5, float("nan")))
def test_a_tilt_that_leaves_one_valley_is_refused(c):
    with pytest.raises(ValueError, match=r"expected c (above -0.3849 and below 0.3849|as a finite number), got"):
        DoubleWell(c)
