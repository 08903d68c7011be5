"""The pool of trials: what is drawn, and what each trial is trained with."""

import numpy as np
import pytest

from chapters.shared import trials as pool
from textbook.experiment import Run


@pytest.fixture(scope="module")
def table():
    return pool.trials(Run(seeds=(1000, 1001), quick=True), lowest=1e-3, highest=30.0, epochs=1)


def test_a_row_per_trial_with_a_seed_of_its_own(table):
    assert len(table) == 2 * pool.TRIALS_PER_SEED == table.trial.nunique()
    assert table.groupby("seed").size().to_dict() == {1000: 25, 1001: 25}


def test_values_come_from_the_ranges(table):
    assert table.learning_rate.between(1e-3, 30).all()
    assert table.weight_decay.between(*pool.WEIGHT_DECAYS).all()
    for name, values in pool.CHOICES.items():
        assert set(table[name]) <= set(values)


def test_rates_are_log_uniform():
    rates = np.concatenate([pool._draw(seed, 1e-4, 1.0).learning_rate for seed in range(80)])
    counts = np.histogram(np.log10(rates), bins=4, range=(-4, 0))[0]
    assert counts == pytest.approx(np.full(4, 500), abs=4 * np.sqrt(500 * 3 / 4))


def test_failed_trials_count_as_a_guess(table):
    assert table.diverged.any()
    assert table[table.diverged].val_loss.to_numpy() == pytest.approx(np.log(10))
    assert np.isfinite(table[["val_loss", "test_loss"]]).all(axis=None)


def test_a_trial_is_the_same_whatever_is_trained_beside_it(table):
    alone = pool.trials(Run(seeds=(1001,), quick=True), lowest=1e-3, highest=30.0, epochs=1)
    both = table[table.seed == 1001].reset_index(drop=True)
    sound = ~both.diverged & (both.learning_rate < 1)
    assert alone[sound].val_loss.to_numpy() == pytest.approx(both[sound].val_loss.to_numpy(), rel=1e-4)
