"""Polynomials of every degree from one factorisation, against fits one by one."""

import numpy as np
import pytest

from chapters.shared.polynomials import cosine, fitted, polynomial_errors
from textbook.experiment import Run


def test_every_degree_as_numpys_own_fit_and_leave_one_out_by_leaving_out():
    rng = np.random.default_rng(0)
    x, y, new = rng.uniform(size=(3, 12)), rng.normal(size=(3, 12)), rng.uniform(size=5)
    train, left_out, predictions = fitted(x, y, new, highest=4)
    for degree in range(5):
        for number in range(3):
            fit = np.polynomial.Polynomial.fit(x[number], y[number], degree)
            assert predictions[degree, number] == pytest.approx(fit(new), rel=1e-8)
            assert train[degree, number] == pytest.approx(np.mean((fit(x[number]) - y[number]) ** 2), rel=1e-8)
    errors = []
    for out in range(12):
        rest = np.arange(12) != out
        errors.append(np.polynomial.Polynomial.fit(x[0, rest], y[0, rest], 3)(x[0, out]) - y[0, out])
    assert left_out[3, 0] == pytest.approx(np.mean(np.square(errors)), rel=1e-6)


def test_the_table_has_the_parts_of_the_error():
    tables = polynomial_errors(Run(seeds=(1, 2)), points=20, training_sets=60, highest=6)
    errors = tables["errors"]
    assert len(errors) == 2 * 7
    assert errors.error.to_numpy() == pytest.approx((errors.bias + errors.variance + 1).to_numpy(), rel=1e-9)
    # a straight line through cos(1.5πx) misses by far more than it varies, degree 6 the other way round
    means = errors.groupby("degree")[["bias", "variance"]].mean()
    assert means.bias[1] > 100 * means.variance[1] and means.variance[6] > 10 * abs(means.bias[6])
    # training with p weights takes the share p/n of the noise out of the training error
    assert errors.groupby("degree").train_error.mean()[6] == pytest.approx(1 - 7 / 20, rel=0.15)


def test_the_curves_run_through_the_points():
    fits = polynomial_errors(Run(seeds=(1,)), points=20, noise=1e-6, training_sets=2, highest=12)["fits"]
    assert set(fits.degree) == {-1, *range(13)}
    curve = fits[fits.degree == 12]
    assert curve.y.to_numpy() == pytest.approx(cosine(curve.x.to_numpy()), abs=1e-3)


def test_a_degree_that_fits_every_point_is_refused():
    with pytest.raises(ValueError, match="from 1 to 8"):
        polynomial_errors(Run(seeds=(1,)), points=10, highest=9)
