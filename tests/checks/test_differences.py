"""Differences against derivatives known in closed form."""

import numpy as np
import pytest

from textbook.checks import centred_difference, forward_difference, numerical_gradient


def test_errors_fall_with_h_and_with_its_square():
    at, slope = 0.7, np.cos(0.7)
    for difference, order in ((forward_difference, 1), (centred_difference, 2)):
        errors = [abs(difference(np.sin, at, h) - slope) for h in (1e-2, 1e-3)]
        assert errors[0] / errors[1] == pytest.approx(10**order, rel=0.05)


def test_the_dtype_of_x_is_kept_and_whole_numbers_become_float64():
    assert centred_difference(np.sin, np.float32(0.7), 1e-2).dtype == np.float32
    assert forward_difference(np.square, np.arange(3), 1e-3).dtype == np.float64


@pytest.mark.parametrize("form", ["centred", "forward"])
def test_all_weights_at_once(form):
    def surface(w):
        return w[..., 0] ** 2 * w[..., 1] + np.sin(w[..., 2])

    w = np.array([1.5, -2.0, 0.3])
    expected = [2 * w[0] * w[1], w[0] ** 2, np.cos(w[2])]
    np.testing.assert_allclose(numerical_gradient(surface, w, h=1e-6, form=form), expected, rtol=1e-5)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: centred_difference(np.sin, 1.0, 0.0), "finite step other than 0"),
        (lambda: forward_difference(np.sin, np.float32(1), 1e-60), "finite step other than 0"),
        (lambda: numerical_gradient(np.sum, np.ones((2, 2)), h=1e-5), r"weights \(n,\)"),
        (lambda: numerical_gradient(np.sum, np.ones(2), h=1e-5, form="backward"), "'centred' or 'forward'"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
