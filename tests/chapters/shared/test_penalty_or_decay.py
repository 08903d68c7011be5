"""Penalty and decay, step by step: the same for plain SGD alone."""

import numpy as np
import pytest

from chapters.shared.penalty_or_decay import _gradient, penalty_or_decay


def test_they_are_the_same_for_plain_sgd_alone():
    table = penalty_or_decay(0.01, updates=6)
    apart = table.pivot(index="update", columns="optimizer", values="apart")
    assert apart.index.tolist() == list(range(1, 7))
    assert apart["SGD"].max() < 1e-6
    # the first update has no momentum yet
    assert apart["SGD with momentum"][1] < 1e-6 < apart["SGD with momentum"][2]
    assert (apart["Adam"] > 1e-4).all()


def test_the_gradient_is_that_of_the_cross_entropy():
    rng = np.random.default_rng(0)
    x, w, labels = rng.normal(size=(5, 2)), rng.normal(size=(2, 3)), np.array([0, 2, 1, 1, 0])

    def loss(at):
        logits = x @ at
        return np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(5), labels])

    for place in np.ndindex(w.shape):
        step = np.zeros_like(w)
        step[place] = 1e-6
        assert _gradient(x, labels, w)[place] == pytest.approx((loss(w + step) - loss(w - step)) / 2e-6, abs=1e-8)
