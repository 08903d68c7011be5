"""The spread within epochs, on losses whose spread is known."""

import numpy as np
import pandas as pd
import pytest

from chapters.ch5 import batch_wiggle
from textbook.experiment import slope
from textbook.seeding import stream


def batches(size, losses, *, seed=1):
    """(epochs, batches) losses as the table of one run."""
    losses = np.asarray(losses, dtype=float)
    epochs, count = losses.shape
    means = np.cumsum(losses, axis=1) / np.arange(1, count + 1)
    return pd.DataFrame(
        {
            "batch_size": size,
            "seed": seed,
            "epoch": np.repeat(np.arange(epochs), count),
            "loss": losses.ravel(),
            "running_mean": means.ravel(),
        }
    )


def spread(table, of):
    return batch_wiggle._spread(table).query("of == @of").set_index("batch_size").deviation_of_loss


def test_a_level_that_falls_from_epoch_to_epoch_is_no_wiggle():
    table = batches(4, [[10, 12, 11], [1, 3, 2]])
    assert spread(table, "deviation")[4] == pytest.approx(1)
    assert spread(batches(4, [[5, 5], [1, 1]]), "deviation")[4] == 0


def test_running_means_wiggle_less():
    table = batches(4, [[1, 3, 1, 3]])
    assert spread(table, "shown")[4] == pytest.approx(np.std([1, 2, 5 / 3, 2], ddof=1))
    assert spread(table, "shown")[4] < spread(table, "deviation")[4]


def test_means_of_independent_losses_have_slope_minus_a_half_and_unscaled_ones_do_not():
    test = slope("deviation_of_loss", over="batch_size", theory=-0.5, where={"of": "deviation"})

    def judged(power):
        tables = [
            batches(size, size**power * stream(seed, "surface").normal(size=(4, 1024 // size)), seed=seed)
            for size in (4, 16, 64, 256)
            for seed in range(16)
        ]
        return test.judge(batch_wiggle._spread(pd.concat(tables))).verdict

    assert judged(-0.5) == "holds"
    assert judged(-0.25) == "fails"
