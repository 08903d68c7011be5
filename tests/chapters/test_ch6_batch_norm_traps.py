"""What 6.3 batch_norm_traps computes of trained weights, by hand."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from chapters.ch6.batch_norm_traps import CLAIMS, MOMENTA, _costs, _weights
from chapters.shared.one_batch_norm import Trained

RANDOM = np.random.default_rng(0)
Y = np.repeat([0, 1], 40)
X = np.eye(2)[Y] + RANDOM.normal(scale=0.05, size=(80, 2))
# tells the classes by the sign of x1 − x0, centred
ONE = Trained(np.array([[-1.0], [1.0]]), np.ones(1), np.zeros(1), np.zeros(1), np.ones(1),
              np.array([[-9.0, 9.0]]), np.array([4.0, -4.0]))  # fmt: skip


def judged(name, tables):
    return next(claim for claim in CLAIMS if claim.id == f"6.3-h/{name}").test.judge(tables).verdict


def test_a_weight_that_differs_violates_and_statistics_may():
    trained = {(momentum, 0): ONE for momentum in MOMENTA}
    trained[0.5, 0] = replace(ONE, mean=np.array([9.0]))
    assert judged("same-weights", {"weights": _weights(trained, [0])}) == "exact"
    trained[0.9, 0] = replace(ONE, last=ONE.last + 1e-3)
    assert judged("same-weights", {"weights": _weights(trained, [0])}) == "violated"


def test_costs_are_of_the_same_rows_whatever_their_order():
    trained = {(0.99, 0): ONE, (0.1, 0): replace(ONE, mean=np.array([5.0]))}
    splits = lambda seed: SimpleNamespace(test=SimpleNamespace(x=X, y=Y))  # noqa: E731
    costs = _costs(trained, [0], splits).set_index("condition").test_loss
    assert costs["none of them"] < 0.2 < costs["momentum 0.1, torch's"]
    # the hidden sum is 0 for every row alone: the same logits, 4 and −4, for both classes
    assert costs["by batches of 1"] == pytest.approx((np.log1p(np.exp(-8)) + np.log1p(np.exp(8))) / 2)
    assert costs["by batches of one class"] > 5 * costs["none of them"]
