"""Logistic regression against scikit-learn, its bound of curvature, and data without a minimum."""

import numpy as np
import pytest

from tests.surfaces.every import LOGISTIC, X
from textbook.surfaces import LogisticRegression


def test_its_minimum_is_scikit_learns():
    from sklearn.linear_model import LogisticRegression as Sklearn

    # there C multiplies the sum of the losses, here l2 stands beside their mean
    theirs = Sklearn(C=1 / (LOGISTIC.l2 * len(X)), fit_intercept=False, tol=1e-10).fit(X, LOGISTIC.y)
    np.testing.assert_allclose(LOGISTIC.minimum, theirs.coef_[0], rtol=1e-5)


def test_its_value_by_hand():
    w = np.array([0.4, -1.0])
    p = 1 / (1 + np.exp(-X @ w))
    by_hand = -np.mean(LOGISTIC.y * np.log(p) + (1 - LOGISTIC.y) * np.log(1 - p)) + 0.1 / 2 * (w @ w)
    assert LOGISTIC.value(w) == pytest.approx(by_hand, rel=1e-12)


def test_no_curvature_exceeds_the_smoothness_and_the_bound_is_reached():
    w = np.random.default_rng(0).normal(scale=3, size=(500, 2))
    curvatures = np.linalg.eigvalsh(LOGISTIC.hessian(w))
    assert np.all(curvatures <= LOGISTIC.smoothness * (1 + 1e-12)) and np.all(curvatures >= LOGISTIC.l2)
    # at w = 0 every row has p(1 − p) = ¼, and the bound is met
    assert np.linalg.eigvalsh(LOGISTIC.hessian([0, 0])).max() == pytest.approx(LOGISTIC.smoothness)


def test_scores_of_any_size_overflow_nowhere():
    far = np.array([[1e4, -1e4], [-1e4, 1e4]])
    assert np.isfinite(LOGISTIC.value(far)).all() and np.isfinite(LOGISTIC.gradient(far)).all()


def test_separable_classes_have_no_minimum_without_a_penalty():
    x, y = np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 4.0], [1.0, 5.0]]), np.array([0, 0, 1, 1])
    touching = np.array([[1.0, 1.0], [1.0, 3.0], [1.0, 3.0], [1.0, 5.0]])  # separated but for a shared point
    mixed = np.array([0, 1, 0, 1])
    for rows in (x, touching):
        assert LogisticRegression(rows, y).separable
        with pytest.raises(ValueError, match=r"expected a loss with a minimum, got separable .*; mend by l2=1e-3"):
            _ = LogisticRegression(rows, y).minimum
        assert np.isfinite(LogisticRegression(rows, y, 1e-3).minimum).all()
    assert not LogisticRegression(x, mixed).separable
    assert np.isfinite(LogisticRegression(x, mixed).minimum).all()


@pytest.mark.parametrize(
    ("x", "y", "l2", "message"),
    [
        ([[1, 2]], [1, 0], 0, r"expected x \(rows, weights\) and y \(rows,\), got \(1, 2\) and \(2,\); mend by"),
        ([[1, np.nan]], [1], 0, r"expected finite x, got NaN or infinity; mend by"),
        ([[1], [2]], [1, 2], 0, r"expected classes 0 and 1, got \[1, 2\]; mend by"),
        ([[1], [2]], [1, 0], -1, r"expected l2 from 0 up, got -1; mend by"),
    ],
)
def test_refusals(x, y, l2, message):
    with pytest.raises(ValueError, match=message):
        LogisticRegression(x, y, l2)


def test_columns_that_depend_on_each_other_leave_no_single_minimum():
    x = np.array([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0], [4.0, 8.0]])
    with pytest.raises(ValueError, match=r"expected one minimum, got columns .*; mend by l2=1e-3"):
        _ = LogisticRegression(x, np.array([0, 1, 0, 1])).minimum


def test_the_minimum_is_found_whatever_the_units_of_the_columns():
    for seed in range(40):
        generator = np.random.default_rng(seed)
        plain, units = generator.normal(size=(30, 3)), 10.0 ** generator.uniform(-5, 5, size=3)
        y = generator.integers(0, 2, size=30)
        minimum = LogisticRegression(plain, y).minimum
        np.testing.assert_allclose(LogisticRegression(plain * units, y).minimum * units, minimum, rtol=1e-6, atol=1e-8)


def test_separability_does_not_depend_on_the_units_of_the_columns():
    x, y = np.array([[1.0, -1.0], [-1, -2], [2, 1], [-2, 1.5]]), np.array([0, 0, 1, 1])
    for units in ([1.0, 1.0], [1e9, 1.0], [1.0, 1e-9]):
        assert LogisticRegression(x * units, y).separable
    assert not LogisticRegression(np.zeros((4, 2)), y).separable
