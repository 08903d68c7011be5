"""Random features: nested draws, their scale, and least squares of smallest norm."""

import numpy as np
import pytest

from textbook.random_features import RandomFeatures, minimum_norm


def rows(count=30, inputs=6, seed=0):
    return np.random.default_rng(seed).normal(size=(count, inputs))


def test_a_smaller_draw_is_the_beginning_of_a_larger_one():
    x = rows()
    few, many = (RandomFeatures.draw(x, count=count, seed=3)(x) for count in (5, 40))
    assert np.array_equal(few, many[:, :5])
    assert not np.array_equal(few, RandomFeatures.draw(x, count=5, seed=4)(x))


def test_features_are_a_rectified_plane_whose_size_does_not_depend_on_the_inputs():
    x = rows()
    drawn = RandomFeatures.draw(x, count=4000, seed=0)
    assert np.allclose(drawn(x), np.where((plane := x @ drawn.weights + drawn.biases) > 0, plane, 0))
    # a plane of variance 1 + 1/4 over the draws, whatever the units of x
    assert plane.var() == pytest.approx(1.25, rel=0.1)
    assert (x * 255 @ RandomFeatures.draw(x * 255, count=4000, seed=0).weights).var() == pytest.approx(1.0, rel=0.1)


def test_minimum_norm_is_least_squares_with_few_features_and_the_pseudoinverse_with_many():
    y = rows(seed=1)
    tall, wide = rows(30, 6), rows(30, 80, seed=2)
    assert np.allclose(minimum_norm(tall, y), np.linalg.solve(tall.T @ tall, tall.T @ y))
    w = minimum_norm(wide, y)
    assert np.allclose(wide @ w, y)
    assert np.allclose(w, wide.T @ np.linalg.solve(wide @ wide.T, y))
    assert minimum_norm(tall, y[:, 0]).shape == (6,)


def test_bad_rows_and_counts_are_refused_in_words():
    with pytest.raises(ValueError, match="flattening"):
        RandomFeatures.draw(np.zeros((3, 8, 8)), count=4, seed=0)
    with pytest.raises(ValueError, match="not all 0"):
        RandomFeatures.draw(np.zeros((3, 8)), count=4, seed=0)
    with pytest.raises(ValueError, match="count as a whole number"):
        RandomFeatures.draw(rows(), count=0, seed=0)
    with pytest.raises(ValueError, match="expected finite x, got 1 other values"):
        RandomFeatures.draw([[1.0, np.nan]], count=2, seed=0)
    with pytest.raises(ValueError, match=r"expected x as \(rows, 6\), got shape \(30, 5\)"):
        RandomFeatures.draw(rows(), count=2, seed=0)(rows(inputs=5))


@pytest.mark.parametrize(
    ("features", "targets", "words"),
    [
        (np.ones((3, 2)), np.ones(4), "as many targets as rows"),
        (np.ones(3), np.ones(3), "as many targets as rows"),
        (np.ones((3, 2)), [1.0, np.inf, 0.0], "finite features and targets"),
    ],
)
def test_least_squares_refuses_what_does_not_fit_together(features, targets, words):
    with pytest.raises(ValueError, match=words):
        minimum_norm(features, targets)
