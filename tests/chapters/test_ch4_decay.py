"""The decay section's own computations against hand-made tables and a simulation."""

import numpy as np
import pandas as pd
import pytest

from chapters.ch4 import decay


def test_the_best_rate_is_the_lowest_mean_at_the_last_epoch_with_a_diverged_run_as_a_guess():
    rows = [("step", 0.1, 0, 0.2), ("step", 0.1, 1, 0.3), ("step", 0.4, 0, 0.01), ("step", 0.4, 1, np.nan)]
    trials = pd.DataFrame(rows, columns=["arm", "initial", "seed", "val_loss"])
    trials = trials.assign(epoch=2, diverged=trials.val_loss.isna(), chance_loss=2.3)
    earlier = trials.assign(epoch=1, val_loss=[9.0, 9.0, 0.0, 0.0], diverged=False)
    assert decay._best(pd.concat([earlier, trials])) == {"step": 0.1}


def test_gains_are_paired_by_seed_and_positive_where_an_arm_is_lower():
    rows = [
        (setting, arm, seed, loss + 0.5 * seed)
        for setting, arm, loss in (("large", "constant", 1.0), ("large", "step", 0.7), ("tuned", "constant", 0.4))
        for seed in (0, 1, 2)
    ]
    rows += [("tuned", "step", seed, 0.5 + 0.5 * seed) for seed in (0, 1, 2)]
    ends = pd.DataFrame(rows, columns=["setting", "arm", "seed", "test_loss"]).assign(diverged=False, chance_loss=2.3)
    gains = decay._gains(ends).set_index("setting")
    np.testing.assert_allclose(gains.loc["large", ["saved", "low", "high"]].astype(float), 0.3)
    np.testing.assert_allclose(gains.loc["tuned", ["saved", "low", "high"]].astype(float), -0.1)


def test_a_simulated_run_stalls_at_the_level_of_its_rate():
    levels = decay._levels(rates=(0.02,))
    generator = np.random.default_rng(0)
    curvatures, w = np.asarray(decay.CURVATURES), np.zeros((4000, 2))
    for _ in range(400):
        w = w - 0.02 * (curvatures * w + generator.normal(size=w.shape))
    simulated = (0.5 * curvatures * w**2).sum(axis=1)
    error = simulated.std() / np.sqrt(len(w))
    assert levels.level.item() == pytest.approx(simulated.mean(), abs=4 * error)
    assert levels.end.item() == pytest.approx(levels.level.item(), rel=1e-9)


def test_only_the_falling_rates_end_below_both_constant_ones():
    ends = decay._bowl().groupby("arm").ends_lower.first()
    assert sorted(ends[ends].index) == sorted(decay.DECAYED)
