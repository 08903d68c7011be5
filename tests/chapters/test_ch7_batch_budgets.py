"""The budgets of the batch sizes, by hand: 1024 rows and 4 epochs, so 128 updates of batches of 32."""

import pandas as pd

from chapters.ch7.batch_budgets import EPOCHS, SECONDS, UPDATES, _updates

# seconds for a thousand rows; each has a reading that a busy computer spoilt
CLOCK = pd.DataFrame(
    {"batch_size": [8, 32, 512] * 3, "seed": [0, 0, 0, 1, 1, 1, 2, 2, 2], "seconds": [4.0, 1.0, 0.5] * 2 + [40.0] * 3}
)
BUDGETS = _updates([8, 32, 512], 32, rows=1024, epochs=4.0, clock=CLOCK)


def test_equal_epochs_and_equal_updates_are_equal():
    assert {size: BUDGETS[EPOCHS, size] for size in (8, 32, 512)} == {8: 512, 32: 128, 512: 8}
    assert BUDGETS[UPDATES, 8] == BUDGETS[UPDATES, 512] == 128


def test_equal_seconds_read_as_many_rows_as_the_time_of_the_small_batch_allows():
    assert BUDGETS[SECONDS, 8] == 512 / 4 and BUDGETS[SECONDS, 512] == 8 * 2


def test_the_small_batch_is_trained_once_for_all_budgets():
    assert [budget for budget, size in BUDGETS if size == 32] == [EPOCHS]


def test_a_budget_of_less_than_two_updates_is_two():
    assert _updates([32, 1024], 32, rows=1024, epochs=1.0, clock=CLOCK.replace(512, 1024))[EPOCHS, 1024] == 2
