"""Another split seed: hand-made scores with a known answer."""

import numpy as np
import pandas as pd
import pytest

from chapters.ch4.split_luck import CLAIMS, _gains, _redrawn
from textbook.experiment import HOLDS, NO_DIFFERENCE, Run

OPTIMISM = next(claim.test for claim in CLAIMS if claim.id == "4.8.3-b/optimism")


def runs(*, real: bool) -> pd.DataFrame:
    """Twelve draws for 16 seeds; the test score follows the validation score, or has nothing to do with it."""
    rng, frames = np.random.default_rng(0), []
    for seed in range(16):
        chosen_by, other = 0.96 + 0.01 * rng.normal(size=(2, 12))
        judged_by = chosen_by if real else other
        frames.append(
            pd.DataFrame(
                {"condition": "stratified", "seed": seed, "val_accuracy": chosen_by, "test_accuracy": judged_by}
            )
        )
    return pd.concat(frames)


@pytest.mark.parametrize(("real", "verdict"), [(False, HOLDS), (True, NO_DIFFERENCE)])
def test_optimism_is_what_the_test_part_does_not_see(real, verdict):
    gains = _gains(runs(real=real), 10)
    assert OPTIMISM.judge({"judged": gains[gains.k == 10]}).verdict == verdict


def test_one_try_gains_nothing_and_more_tries_look_better():
    gains = _gains(runs(real=False), 10).groupby("k").apparent_gain.mean()
    assert gains[1] == pytest.approx(0)
    assert (gains.diff().dropna() > 0).all()


def test_the_splits_of_a_seed_share_their_test_part_and_no_other():
    draw = _redrawn(Run(seeds=(1000, 1001)), stratify=None)
    first, second, other = draw(100_000), draw(100_001), draw(100_100)
    np.testing.assert_array_equal(first.rows[2], second.rows[2])
    assert set(first.rows[0]) != set(second.rows[0])
    assert set(first.rows[2]) != set(other.rows[2])


@pytest.mark.parametrize("knobs", [{"tries": 1}, {"tries": 13}, {"draws": 101}])
def test_impossible_numbers_of_tries_are_refused(knobs):
    from chapters.ch4.split_luck import measure

    with pytest.raises(ValueError, match="expected 1 < tries"):
        measure(Run(seeds=(1000, 1001), quick=True), **knobs)
