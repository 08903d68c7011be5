"""Moments of equal loss on hand-made curves."""

import numpy as np
import pandas as pd
import pytest

from textbook.matched_loss import at_matched_loss


def run(training, held_out, *, seed=1):
    epochs = np.arange(1, len(training) + 1)
    return pd.DataFrame({"seed": seed, "epoch": epochs, "clean_loss": training, "val_loss": held_out})


def found(curves, target=0.05):
    return at_matched_loss(curves, target=target, by=["seed"]).set_index("seed")


def test_the_moment_lies_between_two_epochs_on_the_logarithm():
    row = found(run([0.4, 0.1, 0.025, 0.01], [0.5, 0.3, 0.2, 0.15])).loc[1]
    assert (row.val_loss, row.epochs, row.arrived) == (pytest.approx(0.25), pytest.approx(2.5), True)


def test_an_epoch_that_ends_on_the_target_is_the_moment():
    row = found(run([0.4, 0.05, 0.01], [0.5, 0.3, 0.2])).loc[1]
    assert (row.val_loss, row.epochs) == (0.3, 2.0)
    assert found(run([0.4, 0.05], [0.5, 0.3])).arrived.all()


def test_the_first_passing_counts_and_the_order_of_rows_does_not():
    curves = run([0.1, 0.025, 0.1, 0.025], [0.4, 0.2, 0.9, 0.8])
    row = found(curves.sample(frac=1, random_state=0)).loc[1]
    assert (row.val_loss, row.epochs) == (pytest.approx(0.3), pytest.approx(1.5))


def test_runs_that_never_arrive_count_with_their_end_and_are_marked():
    curves = pd.concat([run([0.4, 0.2, 0.1], [0.5, 0.4, 0.3], seed=1), run([0.04, 0.02], [0.2, 0.1], seed=2)])
    table = found(curves)
    assert table.arrived.tolist() == [False, True]
    assert table.val_loss.tolist() == [0.3, 0.2] and table.epochs.tolist() == [3.0, 1.0]


def test_losses_of_zero_and_losses_that_are_not_finite_do_not_spoil_the_moment():
    assert np.isfinite(found(run([0.4, 0.0], [0.5, 0.3])).val_loss).all()
    row = found(run([np.nan, 0.01], [np.nan, 0.3])).loc[1]
    assert (row.val_loss, row.epochs) == (0.3, 2.0)


def test_one_column_that_names_a_run_may_stand_by_itself():
    curves = run([0.4, 0.1], [0.5, 0.3])
    assert at_matched_loss(curves, target=0.2, by="seed").equals(at_matched_loss(curves, target=0.2, by=["seed"]))


def test_bad_targets_and_columns_are_refused_in_words():
    with pytest.raises(ValueError, match="target above 0"):
        found(run([0.1], [0.1]), target=0)
    with pytest.raises(ValueError, match="an epoch once for each seed"):
        found(pd.concat([run([0.4, 0.1], [0.5, 0.3]), run([0.2, 0.1], [0.5, 0.3])]))
    with pytest.raises(ValueError, match="expected columns condition"):
        at_matched_loss(run([0.1], [0.1]), target=0.1)
