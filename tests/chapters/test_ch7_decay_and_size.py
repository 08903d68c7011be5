import itertools

import pandas as pd
import pytest

from chapters.ch7 import decay_and_size as section


def ends():
    """A gain of 1 with few rows, and 10 more in the wide network, 100 more at the high rate; 5 where rate·λ is held."""
    rows = []
    for data, network, rate, seed in itertools.product(
        (section.FEW, section.MANY), (section.NARROW, section.WIDE), (section.LOW, section.HIGH), (0, 1)
    ):
        gain = (data == section.FEW) + 10 * (network == section.WIDE) + 100 * (rate == section.HIGH)
        losses = {section.NO_DECAY: 500 + seed, section.DECAY: 500 + seed - gain}
        if rate == section.LOW:
            losses[section.SCALED] = 495 + seed
        rows += [(data, network, rate, decay, seed, loss) for decay, loss in losses.items()]
    return pd.DataFrame(rows, columns=["data", "network", "rate", "decay", "seed", "test_loss"])


def test_gains_are_averaged_over_the_other_settings():
    gains = section.gains(ends())
    assert gains.groupby("level").gain.mean().to_dict() == pytest.approx(
        {
            section.FEW: 56,
            section.MANY: 55,
            section.NARROW: 50.5,
            section.WIDE: 60.5,
            section.LOW: 5.5,
            section.HIGH: 105.5,
            section.SCALED: 5,
        }
    )
    assert (gains.groupby("level").seed.nunique() == 2).all()


def test_claims_judge_the_same_gains():
    effects = {claim.id: claim.test.judge({"ends": ends()}).effect for claim in section.CLAIMS}
    assert effects == pytest.approx({"7.6-b/data": 1, "7.6-b/network": -10, "7.6-b/rate": -100, "7.6-b/product": 100.5})
