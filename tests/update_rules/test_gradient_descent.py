"""Plain descent against closed forms on a bowl."""

import numpy as np
import pytest

from tests.update_rules.course import BOWL, START
from textbook.surfaces import Quadratic, trajectory
from textbook.update_rules import GradientDescent


@pytest.mark.parametrize("curvature", (1.0, 4.0))
@pytest.mark.parametrize(
    ("product", "rounded"),
    [(0.1, 5.2e-3), (0.5, 8.9e-16), (1, 0), (1.5, 8.9e-16), (1.9, 5.2e-3), (2, 1), (2.1, 117)],
)
def test_four_regimes_of_the_rate(product, rounded, curvature):
    path = trajectory(Quadratic((curvature,)), GradientDescent(product / curvature), start=[1], steps=50)
    k = np.arange(51)
    np.testing.assert_allclose(np.abs(path[:, 0]), np.abs(1 - product) ** k, rtol=1e-12)
    assert abs(path[50, 0]) == pytest.approx(rounded, rel=1e-2)
    assert np.all(path[1:, 0] >= 0) == (product <= 1)  # beyond 1/λ every update overshoots


def test_a_step_is_the_rate_times_the_gradient():
    path = trajectory(BOWL, GradientDescent(0.03), start=START, steps=50)
    lengths = np.linalg.norm(np.diff(path, axis=0), axis=1)
    np.testing.assert_allclose(lengths, 0.03 * np.linalg.norm(BOWL.gradient(path[:-1]), axis=1), rtol=1e-9)
    assert lengths[-1] < 0.1 * lengths[0]
