"""Linear regression as a surface: by hand, row by row, refusals."""

import math

import numpy as np
import pytest

from tests.surfaces.every import REGRESSION
from textbook.surfaces import LeastSquares


def test_its_curvatures_are_the_hessians_eigenvalues():
    np.testing.assert_allclose(REGRESSION.curvatures, np.linalg.eigvalsh(REGRESSION.x.T @ REGRESSION.x / 50))


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
