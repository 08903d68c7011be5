"""The support vector machine in NumPy: its gradient is right, and each mistake in it is found."""

import numpy as np
import pytest

from textbook.checks import gradient_check_function, numerical_gradient
from textbook.checks.bug_zoo import WestonWatkins
from textbook.checks.bug_zoo.svm import BUGS
from textbook.losses import weston_watkins


@pytest.fixture(scope="module")
def svm():
    random = np.random.default_rng(0)
    return WestonWatkins(random.normal(size=(30, 5)), random.integers(4, size=30), 4, l2=0.1)


@pytest.fixture(scope="module")
def weights(svm):
    return np.random.default_rng(1).normal(size=svm.weights)


def test_the_gradient_is_the_slope(svm, weights):
    np.testing.assert_allclose(svm.gradient(weights), numerical_gradient(svm.value, weights, h=1e-6), atol=1e-7)


def test_many_points_at_once(svm, weights):
    points = np.stack([weights, 2 * weights, 0 * weights]).reshape(3, 1, -1)
    assert svm.value(points).shape == (3, 1)
    np.testing.assert_allclose(svm.gradient(points)[1, 0], svm.gradient(2 * weights))
    np.testing.assert_allclose(
        svm.wrong_gradient(points, "stale mask")[0, 0], svm.wrong_gradient(weights, "stale mask")
    )


@pytest.mark.tensorflow
def test_the_value_is_that_of_the_keras_loss(svm, weights):
    scores = svm.x @ weights.reshape(4, -1).T
    expected = float(weston_watkins()(svm.y, scores)) + 0.1 * (weights**2).sum()
    assert svm.value(weights) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("bug", BUGS)
def test_each_mistake_is_found(svm, weights, bug):
    def wrong(w):
        return svm.wrong_gradient(w, bug)

    check = gradient_check_function(svm.value, weights, gradient=wrong, batched=True)
    assert check.tensors["verdict"].tolist() == ["wrong"]
    assert gradient_check_function(svm.value, weights, gradient=svm.gradient, batched=True).passed


def test_near_zero_scores_a_missing_margin_indicator_is_right_by_chance(svm, weights):
    near = 1e-4 * weights
    np.testing.assert_array_equal(svm.wrong_gradient(near, "missing margin indicator"), svm.gradient(near))
    assert (svm.wrong_gradient(weights, "missing margin indicator") != svm.gradient(weights)).any()


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda svm: WestonWatkins(np.ones((3, 2)), [0, 1], 2), "x .samples, features. and y"),
        (lambda svm: WestonWatkins(np.ones((2, 2)), [0, 2], 2), "from 0 to classes − 1"),
        (lambda svm: WestonWatkins(np.ones((2, 2)), [0.0, 1.0], 2), "whole numbers"),
        (lambda svm: svm.value(np.ones(3)), "expected weights"),
        (lambda svm: svm.wrong_gradient(np.ones(20), "typo"), "missing margin indicator"),
    ],
)
def test_bad_arguments(svm, call, message):
    with pytest.raises(ValueError, match=message):
        call(svm)
