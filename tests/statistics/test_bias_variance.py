"""Bias and variance against a learner whose parts are known, and the identities that the parts must meet."""

import numpy as np
import pytest

from textbook.statistics import bias_variance, log_loss_parts


def test_a_shrunken_mean_has_the_bias_and_variance_of_the_formula():
    # 0.5 · mean of 4 values N(2, 1): bias² (0.5·2 − 2)² = 1, variance 0.25/4 = 0.0625
    drawn = np.random.default_rng(0).normal(2, 1, (20_000, 4)).mean(axis=1, keepdims=True) / 2
    found = bias_variance(drawn, [2.0])
    assert found.bias == pytest.approx(1, abs=0.02)
    assert found.variance == pytest.approx(0.0625, rel=0.05)


def test_the_parts_sum_to_the_error_with_several_values_too():
    rng = np.random.default_rng(1)
    for shape in ((5, 7), (5, 7, 3)):
        predictions, truth = rng.normal(size=shape), rng.normal(size=shape[1:])
        found = bias_variance(predictions, truth)
        by_hand = ((predictions - truth) ** 2).sum(axis=tuple(range(2, len(shape)))).mean()
        assert found.error == pytest.approx(by_hand, rel=1e-12)
        assert found.bias + found.variance == pytest.approx(by_hand, rel=1e-12)


def test_bias_is_unbiased_for_few_training_sets():
    # without the correction, two training sets would show half the variance as bias
    rng = np.random.default_rng(2)
    found = [bias_variance(rng.normal(size=(2, 50)), np.zeros(50)).bias for _ in range(400)]
    assert np.mean(found) == pytest.approx(0, abs=0.02)


def test_equal_predictions_have_no_variance_whatever_their_error():
    found = bias_variance(np.full((3, 4), 7.0), np.zeros(4))
    assert (found.bias, found.variance) == (49, 0)


def test_log_loss_is_bias_and_variance():
    rng = np.random.default_rng(3)
    probabilities = rng.dirichlet(np.ones(4), (6, 50))
    labels = rng.integers(0, 4, 50)
    found = log_loss_parts(probabilities, labels)
    by_hand = -np.log(probabilities[:, np.arange(50), labels]).mean()
    assert found.error == pytest.approx(by_hand, rel=1e-12)
    assert found.bias + found.variance == pytest.approx(by_hand, rel=1e-12)
    assert found.variance > 0
    same = log_loss_parts(np.repeat(probabilities[:1], 3, axis=0), labels)
    assert same.variance == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("predictions", "truth", "word"),
    [
        ([[1.0, 2.0]], [1.0, 2.0], "two training sets"),
        ([[1.0, 2.0]] * 2, [1.0], "a row of predictions"),
        ([[1.0, np.nan]] * 2, [1.0, 2.0], "finite"),
    ],
)
def test_bad_predictions_are_refused(predictions, truth, word):
    with pytest.raises(ValueError, match=word):
        bias_variance(predictions, truth)


@pytest.mark.parametrize(
    ("probabilities", "labels", "word"),
    [
        ([[[0.5, 0.5]]], [0], "two training sets"),
        ([[[0.5, 0.5]]] * 2, [2], "classes from 0 to 1"),
        ([[[0.5, 0.5]]] * 2, [0.0], "classes from 0 to 1"),
        ([[[1.0, 0.0]]] * 2, [0], "above 0"),
        ([[[0.9, 0.9]]] * 2, [0], "sum to 1"),
    ],
)
def test_bad_probabilities_are_refused(probabilities, labels, word):
    with pytest.raises(ValueError, match=word):
        log_loss_parts(probabilities, labels)
