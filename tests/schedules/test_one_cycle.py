"""1cycle: torch's numbers at every update, Smith's and fastai's conventions, the corners by name."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.schedules.torch_oracle import torch_values
from textbook.schedules import OneCycle

# printed by torch's OneCycleLR, T = 10
RATES = [0.04, 0.52, 1, 0.950485, 0.811746, 0.611262, 0.388742, 0.188258, 0.0495194, 4e-6]
MOMENTA = [0.95, 0.9, 0.85, 0.854952, 0.868826, 0.888874, 0.911126, 0.931174, 0.945048, 0.95]
THREE = [0.04, 0.36, 0.68, 1, 0.68, 0.36, 0.04, 0.026668, 0.013336, 4e-6]
K = np.arange(10)


def test_the_default_is_torchs_table():
    np.testing.assert_allclose(OneCycle(1.0, total=10)(K), RATES, rtol=2e-6)
    np.testing.assert_allclose(OneCycle(1.0, total=10).momentum(K), MOMENTA, rtol=1e-6)


def test_three_phases_are_torchs_table():
    cycle = OneCycle(1.0, total=10, pct_start=0.4, anneal="linear", three_phase=True)
    np.testing.assert_allclose(cycle(K), THREE, rtol=2e-6)
    expected = [0.95, 0.95 - 0.1 / 3, 0.95 - 0.2 / 3, 0.85, 0.85 + 0.1 / 3, 0.85 + 0.2 / 3, 0.95, 0.95, 0.95, 0.95]
    np.testing.assert_allclose(cycle.momentum(K), expected, rtol=1e-12)


def by_loop(updates, *, pct, div=25.0, final_div=1e4, linear=False, three=False):
    """The rates and momenta of maximum 1, written down phase by phase in Python, update by update."""
    first, last = 1 / div, 1 / div / final_div
    corners = [(0.0, first, 0.95), (pct * updates - 1, 1.0, 0.85)]
    corners += [(2 * pct * updates - 2, first, 0.95)] if three else []
    corners += [(updates - 1, last, 0.95)]
    rows = []
    for k in range(updates):
        i = next(i for i in range(1, len(corners)) if k <= corners[i][0])
        (t0, *a), (t1, *b) = corners[i - 1], corners[i]
        x = (k - t0) / (t1 - t0)
        w = x if linear else (1 - math.cos(math.pi * x)) / 2
        rows.append([(1 - w) * p + w * q for p, q in zip(a, b, strict=True)])
    return np.array(rows).T


SHAPES = [
    {"pct": 0.3},
    {"pct": 0.25, "linear": True},
    {"pct": 0.37, "div": 10.0, "final_div": 100.0},
    {"pct": 0.4, "three": True},
    {"pct": 0.45, "three": True, "linear": True},
]
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)


def built(shape, *, total, maximum=1.0):
    return OneCycle(
        maximum,
        total=total,
        pct_start=shape["pct"],
        div_factor=shape.get("div", 25.0),
        final_div_factor=shape.get("final_div", 1e4),
        anneal="linear" if shape.get("linear") else "cosine",
        three_phase=shape.get("three", False),
    )


@shapes
@pytest.mark.parametrize("updates", (10, 97, 1000))
def test_the_whole_curve_is_the_formula(shape, updates):
    rates, momenta = by_loop(updates, **shape)
    cycle = built(shape, total=updates)
    np.testing.assert_allclose(cycle(np.arange(updates)), rates, rtol=1e-9)
    np.testing.assert_allclose(cycle.momentum(np.arange(updates)), momenta, rtol=1e-12)


@shapes
@pytest.mark.parametrize(("epochs", "steps"), [(10, 1), (5, 7), (1, 90), (30, 32)])
def test_in_steps_it_is_torch_at_every_update(shape, epochs, steps):
    rates, momenta = torch_values(
        "OneCycleLR",
        epochs * steps,
        max_lr=0.7,
        total_steps=epochs * steps,
        pct_start=shape["pct"],
        div_factor=shape.get("div", 25.0),
        final_div_factor=shape.get("final_div", 1e4),
        anneal_strategy="linear" if shape.get("linear") else "cos",
        three_phase=shape.get("three", False),
    )
    cycle = built(shape, total=epochs, maximum=0.7)
    table = cycle.table(steps_per_epoch=steps)
    np.testing.assert_allclose(table.learning_rate, rates, rtol=1e-9)
    np.testing.assert_allclose(table.momentum, momenta, rtol=1e-12)
    in_graph(cycle, steps, rates, momenta)
    np.testing.assert_allclose(built(shape, total=epochs * steps, maximum=0.7)(table["update"]), rates, rtol=1e-9)


def in_graph(cycle, steps, rates, momenta):
    import keras

    updates = np.arange(len(rates))
    rate = cycle.in_steps(steps)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(rate(updates)), rates, rtol=2e-5, atol=2e-7)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(rate.momentum(updates)), momenta, rtol=1e-6)


@pytest.mark.parametrize(("epochs", "steps"), [(10, 1), (5, 7), (30, 33), (2, 5000)])
def test_the_graph_is_exact_at_the_peak_and_at_the_last_update(epochs, steps):
    total = epochs * steps
    rate = OneCycle(1.0, total=epochs, pct_start=0.3 if total % 10 == 0 else 1 / 3).in_steps(steps)
    peak = 0.3 * total - 1 if total % 10 == 0 else total / 3 - 1
    if peak == round(peak):
        assert float(rate(round(peak))) == pytest.approx(1.0, rel=1e-6)
        assert float(rate.momentum(round(peak))) == pytest.approx(0.85, rel=1e-6)
    assert float(rate(0)) == pytest.approx(0.04, rel=1e-6)
    assert float(rate(total - 1)) == float(rate(total)) == float(rate(3 * total)) == pytest.approx(4e-6, rel=1e-5)
    assert float(rate.momentum(total - 1)) == pytest.approx(0.95, rel=1e-6)


@pytest.mark.parametrize("updates", range(1, 7))
def test_where_there_is_no_room_for_the_rise_torch_and_we_begin_below_or_at_the_peak(updates):
    rates, momenta = torch_values("OneCycleLR", updates, max_lr=1.0, total_steps=updates)
    cycle = OneCycle(1.0, total=updates)
    np.testing.assert_allclose(cycle(np.arange(updates)), rates, rtol=1e-9)
    np.testing.assert_allclose(cycle.momentum(np.arange(updates)), momenta, rtol=1e-12)


def test_a_peak_at_the_very_first_update_where_torch_divides_by_zero():
    assert OneCycle(1.0, total=4, pct_start=0.25)([0, 3]).tolist() == pytest.approx([1.0, 4e-6])


def test_one_unit_of_a_bare_schedule_is_one_update():
    # thirty epochs with a callback: the peak is in force in the ninth epoch, the final rate in the thirtieth
    cycle = OneCycle(0.5, total=30)
    assert cycle(8) == 0.5 and cycle(29) == cycle(30) == cycle(100) == pytest.approx(0.5 / 25e4)
    assert cycle.with_updates(10)(8.9) == pytest.approx(0.5) != cycle(8.9)
    assert cycle.in_steps(10).schedule == cycle


def test_smiths_own_rises_and_falls_in_equal_lines_and_ends_far_below():
    cycle = OneCycle.smith(1.0, total=100, last=0.2)
    rates = cycle(np.arange(100))
    np.testing.assert_allclose(rates[:40], 0.1 + 0.9 * np.arange(40) / 39, rtol=1e-12)
    np.testing.assert_allclose(rates[39:79], 1 - 0.9 * np.arange(40) / 39, rtol=1e-12)
    np.testing.assert_allclose(rates[78:], 0.1 - (0.1 - 1e-4) * np.arange(22) / 21, rtol=1e-12)
    np.testing.assert_allclose(cycle.momentum([0, 39, 78, 90, 99]), [0.95, 0.85, 0.95, 0.95, 0.95], rtol=1e-12)
    assert OneCycle.smith(1.0, total=100).pct_start == 0.45
    assert not OneCycle.smith(1.0, total=100, momentum_range=None).has_momentum


def test_fastais_own_peaks_at_a_quarter_and_ends_at_a_hundred_thousandth():
    cycle = OneCycle.fastai(0.3, total=100)
    assert cycle(24) == 0.3 == cycle(np.arange(100)).max()
    assert cycle(0) == pytest.approx(0.3 / 25) and cycle(99) == pytest.approx(0.3e-5, rel=1e-12)


def test_torchs_own_is_the_default():
    assert OneCycle.torch(0.3, total=7) == OneCycle(0.3, total=7)
    linear = OneCycle.torch(0.3, total=7, anneal="linear", three_phase=True)
    assert linear == OneCycle(0.3, total=7, anneal="linear", three_phase=True)


def test_rate_and_momentum_go_against_each_other():
    cycle = OneCycle(0.3, total=200)
    rate, momentum = np.diff(cycle(np.arange(200))), np.diff(cycle.momentum(np.arange(200)))
    assert np.all(rate * momentum < 0) and np.sum(np.diff(np.sign(rate)) != 0) == 1


def test_without_a_range_there_is_no_momentum():
    with pytest.raises(AttributeError, match=r"expected a schedule with a momentum, .*mend by"):
        OneCycle(1.0, total=10, momentum_range=None).momentum  # noqa: B018


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"maximum": 0}, "expected maximum above 0"),
        ({"total": 0}, "expected total above 0"),
        ({"pct_start": 0}, "expected pct_start above 0 and below 1"),
        ({"pct_start": 1}, "expected pct_start above 0 and below 1"),
        ({"pct_start": 0.6, "three_phase": True}, r"expected pct_start up to 0\.5 with three_phase"),
        ({"div_factor": 0.5}, "expected div_factor from 1 up"),
        ({"final_div_factor": 0.5}, "expected final_div_factor from 1 up"),
        ({"anneal": "cos"}, "expected anneal as one of 'cosine', 'linear', got 'cos'"),
        ({"three_phase": 1}, "expected three_phase as True or False"),
        ({"momentum_range": (0.95, 0.85)}, r"expected momentum_range as \(lowest, highest\)"),
        ({"momentum_range": (0.85,)}, r"expected momentum_range as \(lowest, highest\)"),
        ({"momentum_range": (0.85, 1.0)}, r"expected momentum_range\[1\] from 0 and below 1"),
        ({"momentum_range": 0.9}, "expected momentum_range as a list"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message + ".*; mend by"):
        OneCycle(**{"maximum": 0.1, "total": 10, **arguments})


def test_smiths_last_stretch_is_a_share():
    with pytest.raises(ValueError, match=r"expected last above 0 and below 1, got 1; mend by"):
        OneCycle.smith(0.1, total=10, last=1)


@settings(max_examples=60, deadline=None)
@given(
    total=st.integers(1, 50),
    steps=st.integers(1, 50),
    pct=st.floats(0.01, 0.5),
    anneal=st.sampled_from(["cosine", "linear"]),
    three=st.booleans(),
)
def test_values_stay_between_their_bounds_and_end_at_the_last_update(total, steps, pct, anneal, three):
    cycle = OneCycle(0.7, total=total, pct_start=pct, anneal=anneal, three_phase=three)
    table = cycle.table(epochs=total + 2, steps_per_epoch=steps)
    final = 0.7 / 25e4
    assert np.all(table.learning_rate <= 0.7 * (1 + 1e-12)) and np.all(table.learning_rate >= final * (1 - 1e-9))
    assert np.all(table.momentum <= 0.95 + 1e-12) and np.all(table.momentum >= 0.85 - 1e-12)
    np.testing.assert_allclose(table.learning_rate[total * steps - 1 :], final, rtol=1e-9)


@pytest.mark.tensorflow
def test_in_a_condition_it_counts_that_conditions_updates():
    from textbook.replicas.plan import rates_of

    rates = rates_of(OneCycle(1.0, total=10).per_update(), updates=70, per_epoch=7)
    np.testing.assert_allclose(rates, by_loop(70, pct=0.3)[0], rtol=1e-9)
    held = rates_of(OneCycle(1.0, total=10), updates=70, per_epoch=7)
    np.testing.assert_allclose(held, np.repeat(RATES, 7), rtol=2e-6)
