"""The relative error, its rule for zeros, and its two denominators."""

import numpy as np
import pytest

from textbook.checks import relative_error


def test_both_zero_agree_and_one_zero_does_not():
    assert relative_error([0.0, 0.0, 1e-9], [0.0, 1e-9, 0.0]).tolist() == [0.0, 1.0, 1.0]


def test_the_two_denominators():
    assert relative_error(2.0, 1.0) == 0.5
    assert relative_error(2.0, 1.0, form="sum") == pytest.approx(1 / 3)
    assert relative_error(1.0, -1.0) == 2
    assert relative_error(1.0, -1.0, form="sum") == 1


def test_it_is_symmetric_and_has_no_unit():
    a, n = np.random.default_rng(0).normal(size=(2, 50))
    np.testing.assert_array_equal(relative_error(a, n), relative_error(n, a))
    np.testing.assert_allclose(relative_error(1e-9 * a, 1e-9 * n), relative_error(a, n))


def test_large_gradients_do_not_overflow_and_nan_stays():
    assert relative_error(1.5e308, -1.5e308) == 2
    assert np.isnan(relative_error([np.nan, np.inf], [1.0, np.inf])).all()


def test_an_unknown_form_is_refused():
    with pytest.raises(ValueError, match="'max' or 'sum'"):
        relative_error(1, 2, form="mean")
