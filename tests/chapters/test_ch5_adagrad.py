"""The Adagrad section's own computations: effective rates, recoveries, and what has stopped."""

import numpy as np
import pandas as pd
import pytest

from chapters.ch5 import adagrad
from textbook.experiment import Run
from textbook.update_rules import Adagrad, RMSprop


@pytest.mark.parametrize("rule", (Adagrad(0.3), RMSprop(0.3)), ids=repr)
def test_the_effective_rate_is_the_step_over_the_gradient(rule):
    state, gradient = rule.init(np.zeros(3)), np.array([0.1, -2.0, 30.0])
    for _ in range(4):
        change, state = rule.update(gradient, state)
        np.testing.assert_allclose(adagrad._rates(rule, state), -change / gradient, rtol=1e-12)


def test_a_rule_that_cannot_move_never_recovers_and_a_bold_one_does():
    lame, recovery = adagrad._walk("Adagrad", 1e-9, seeds=(1, 2), factor=0.01, change="flatter")
    assert recovery["updates"].tolist() == [adagrad.PATIENCE] * 2 and not recovery.recovered.any()
    assert not lame.rises.any()
    walk, recovery = adagrad._walk("RMSprop", 0.1, seeds=(1, 2), factor=0.01, change="flatter")
    assert recovery.recovered.all() and walk.rises.all()
    # at the update that counts, the loss shown is first at a hundredth of what the change left
    one = walk[walk.seed == 1].set_index("update").loss
    shock = one[adagrad.JUMP]
    needed = recovery["updates"].iloc[0]
    later = one[one.index > adagrad.JUMP]
    assert np.all(later[later.index < adagrad.JUMP + needed] > 0.01 * shock)


def test_gradients_a_thousand_times_as_large_have_rates_a_thousand_times_as_small():
    scales = adagrad._scales(sizes=(0.1, 100.0), updates=1000)
    np.testing.assert_allclose(scales.ratio, scales.expected_ratio, rtol=1e-9)
    assert sorted(set(scales["update"])) == [1, 10, 100, 1000]
    first, last = (scales[(scales["update"] == u) & (scales.gradient == 0.1)].rate.item() for u in (1, 1000))
    assert first / last == pytest.approx(1000**0.5)


def test_the_streams_slope_is_adagrads_alone():
    table = adagrad._stream(Run(seeds=(0, 1)))
    for name, slope in (("Adagrad", -0.5), ("RMSprop", 0.0)):
        rows = table[(table.condition == name) & (table.seed == 0)]
        assert np.polyfit(np.log(rows["update"]), np.log(rows.rate), 1)[0] == pytest.approx(slope, abs=0.06)


def test_a_run_has_stopped_if_the_last_sixth_brought_less_than_a_share():
    epochs = np.arange(1, 13)
    going, stuck = 2.0 / epochs, np.where(epochs < 6, 2.0 / epochs, 0.4)
    curves = pd.DataFrame(
        {
            "arm": "large",
            "seed": np.repeat([1, 2], 12),
            "epoch": np.tile(epochs, 2),
            "clean_loss": np.concatenate([going, stuck]),
        }
    )
    stops = adagrad._stops(curves, 0.01).set_index("seed")
    assert stops.stopped.to_dict() == {1: False, 2: True}
    assert stops.fallen[1] == pytest.approx(1 - 10 / 12)
