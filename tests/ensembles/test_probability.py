"""Probabilities and what they are worth, against definitions."""

import numpy as np
import pytest

from tests.ensembles.small import softmax
from textbook.ensembles import negative_log_likelihood, probabilities


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_a_temperature_divides_the_logits(temperature):
    logits = np.random.default_rng(0).normal(size=(5, 4))
    wanted = softmax(logits / temperature)
    np.testing.assert_allclose(probabilities(logits, logits=True, temperature=temperature), wanted)
    np.testing.assert_allclose(probabilities(softmax(logits), logits=False, temperature=temperature), wanted)


def test_large_logits_do_not_overflow():
    found = probabilities([[1000.0, 0.0], [-1000.0, 0.0]], logits=True)
    np.testing.assert_array_equal(found, [[1.0, 0.0], [0.0, 1.0]])


def test_one_column_with_a_temperature():
    sigmoid = 1 / (1 + np.exp(-1.0))
    np.testing.assert_allclose(probabilities([[2.0]], logits=True, temperature=2.0), [[sigmoid]])
    p = 1 / (1 + np.exp(-2.0))
    np.testing.assert_allclose(probabilities([[p]], logits=False, temperature=2.0), [[sigmoid]])


def test_likelihood_of_members_at_once_and_of_a_probability_of_zero():
    predicted = np.array([[[0.5, 0.5], [1.0, 0.0]], [[0.25, 0.75], [0.0, 1.0]]])
    found = negative_log_likelihood(predicted, [1, 0])
    np.testing.assert_allclose(found[:, 0], -np.log([0.5, 0.75]))
    assert found[0, 1] == 0 and 80 < found[1, 1] < np.inf


def test_no_temperature_of_zero():
    with pytest.raises(ValueError, match="temperature above 0"):
        probabilities([[0.0, 1.0]], logits=True, temperature=0.0)


@pytest.mark.parametrize("y", [[0, -1], [0, 2], [0.0, 1.0]])
def test_classes_that_are_not_there_are_refused(y):
    with pytest.raises(ValueError, match="expected y as classes from 0 to 1, whole numbers, got"):
        negative_log_likelihood([[0.5, 0.5], [0.5, 0.5]], y)
