"""Agreement of early and final orders on hand-made curves."""

import numpy as np
import pandas as pd
import pytest

from chapters.ch5 import early_ranking as section


def test_agreement_of_the_same_and_of_the_opposite_order():
    late = np.arange(10.0)
    assert section._agreement(late, late, 4) == pytest.approx({"rho": 1.0, "kept": 1.0})
    assert section._agreement(-late, late, 4) == pytest.approx({"rho": -1.0, "kept": 0.0})
    assert section._agreement(np.roll(late, 1), late, 2)["kept"] == 0.5


def curves(first, last, rates):
    trials = range(len(rates))
    early = pd.DataFrame({"seed": 1, "trial": trials, "epoch": 1, "val_loss": first, "learning_rate": rates})
    return pd.concat([early, early.assign(epoch=2, val_loss=last)])


def test_low_rates_that_overtake_climb():
    rates = [0.02, 0.05, 0.2, 0.5]
    table = section._slow(curves([4, 3, 2, 1], [1, 2, 3, 4], rates), 0.01, 1.0)
    # ranks 4 and 3 become 1 and 2, of four; the others lose as much
    assert table.climb_of_low_rates.tolist() == pytest.approx([(3 + 1) / 8 * 2])
    same = section._slow(curves([4, 3, 2, 1], [4, 3, 2, 1], rates), 0.01, 1.0)
    assert same.climb_of_low_rates.tolist() == [0]


def test_rates_outside_the_band_have_no_part():
    table = curves([1, 2, 3], [1, 2, 3], [0.001, 0.1, 0.5])
    assert section._within(table, (0.01, 1.0)).trial.unique().tolist() == [1, 2]
    assert len(section._within(table, slice(None))) == 6
