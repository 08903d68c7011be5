"""The budgets of the batch sizes, by hand: 1024 rows, 4 epochs, so 128 updates of batches of 32."""

import numpy as np
import pytest

from chapters.ch4.batch_budget import EPOCHS, FULL, UPDATES, _arms
from textbook.experiment import Run


@pytest.fixture(scope="module")
def splits():
    return Run().splits("digits")


@pytest.fixture(scope="module")
def arms(splits):
    return _arms(splits, 1000, {1, 7, 8, 32, 128}, epochs=4)


def test_equal_epochs_are_equal(arms):
    assert {condition.epochs for (_, budget), condition in arms.items() if budget == EPOCHS} == {4}
    assert ("B = 1", EPOCHS) not in arms


def test_equal_updates_are_equal(arms, splits):
    for (_, budget), condition in arms.items():
        if budget == UPDATES:
            rows = len(condition.splits(1000).train)
            assert condition.epochs * -(-rows // condition.batch_size) == 128
    assert arms[FULL, UPDATES].epochs == 128


def test_a_cut_training_part_keeps_its_first_rows_and_all_that_is_held_out(arms, splits):
    whole, cut = splits(1001), arms["B = 7", UPDATES].splits(1001)
    assert np.array_equal(cut.train.indices, whole.train.indices[: 7 * 128])
    assert np.array_equal(cut.validation.indices, whole.validation.indices)
    assert np.array_equal(cut.test.indices, whole.test.indices)
    assert np.array_equal(cut.train.y, whole.train.y[: 7 * 128])


def test_sizes_beyond_the_rows_are_the_full_batch(splits):
    names = {name for name, _ in _arms(splits, 1000, {32, 5000}, epochs=4)}
    assert names == {"B = 32", FULL}
