"""The jackknife over blocks of trials, on pools whose answer is known."""

import numpy as np
import pandas as pd
import pytest

from chapters.ch4 import importance as section
from chapters.shared.trials import HYPERPARAMETERS
from textbook.statistics import mean_interval


def pool(loss, *, blocks=8, seed=0):
    """Random trials whose validation loss is a function of them."""
    random = np.random.default_rng(seed)
    table = pd.DataFrame({name: random.uniform(1, 2, 25 * blocks) for name in HYPERPARAMETERS})
    return table.assign(seed=np.repeat(np.arange(blocks), 25), val_loss=loss(table))


def test_the_mean_of_the_values_is_the_share_of_all_trials():
    trials = pool(lambda t: t.momentum + 0.5 * t.width)
    table = section._jackknife(trials).pivot(index="seed", columns="hyperparameter", values="share")
    whole = section._shares(trials, trees=256)
    assert table[list(HYPERPARAMETERS)].mean().to_dict() == pytest.approx(whole.to_dict())


def test_shares_and_spread_are_near_what_is_known():
    # effects a and a/2 of uniform variables have variances 1 : ¼, so shares of 0.8 and 0.2; forests favour the stronger
    table = section._jackknife(pool(lambda t: t.learning_rate + 0.5 * t.width)).set_index("hyperparameter").share
    low, high = mean_interval(table["learning_rate"].to_numpy())
    assert table["learning_rate"].mean() == pytest.approx(0.8, abs=0.1)
    assert table["width"].mean() == pytest.approx(0.2, abs=0.1)
    assert 0 < high - low < 0.2
    assert table[section._SECOND].to_list() == table["width"].to_list()


def test_one_block_has_no_spread():
    assert len(section._jackknife(pool(lambda t: t.width, blocks=1))) == len(HYPERPARAMETERS) + 1
