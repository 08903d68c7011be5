import numpy as np
import pandas as pd
import pytest

from textbook.experiment.verdicts import slope, trend
from textbook.statistics import FAILS, HOLDS, INCONCLUSIVE, REVERSED

KNOB = (1, 2, 4, 8, 16)


def table(value, knob=KNOB, seeds=4, metric="val_loss"):
    """value(knob, seed) in a row for each knob value and seed."""
    return pd.DataFrame([{"batch_size": k, "seed": s, metric: value(k, s)} for k in knob for s in range(seeds)])


FALLS = trend("val_loss", over="batch_size", direction="falls")


def test_the_change_is_slope_times_range():
    # 0.1 nats for each doubling, four doublings
    judgement = FALLS.judge(table(lambda k, s: 1 - 0.1 * np.log2(k) + 0.5 * s))
    assert judgement.verdict == HOLDS
    assert judgement.effect == pytest.approx(0.4)
    assert judgement.n == 4


def test_rising_is_the_opposite_and_a_linear_knob_can_be_asked_for():
    linear = table(lambda k, s: 0.01 * k + 0.001 * s)
    assert FALLS.judge(linear).verdict == REVERSED
    judgement = trend("val_loss", over="batch_size", direction="rises", log=False).judge(linear)
    assert judgement.effect == pytest.approx(0.15)


def test_a_step_that_goes_the_other_way_contradicts_the_trend():
    dip = {1: 1.0, 2: 0.5, 4: 0.6, 8: 0.3, 16: 0.1}
    judgement = FALLS.judge(table(lambda k, s: dip[k] + 0.001 * s))
    assert judgement.verdict == FAILS
    assert "step 2 is reversed" in judgement.note


def test_a_ratio_metric_reports_the_factor_over_the_range():
    judgement = trend("seconds", over="batch_size", direction="falls").judge(
        table(lambda k, s: (1 + 0.1 * s) / k, metric="seconds")
    )
    assert judgement.effect == pytest.approx(16)
    assert judgement.unit == "×"


def test_a_trend_refuses_few_knob_values_holes_and_logs_of_zero():
    with pytest.raises(ValueError, match="at least 5 values of 'batch_size', got 4"):
        FALLS.judge(table(lambda k, s: k, knob=KNOB[:4]))
    with pytest.raises(ValueError, match=r"batch_size 1 at every seed .* seed 0"):
        FALLS.judge(table(lambda k, s: k).iloc[1:])
    with pytest.raises(ValueError, match="pass log=False"):
        FALLS.judge(table(lambda k, s: k, knob=(0, 1, 2, 3, 4)))
    with pytest.raises(ValueError, match="'falls' or 'rises'"):
        trend("val_loss", over="batch_size", direction="down")


def test_the_exponent_of_a_power_law():
    law = table(lambda k, s: (1 + s) * k ** (-0.5 + 0.01 * s), metric="gradient_noise")
    judgement = slope("gradient_noise", over="batch_size", theory=-0.5).judge(law)
    assert judgement.verdict == HOLDS
    assert judgement.effect == pytest.approx(-0.485)
    assert judgement.delta == 0.1
    assert slope("gradient_noise", over="batch_size", theory=-1).judge(law).verdict == FAILS
    assert slope("gradient_noise", over="batch_size", theory=-0.4).judge(law).verdict == INCONCLUSIVE


def test_a_range_fixed_beforehand_leaves_the_rest_out():
    floor = table(lambda k, s: max(1 / k, 1 / 8) * (1 + s), knob=(1, 2, 4, 8, 16, 32), metric="noise")
    assert slope("noise", over="batch_size", theory=-1).judge(floor).verdict == FAILS
    assert slope("noise", over="batch_size", theory=-1, between=(1, 8)).judge(floor).verdict == HOLDS
    with pytest.raises(ValueError, match="three or more values"):
        slope("noise", over="batch_size", theory=-1, between=(1, 2)).judge(floor)
    with pytest.raises(ValueError, match="between="):
        slope("noise", over="batch_size", theory=-1, between=(8, 1))


def test_repr_reads_like_the_claim():
    test = trend("wrong_way", over="batch_size", direction="falls", unit="points", delta=5)
    assert eval(repr(test)) == test
    assert "falls with log batch_size" in test.sentence
    assert eval(repr(slope("noise", over="b", theory=-1))) == slope("noise", over="b", theory=-1)
