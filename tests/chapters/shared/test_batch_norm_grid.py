"""The arms of the batch-norm grid on small networks: choice of rates, the target, noise, and replicas apart."""

import numpy as np
import pandas as pd
import pytest

from chapters.shared import batch_norm_grid as grid
from textbook.experiment import Run
from textbook.experiment.errors import UsageError

SMALL = {"depth": 2, "activation": "relu", "width": 6, "batch_size": 32, "epochs": 1, "noise": (1.0, 1.5)}


def training(arm, *, seeds=(1000, 1001), judged=True, **others):
    return grid.Training(Run(seeds=seeds, quick=True), seeds, arm=arm, judged=judged, **(SMALL | others))


def test_the_fastest_and_the_best_rate_are_chosen_on_trials():
    trials = pd.DataFrame({
        "rate": [0.1, 0.1, 0.3, 0.3, 1.0, 1.0], "seed": [0, 1] * 3, "updates": [50, 60, 20, 30, 19, 99],
        "train_loss": [0.1, 0.1, 0.2, 0.2, 0.1, 0.1], "val_loss": [0.2, 0.2, 0.3, 0.3, 0.1, 0.9], "diverged": False,
    })  # fmt: skip
    assert grid._chosen(trials) == {grid.SPEED: 0.3, grid.VALIDATION: 0.1}
    # where no rate arrives, the training loss at the end decides, and a diverged run's is the worst
    late = trials.assign(updates=99, train_loss=[2, 2, 1, 1, 0, 0], diverged=trials.rate == 1.0)
    assert grid._chosen(late)[grid.SPEED] == 0.3


def test_updates_to_the_target_are_found_between_looks_and_a_rate_that_is_too_large_scores_as_a_guess():
    ends, looks = training(grid.BATCH_NORM).ends((0.3,), target=2.2)
    curves = looks["curves"]
    assert sorted(curves["update"].unique()) == [0, 8, 16] and set(ends.total) == {16}
    for run in ends.itertuples():
        mine = curves[curves.seed == run.seed].set_index("update").train_loss
        before = mine[mine > 2.2].index.max()
        assert run.arrived and before <= run.updates <= before + 8 and mine[before + 8] <= 2.2
    lost, _ = training(grid.NONE, depth=4, width=32).ends((1e6,), target=2.2)
    assert lost.diverged.all() and not lost.arrived.any() and (lost.updates == 16).all()
    assert lost.test_loss.to_numpy() == pytest.approx(np.log(10)) and (lost.test_accuracy == 0.1).all()


def test_a_run_is_the_same_whoever_trains_beside_it_and_trials_see_no_test_rows():
    many = training(grid.NOISY, probe=True).ends((0.1, 0.3), target=1.0)
    one = training(grid.NOISY, seeds=(1001,), probe=True).ends((0.3,), target=1.0)
    for name in ("drift", "smoothness", "curves"):
        mine = many[1][name][lambda t: (t.rate == 0.3) & (t.seed == 1001)].reset_index(drop=True)
        pd.testing.assert_frame_equal(mine, one[1][name], rtol=1e-4)
    trials, looks = training(grid.NONE, judged=False).ends((0.1,), target=1.0)
    assert looks["curves"].test_loss.isna().all() and "test_accuracy" not in trials


def test_noise_is_new_at_each_update_within_its_bounds_and_moves_the_inputs():
    noisy = training(grid.NOISY)
    (factor, shift), (later, _) = noisy._noise_at(0, np.array([0, 1]))[0], noisy._noise_at(1, np.array([0, 1]))[0]
    assert factor.shape == shift.shape == (2, 1, 6) and not np.allclose(factor, later)
    assert factor.min() > 1 / 1.5 and factor.max() < 1.5 and (factor < 1).any() and np.abs(shift).max() < 1
    # a rate of next to nothing leaves the weights, so that only the noise moves what a layer gets
    drifts = {
        arm: training(arm, probe=True).ends((1e-9,), target=1.0)[1]["drift"].drift
        for arm in (grid.BATCH_NORM, grid.NOISY)
    }
    assert drifts[grid.BATCH_NORM].max() < 1e-4 and drifts[grid.NOISY].min() > 0.1


def test_what_cannot_be_trained_is_refused():
    for wrong in ({"arm": "layer norm"}, {"arm": grid.NONE, "batch_size": 513}):
        with pytest.raises(UsageError, match="expected"):
            training(**wrong)
