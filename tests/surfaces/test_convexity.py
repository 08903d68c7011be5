"""Chords: none below a convex surface, some below one that is not."""

import numpy as np
import pytest

from tests.surfaces.every import EVERY
from textbook.surfaces import DoubleWell, Quadratic, chord_gaps, chord_violations

THETAS = np.linspace(0, 1, 9)
CONVEX = {"bowl", "three weights", "regression", "logistic", "logistic, no penalty", "long valley"}


@pytest.mark.parametrize("name", EVERY)
def test_chords_tell_convex_surfaces_from_others(name):
    surface, weights = EVERY[name]
    starts, ends = np.random.default_rng(0).normal(scale=2, size=(2, 400, weights))
    violations = chord_violations(surface, starts, ends, THETAS)
    assert violations.shape == (400, 9)
    assert np.any(violations > 1e-3) == (name not in CONVEX)
    assert np.all(violations == 0) == (name in CONVEX)


def test_theta_is_the_share_of_the_start():
    gaps = chord_gaps(lambda w: w[..., 0] ** 2, [[0.0]], [[1.0]], [0.25])
    assert gaps.tolist() == [[0.75**2 - 0.75]]


def test_a_convex_function_need_not_be_strictly_so():
    flat = chord_gaps(lambda w: np.maximum(np.abs(w[..., 0]) - 1, 0) ** 2, [[-1.0]], [[1.0]], THETAS)
    assert np.all(flat == 0)  # a whole interval of minima
    assert np.all(chord_gaps(Quadratic((1,)), [[-1.0]], [[1.0]], THETAS)[:, 1:-1] < 0)


def test_rounding_is_no_violation_and_a_small_dent_is():
    line = lambda w: 1e3 + w @ np.array([0.1, 0.7])  # noqa: E731
    starts, ends = np.random.default_rng(1).normal(size=(2, 2000, 2))
    assert np.any(chord_gaps(line, starts, ends, THETAS) > 0)
    assert np.all(chord_violations(line, starts, ends, THETAS) == 0)
    dent = lambda w: line(w) - 1e-9 * w[..., 0] ** 2  # noqa: E731
    assert np.any(chord_violations(dent, starts, ends, THETAS) > 0)


def test_refusals():
    with pytest.raises(ValueError, match=r"expected starts and ends \(chords, weights\), got \(1,\) and \(1,\)"):
        chord_gaps(DoubleWell(), [1.0], [2.0], [0.5])
    for thetas in ([1.5], 0.5, [-0.1], [np.nan]):
        with pytest.raises(ValueError, match=r"expected a list of thetas from 0 to 1, got"):
            chord_violations(DoubleWell(), [[1.0]], [[2.0]], thetas)
