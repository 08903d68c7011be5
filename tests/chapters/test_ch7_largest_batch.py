"""When a run arrives, and the two laws fitted to updates that are known to follow one of them."""

import numpy as np
import pandas as pd
import pytest

from chapters.ch7.largest_batch import CLAIMS, FIRST, LAST, LAW, POWER, _crossing, _fits, _gains

SIZES = [8, 16, 32, 64, 256, 1024]


def curve(*losses: float, diverged=False) -> pd.DataFrame:
    epoch = np.arange(1, len(losses) + 1)
    return pd.DataFrame(
        {"epoch": epoch, "updates": 10 * epoch, "val_loss": losses, "chance_loss": 1.6, "diverged": diverged}
    )


def test_the_target_is_met_between_epochs_on_the_log_of_the_loss():
    assert _crossing(curve(0.8, 0.4, 0.1), 0.2) == (pytest.approx(25), True)
    assert _crossing(curve(0.8, 0.2, 0.3), 0.2) == (pytest.approx(20), True)
    assert _crossing(curve(0.4, 0.2), 0.8) == (pytest.approx(5), True)  # from a guess, in the first epoch


def test_a_run_that_never_arrives_counts_an_epoch_more():
    assert _crossing(curve(0.8, 0.4), 0.2) == (30, False)
    assert _crossing(curve(0.8, np.nan), 0.2) == (30, False)
    assert _crossing(curve(0.8, 0.1, diverged=True), 0.2) == (30, False)


def found(law) -> pd.DataFrame:
    """Three seeds' updates by a law, each a few per cent off."""
    rows = [
        (seed, size, law(size) * (1 + 0.02 * (-1) ** (seed + place)))
        for seed in range(3)
        for place, size in enumerate(SIZES)
    ]
    return pd.DataFrame(rows, columns=["seed", "batch_size", "updates"])


def judged(table: pd.DataFrame) -> str:
    (claim,) = (claim for claim in CLAIMS if claim.id == "7.4-c/fit")
    return claim.test.judge({"fits": _fits(table)}).verdict


def test_the_constants_of_the_law_are_found():
    fits = _fits(found(lambda size: 50 * (1 + 40 / size)))
    law = fits[fits.condition == LAW]
    assert law.least.between(47, 53).all() and law.critical.between(36, 44).all()
    assert (law.misfit < 0.03).all() and (fits[fits.condition == POWER].misfit > 0.1).all()


def test_the_claim_holds_for_the_law_and_not_for_a_power_law():
    assert judged(found(lambda size: 50 * (1 + 40 / size))) == "holds"
    assert judged(found(lambda size: 900 * size**-0.5)) == "reversed"


def test_gains_are_of_fourfold_batches():
    gains = _gains(found(lambda size: 1024 / size), SIZES).set_index("condition").gain
    assert gains[FIRST].to_numpy() == pytest.approx([4, 4, 4], rel=0.05) and len(gains[LAST]) == 3
    assert gains[LAST].to_numpy() == pytest.approx([4, 4, 4], rel=0.05)
