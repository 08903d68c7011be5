"""Orders of hand-made runs, which are known, and of diverged ones."""

import numpy as np
import pandas as pd
import pytest

from chapters.shared.opposite_orders import orders
from textbook.experiment import share


def runs(*rows, labels: str = "clean", seed: int = 1) -> pd.DataFrame:
    """Rows (batch size, accuracy, loss, loss after the temperature) of one seed."""
    table = pd.DataFrame(rows, columns=["batch_size", "test_accuracy", "test_loss", "scaled_loss"])
    return table.assign(labels=labels, seed=seed, diverged=False, chance_loss=2.3, chance_accuracy=0.1)


@pytest.mark.parametrize(
    ("rows", "puzzle", "flips", "opposite"),
    [
        # the puzzle, which the temperature takes away
        (((8, 0.95, 0.10, 0.10), (128, 0.97, 0.20, 0.08)), True, True, True),
        # both scores prefer the small batch
        (((8, 0.97, 0.10, 0.10), (128, 0.95, 0.20, 0.18)), False, False, False),
        # the other way round: opposite, but no puzzle
        (((8, 0.97, 0.20, 0.10), (128, 0.95, 0.10, 0.20)), False, True, True),
        # a pair between them is ranked oppositely, the ends are not
        (((8, 0.97, 0.1, 0.1), (32, 0.96, 0.3, 0.1), (64, 0.98, 0.31, 0.1), (128, 0.95, 0.4, 0.4)), False, False, True),
        # equal accuracies rank nothing
        (((8, 0.96, 0.10, 0.10), (128, 0.96, 0.20, 0.18)), False, False, False),
    ],
)  # fmt: skip
def test_orders_of_hand_made_runs(rows, puzzle, flips, opposite):
    for given in (rows, rows[::-1]):
        (found,) = orders(runs(*given)).itertuples()
        assert (found.puzzle, found.flips, found.opposite) == (puzzle, flips, opposite)


def test_a_diverged_run_is_ranked_as_a_guess():
    table = runs((8, np.nan, np.nan, np.nan), (128, 0.5, 1.0, 0.9))
    table.loc[0, "diverged"] = True
    (found,) = orders(table).itertuples()
    assert not found.puzzle and not found.opposite and not found.flips
    # a guess has a lower loss than a network that is wrong and sure of it
    worse = runs((8, np.nan, np.nan, np.nan), (128, 0.5, 3.0, 0.9))
    worse.loc[0, "diverged"] = True
    (found,) = orders(worse).itertuples()
    assert found.puzzle and found.flips


def test_the_puzzle_is_counted_by_seed():
    both = [runs((8, 0.95, 0.1, 0.1), (128, 0.97, 0.2, 0.1), seed=seed) for seed in range(14)]
    both += [runs((8, 0.97, 0.1, 0.1), (128, 0.95, 0.2, 0.1), seed=seed) for seed in (14, 15)]
    found = orders(pd.concat(both))
    assert share("puzzle", where={"labels": "clean"}).judge(found).verdict == "holds"
