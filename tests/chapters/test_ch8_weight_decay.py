"""Weights near 0, their size read off a penalty, and what a ridge penalty leaves."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from chapters.ch8 import weight_decay as section


def test_near_zero_is_relative_to_the_largest_of_each_layer():
    layers = [np.array([[1.0, 0.005], [-0.02, 0.0]]), np.array([[100.0, 0.9]])]
    assert section.near_zero(layers) == pytest.approx(3 / 6)


def test_losses_are_of_the_last_epoch_and_the_norm_of_the_penalty():
    curves = pd.DataFrame({"condition": ["L2|0.01"] * 2 + ["no penalty|0"] * 2, "epoch": [1, 2, 1, 2], "seed": 1})
    columns = {"clean_loss": 0.1, "val_clean_loss": 0.2, "test_clean_loss": 0.3, "chance_loss": 2.3}
    curves = curves.assign(**columns, penalty=[9.0, 0.25, 0.0, 0.0], diverged=[False, False, False, True])
    found = section._losses(curves).set_index("kind")
    assert found.norm["L2"] == pytest.approx(5) and np.isnan(found.norm["no penalty"])
    assert found.test_loss.to_dict() == {"L2": 0.3, "no penalty": 2.3}
    assert found.strength.to_dict() == {"L2": 0.01, "no penalty": 0.0}


def test_histograms_are_shares_of_the_first_layer():
    kernels = {("L1", seed): [np.zeros((2, 2)), np.full((2, 1), 0.3)] for seed in (1, 2)}
    table = section._histogram(kernels)
    assert table.share.sum() == 1 and table[table.share > 0].left.tolist() == pytest.approx([0.0], abs=0.011)


def test_ridge_leaves_all_weights_and_fewer_parameters():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3, 2))
    x[:, 0, 0] = 1  # a constant feature is no parameter
    part = SimpleNamespace(x=x, y=np.arange(40) % 3)

    class Part(SimpleNamespace):
        def __len__(self):
            return 40

    table = section._ridge(SimpleNamespace(train=Part(**vars(part)), classes=3))
    assert (table.features == 5).all() and (table.zero_weights == 0).all()
    assert (np.diff(table.effective) < 0).all() and table.effective.iloc[0] == pytest.approx(5, abs=0.01)
    assert table.effective.to_numpy() == pytest.approx(table["trace"].to_numpy())
