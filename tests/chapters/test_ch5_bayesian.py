"""Expected improvement, the replayed searches, and halving's budget, on hand-made pools."""

import numpy as np
import pandas as pd
import pytest

from chapters.ch5 import bayesian as section


def test_expected_improvement_is_the_mean_of_what_is_gained():
    drawn = np.random.default_rng(0).normal(0.3, 0.5, 400_000)
    gained = np.maximum(0.2 - drawn, 0)
    found = section.expected_improvement(np.array([0.3]), np.array([0.5]), 0.2)[0]
    assert found == pytest.approx(gained.mean(), abs=5 * gained.std() / np.sqrt(len(gained)))


def test_expected_improvement_exploits_and_explores():
    gain = section.expected_improvement(np.array([0.0, 0.5, 0.5]), np.array([0.0, 0.0, 1.0]), 0.2)
    assert gain[0] == pytest.approx(0.2)
    assert gain[1] == pytest.approx(0.0)
    assert gain[2] > 0.2


def test_the_bayesian_search_tries_no_setting_twice_and_finds_the_bottom_of_a_bowl():
    units = np.random.default_rng(1).random((300, 2))
    scores = np.square(units - 0.3).sum(axis=1)
    tried = section._bayesian(units, scores, trials=20, initial=6, rng=np.random.default_rng(2))
    assert len(set(tried)) == 20
    assert scores[tried].min() <= np.sort(scores)[2]
    assert scores[tried[:6]].min() > np.sort(scores)[2]  # it was not found by luck


def test_halving_spends_no_more_than_full_trials_and_keeps_the_best():
    late = np.random.default_rng(0).random(64)
    scores = np.stack([late] * 8, axis=1)
    tried, spent = section._halved(scores, 10, np.random.default_rng(0))
    assert spent <= 80
    # rounds of 32, 16, 8 and 4 trials for 1, 1, 2 and 4 further epochs
    assert (len(tried), spent) == (4, 32 + 16 + 16 + 16)
    start = np.random.default_rng(0).permutation(64)[:32]
    assert set(tried) == set(start[np.argsort(late[start])[:4]])


def test_scores_are_relative_to_the_best_of_the_split():
    rows = [
        {"seed": seed, "trial": trial, "epoch": epoch, "val_loss": (trial + 1) * (seed + 1) / epoch}
        for seed in (0, 1)
        for trial in range(10)
        for epoch in (1, 2)
    ]
    scores = section._relative(pd.DataFrame(rows))
    assert scores.shape == (20, 2)
    np.testing.assert_allclose(scores[:10], scores[10:])
    assert scores[:10, 1].mean() == pytest.approx(1)
