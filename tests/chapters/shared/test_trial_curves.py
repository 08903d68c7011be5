"""The pool of trials with curves: what is drawn, which rows a trial sees, and how a failure counts."""

import numpy as np
import pandas as pd
import pytest

from chapters.shared import trial_curves as pool
from textbook.experiment import Run
from textbook.splits import Splitter


def test_a_setting_depends_on_its_seed_and_number_alone():
    few, many = pool.settings_of(7, 5), pool.settings_of(7, 50)
    pd.testing.assert_frame_equal(few, many.head(5))
    assert not np.allclose(few.u_rate, pool.settings_of(8, 5).u_rate)


def test_settings_are_log_uniform_between_their_ends():
    drawn = pd.concat(pool.settings_of(seed, 200) for seed in range(10))
    counts = np.histogram(np.log10(drawn.learning_rate), bins=7, range=(-6, 1))[0]
    assert counts.sum() == 2000
    assert counts == pytest.approx(np.full(7, 2000 / 7), abs=4 * np.sqrt(2000 / 7))
    assert drawn.momentum.between(0, 0.99).all()
    assert (1 - drawn.momentum).to_numpy() == pytest.approx(0.01 * 100 ** drawn.u_momentum.to_numpy())


def test_a_share_of_the_training_rows_leaves_the_other_parts():
    part = Splitter((np.arange(40.0).reshape(20, 2), np.arange(20) % 2), sizes=(12, 4, 4))(0)
    half = pool._smaller(part, 0.5)
    assert list(half.train.indices) == list(part.train.indices[:6])
    assert list(half.validation.indices) == list(part.validation.indices)
    assert list(half.test.indices) == list(part.test.indices)


def test_a_failed_trial_counts_as_a_guess_after_each_epoch():
    curves = pd.DataFrame({
        "seed": [1000000, 1000000, 1000001, 1000001], "epoch": [1, 2, 1, 2], "val_loss": [50.0, np.nan, 1.0, 0.5],
        "val_accuracy": [0.0, np.nan, 0.7, 0.8], "test_loss": [np.nan, np.nan, np.nan, 0.6],
        "diverged": [True, True, False, False], "chance_loss": 2.3, "chance_accuracy": 0.1,
    })  # fmt: skip
    table = pool._joined(pool.settings_of(1000, 2), curves)
    assert table.val_loss.tolist() == [2.3, 2.3, 1.0, 0.5]
    assert table.val_accuracy.tolist() == [0.1, 0.1, 0.7, 0.8]
    last = pool.ends(table)
    assert last.test_loss.tolist() == [2.3, 0.6]
    assert last.trial.tolist() == [0, 1]


@pytest.mark.parametrize("wrong", [{"count": 0}, {"count": 1001}, {"share": 0.0}, {"share": 1.5}])
def test_what_is_no_pool_is_refused(wrong):
    with pytest.raises(ValueError, match="expected 1 to 1000 trials a seed and a share up to 1"):
        pool.trial_curves(Run(seeds=(0,)), **wrong)
