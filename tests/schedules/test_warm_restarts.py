"""Warm restarts against a loop over the cycles, Keras's and torch's own, with the restarts named."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.schedules.compiled import compiled
from tests.schedules.torch_oracle import torch_values
from textbook.schedules import WarmRestarts


def by_loop(updates, *, period, growth=1, shrink=1.0, maximum=1.0, final=0.0):
    """The rates of whole updates, each cycle counted down by itself; period and growth are whole numbers."""
    rates, length, top = [], period, maximum - final
    while len(rates) < updates:
        rates += [final + top * (1 + math.cos(math.pi * k / length)) / 2 for k in range(length)]
        length, top = length * growth, top * shrink
    return np.array(rates[:updates])


CASES = [
    {"period": 10},
    {"period": 7, "shrink": 0.5, "final": 0.01},
    {"period": 5, "growth": 2},
    {"period": 3, "growth": 3, "shrink": 0.8, "final": 0.1},
]
cases = pytest.mark.parametrize("case", CASES, ids=str)


@cases
def test_the_whole_curve_is_the_formula(case):
    np.testing.assert_allclose(WarmRestarts(1.0, **case)(np.arange(1000)), by_loop(1000, **case), rtol=1e-9, atol=1e-15)


@cases
@pytest.mark.parametrize("steps", (3, 7, 10, 90))
def test_in_the_graph_every_restart_falls_on_its_own_update(case, steps):
    import keras

    case_in_updates = {**case, "period": case["period"] * steps}
    updates = 60 * case["period"] * steps
    rate = WarmRestarts(1.0, **case).in_steps(steps)
    expected = by_loop(updates, **case_in_updates)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(rate(np.arange(updates))), expected, atol=3e-6, rtol=1e-4)


@pytest.mark.parametrize("growth", (1, 2, 3))
@pytest.mark.parametrize("period", (0.1, 0.3, 0.7))
def test_periods_that_floats_cannot_hold_restart_on_time(period, growth):
    import keras

    steps = 90
    restarts = WarmRestarts(1.0, period=period, growth=growth)
    expected = by_loop(3000, period=round(period * steps), growth=growth)
    np.testing.assert_allclose(restarts(np.arange(3000) / steps), expected, rtol=1e-7, atol=1e-12)
    in_graph = keras.ops.convert_to_numpy(restarts.in_steps(steps)(np.arange(3000)))
    np.testing.assert_allclose(in_graph, expected, atol=2e-5, rtol=1e-3)


def test_corners_before_at_and_after_a_restart():
    restarts = WarmRestarts(0.2, period=10, growth=2, shrink=0.5)
    assert restarts([0, 10, 30, 70]).tolist() == [0.2, 0.1, 0.05, 0.025]
    assert restarts([9.999999, 29.999999, 69.999999]).max() < 1e-9
    assert restarts([5, 20, 50]).tolist() == pytest.approx([0.1, 0.05, 0.025])


@pytest.mark.parametrize("growth", (1.0, 2.0, 1.5))
@pytest.mark.parametrize("shrink", (1.0, 0.6))
def test_it_is_keras_own(growth, shrink):
    import keras

    steps, period = 8, 4
    ours = WarmRestarts(0.2, period=period, growth=growth, shrink=shrink, final=0.02)
    theirs = compiled(keras.optimizers.schedules.CosineDecayRestarts(0.2, period * steps, growth, shrink, 0.1))
    in_graph = compiled(ours.in_steps(steps))
    for update in range(0, 300, 3):
        expected = float(theirs(update))
        assert ours(update / steps) == pytest.approx(expected, rel=2e-5)
        assert float(in_graph(update)) == pytest.approx(expected, rel=2e-5)


@pytest.mark.parametrize("growth", (1, 2, 3))
def test_it_is_torchs_own(growth):
    rates, _ = torch_values("CosineAnnealingWarmRestarts", 200, initial=0.2, T_0=6, T_mult=growth, eta_min=0.01)
    ours = WarmRestarts(0.2, period=6, growth=growth, final=0.01)
    np.testing.assert_allclose(ours(np.arange(200)), rates, rtol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"maximum": 0}, "expected maximum above 0"),
        ({"final": 0.2}, r"expected maximum above 0\.2, got 0\.2"),
        ({"final": -0.1}, "expected final from 0 up"),
        ({"period": 0}, "expected period above 0"),
        ({"growth": 0.5}, r"expected growth as 1 or from 1\.01 up, got 0\.5"),
        ({"growth": 1.001}, r"expected growth as 1 or from 1\.01 up, got 1\.001"),
        ({"shrink": 1.5}, "expected shrink above 0 and up to 1"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message + ".*; mend by"):
        WarmRestarts(**{"maximum": 0.2, "period": 5, **arguments})


@settings(max_examples=80, deadline=None)
@given(
    period=st.floats(0.01, 100),
    growth=st.one_of(st.just(1.0), st.floats(1.01, 5)),
    shrink=st.floats(0.1, 1),
    t=st.floats(0, 1e5),
)
def test_values_stay_between_their_bounds(period, growth, shrink, t):
    restarts = WarmRestarts(0.2, period=period, growth=growth, shrink=shrink, final=0.01)
    assert 0.01 <= restarts(t) <= 0.2 * (1 + 1e-12)
    assert restarts(t) == restarts(t) == pytest.approx(restarts([t, 0.0])[0], rel=1e-12)
