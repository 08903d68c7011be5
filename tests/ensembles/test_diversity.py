"""Disagreement counted by hand, and the ambiguity decomposition over random predictions."""

import math

import numpy as np
import pytest

from textbook.ensembles import diversity


def test_disagreement_is_the_mean_over_pairs():
    named = np.array([[0, 0, 1, 1], [0, 1, 1, 1], [0, 1, 1, 0]])  # pairs differ on 1, 2 and 1 of 4
    assert diversity(np.eye(2)[named]).disagreement == pytest.approx((1 + 2 + 1) / 3 / 4)


@pytest.mark.parametrize("seed", range(20))
def test_ensemble_error_is_member_error_less_ambiguity(seed):
    random = np.random.default_rng(seed)
    members, samples, classes = random.integers(2, 7), random.integers(1, 30), random.integers(2, 6)
    predictions = random.dirichlet(np.ones(classes), size=(members, samples))
    found = diversity(predictions, random.integers(classes, size=samples))
    assert found.ensemble_error == pytest.approx(found.member_error - found.ambiguity, abs=1e-14)
    assert found.ambiguity > 0


def test_of_a_regression_and_of_one_column():
    values = np.array([[1.0, 2.0], [3.0, 2.0]])
    found = diversity(values, np.array([2.0, 1.0]))
    assert (found.ambiguity, found.member_error, found.ensemble_error) == (0.5, 1.0, 0.5)
    assert math.isnan(found.disagreement)
    binary = diversity(np.array([[[0.2], [0.9]], [[0.6], [0.7]]]), np.array([0, 1]))
    assert binary.disagreement == 0.5
    assert binary.ensemble_error == pytest.approx((0.4**2 + 0.2**2) / 2)
    assert binary.ensemble_error == pytest.approx(binary.member_error - binary.ambiguity)


def test_identical_members_have_none():
    one = np.random.default_rng(0).dirichlet(np.ones(3), size=9)
    found = diversity(np.stack([one, one]), np.zeros(9, int))
    assert found.disagreement == 0 and found.ambiguity == 0


@pytest.mark.parametrize(
    ("predictions", "y", "message"),
    [
        (np.ones((1, 4, 2)), None, "two members or more"),
        (np.ones((2, 4, 2)), np.zeros(3, int), "expected 4 classes"),
        (np.ones((2, 4, 2)), np.full(4, 2), "from 0 to 1"),
        (np.ones((2, 4)), np.ones(3), "expected y of shape"),
    ],
)
def test_what_does_not_fit_is_refused(predictions, y, message):
    with pytest.raises(ValueError, match=message):
        diversity(predictions, y)
