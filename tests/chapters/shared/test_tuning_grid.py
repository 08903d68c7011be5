"""The grid's steps, what a cell trains with, and what counts of a run that diverged."""

import numpy as np
import pandas as pd
import pytest

from chapters.shared import tuning_grid as grid
from textbook.schedules import OneCycle


def test_along_a_diagonal_rate_over_one_minus_momentum_stays_the_same():
    effective = np.array(grid.RATES)[:, None] / (1 - np.array(grid.MOMENTA))
    assert effective[1:, :-1] == pytest.approx(effective[:-1, 1:], rel=0.12)


def test_a_cell_trains_with_its_rate_and_half_its_weight_decay_as_penalty():
    condition = grid._condition(grid.CONSTANT, 0.1, 0.7, 3e-3, epochs=8)
    # l·Σw² has the gradient 2l·w
    assert (condition.learning_rate, condition.momentum, condition.strengths) == (0.1, 0.7, {"l2": 1.5e-3})
    cycle = grid._condition(grid.ONE_CYCLE, 0.3, 0.9, 0.0, epochs=8).learning_rate
    assert cycle == OneCycle(0.3, total=8, momentum_range=None).per_update()


def test_the_end_of_a_run_is_its_last_epoch_without_penalty_and_a_guess_where_it_diverged():
    rows = pd.DataFrame(
        {
            "condition": ["a", "a", "b", "b"],
            "seed": 1,
            "epoch": [1, 2, 1, 2],
            "val_clean_loss": [0.9, 0.5, 9.0, np.nan],
            "test_clean_loss": [np.nan, 0.6, np.nan, np.inf],
            "diverged": [False, False, True, True],
            "chance_loss": 2.3,
        }
    )
    found = grid.ends(rows).set_index("condition")
    assert found.val_loss.to_dict() == {"a": 0.5, "b": 2.3}
    assert found.test_loss.to_dict() == {"a": 0.6, "b": 2.3}
    assert found.epochs.tolist() == [2, 2]
