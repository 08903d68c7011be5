"""The search for critical points on a surface whose critical points are known, and what is counted afterwards."""

import numpy as np
import pandas as pd
import pytest

from chapters.ch5 import critical_points
from chapters.shared.tanh_network import TanhNetwork


class Egg:
    """Σ cos wᵢ: minima, saddles and maxima at the multiples of π."""

    weights = 3

    def value(self, w):
        return np.cos(w).sum(axis=-1)

    def gradient(self, w):
        return -np.sin(w)

    def hessian(self, w):
        return -np.cos(w)[..., None] * np.eye(3)


def test_the_search_ends_at_points_without_a_gradient_of_every_kind():
    starts = np.random.default_rng(0).uniform(-4, 4, size=(60, 3))
    ends, norms = critical_points._without_gradient(Egg(), starts, 60)
    settled = norms < 1e-9
    assert settled.mean() > 0.5
    assert np.abs(np.sin(ends[settled])).max() < 1e-9
    negative = (np.linalg.eigvalsh(Egg().hessian(ends[settled])) < 0).sum(axis=-1)
    assert set(negative) == {0, 1, 2, 3}  # descent would find minima only
    assert norms == pytest.approx(np.linalg.norm(Egg().gradient(ends), axis=-1))


def test_shares_and_ranks_of_each_seed():
    found = pd.DataFrame({"seed": [1, 1, 1, 1, 2], "settled": [True, True, True, False, True]})
    points = pd.DataFrame(
        {
            "seed": [1, 1, 1, 2],
            "loss": [0.1, 0.2, 0.3, 0.5],
            "negative": [0.0, 0.2, 0.4, 0.1],
            "minimum": [True, False, False, False],
        }
    )
    table = critical_points._by_seed(found, points).set_index("seed")
    assert table.rank_correlation.tolist() == [1.0, 0.0]  # one point alone shows no association
    assert table.minima_share.tolist() == [pytest.approx(1 / 3), 0.0]
    assert table.settled[1] == 0.75


def test_copies_are_critical_and_a_penalty_on_one_unit_would_show(monkeypatch):
    network = critical_points._network(3, 6, 0.003)
    found = critical_points._critical(network, 3, 2, 60)
    copies = critical_points._copies(network, found, 3)
    assert copies.gradient_norm.max() < 1e-8 and copies.distance.max() > 0.1
    assert copies.change.max() < 1e-12
    assert copies.copies.iloc[0] == 46080
    value = TanhNetwork.value
    monkeypatch.setattr(TanhNetwork, "value", lambda self, w: value(self, w) + 0.01 * np.asarray(w)[..., 0])
    higher = critical_points._copies(network, found, 3)
    assert np.abs(higher.height).max() > 1e-6 and higher.change.max() > 1e-6


def test_descent_is_caught_where_it_has_no_slope_to_follow(monkeypatch):
    network = critical_points._network(3, 6, 0.003)
    assert not critical_points._descent(network, 3).caught.any()
    monkeypatch.setattr(critical_points, "RATE", 1e-6)
    assert critical_points._descent(network, 3).caught.all()
