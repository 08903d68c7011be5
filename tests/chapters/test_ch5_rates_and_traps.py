"""The double well against its formulae, and moments of arrival on hand-made curves."""

import numpy as np
import pandas as pd
import pytest

from chapters.ch5 import rates_and_traps
from textbook.experiment import exact

TEST = exact(measured="valley", expected="predicted", tolerance=1e-9)


def test_the_ridge_is_jumped_from_a_rate_of_two_thirds():
    well = rates_and_traps._well(0.15, 1.5)
    left, ridge, right = np.sort(np.roots([1, 0, -1, 0.15]).real)
    assert well.jumps.iloc[0] == pytest.approx((1.5 - ridge) / (1.5**3 - 1.5 + 0.15))
    assert np.allclose(well[well.rate <= 0.5].valley, right) and np.allclose(well[well.rate >= 0.7].valley, left)
    assert well.rate.max() > 0.7 and TEST.judge(well).verdict == "exact"


def test_another_start_has_another_threshold_and_a_wrong_one_is_caught():
    well = rates_and_traps._well(0.15, 1.2)
    assert well.jumps.iloc[0] > rates_and_traps._well(0.15, 1.5).jumps.iloc[0]
    assert TEST.judge(well).verdict == "exact"
    of_the_other_start = rates_and_traps._well(0.15, 1.5).predicted
    assert TEST.judge(well.assign(predicted=of_the_other_start)).verdict == "violated"


def run(training, held_out, *, rate=0.1, seed=1):
    epochs = np.arange(1, len(training) + 1)
    columns = {"rate": rate, "seed": seed, "epoch": epochs, "clean_loss": training, "val_loss": held_out}
    return pd.DataFrame({**columns, "chance_loss": 2.3, "diverged": False})


def test_the_moment_lies_between_two_epochs_on_the_logarithm():
    found = rates_and_traps._arrivals(run([0.4, 0.1, 0.025, 0.01], [0.5, 0.3, 0.2, 0.15]), 0.05).iloc[0]
    assert (found.val_loss, found.epochs, found.stuck) == (pytest.approx(0.25), pytest.approx(2.5), False)


def test_a_run_that_never_arrives_is_stuck_and_counts_with_its_end():
    curves = pd.concat([run([0.4, 0.2, 0.1], [0.5, 0.4, 0.3], seed=1), run([0.4, 0.2, 0.01], [0.5, 0.4, 0.3], seed=2)])
    found = rates_and_traps._arrivals(curves, 0.05).set_index("seed")
    assert found.stuck.tolist() == [True, False]
    assert found.loc[1, ["val_loss", "epochs"]].tolist() == [0.3, 3.0]


def test_a_run_that_arrives_at_once_counts_from_its_first_epoch():
    found = rates_and_traps._arrivals(run([0.04, 0.02], [0.2, 0.1]), 0.05).iloc[0]
    assert not found.stuck
    assert found.val_loss == 0.2 and found.epochs == 1
