"""Cyclical rates against Smith's formula, his numbers and torch's `CyclicLR`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.schedules.torch_oracle import torch_values
from textbook.schedules import ExpRange, Triangular, Triangular2

K = np.arange(0, 400)


def smith(k, s, base, maximum, scale):
    """The formula as it is printed, for one k."""
    cycle = np.floor(1 + k / (2 * s))
    x = abs(k / s - 2 * cycle + 1)
    return base + (maximum - base) * max(0.0, 1 - x) * scale(cycle, k)


FAMILIES = {
    "triangular": (Triangular, {}, lambda cycle, k: 1.0),
    "triangular2": (Triangular2, {}, lambda cycle, k: 1 / 2 ** (cycle - 1)),
    "exp_range": (ExpRange, {"gamma": 0.99}, lambda cycle, k: 0.99**k),
}
every = pytest.mark.parametrize("mode", FAMILIES)


def test_the_printed_numbers():
    cycle = Triangular(0.001, 0.006, step_size=4)
    expected = [0.001, 0.0035, 0.006, 0.0035, 0.001, 0.0035, 0.006, 0.0035, 0.001]
    np.testing.assert_allclose(cycle(np.arange(0, 17, 2)), expected, rtol=1e-12)


@every
@pytest.mark.parametrize("step_size", (1, 4, 7, 100))
def test_the_whole_curve_is_the_formula(mode, step_size):
    family, more, scale = FAMILIES[mode]
    cycle = family(0.01, 0.2, step_size=step_size, momentum_range=(0.8, 0.9), **more)
    np.testing.assert_allclose(cycle(K), [smith(k, step_size, 0.01, 0.2, scale) for k in K], rtol=1e-10)
    # the same way from the highest momentum down
    expected = [0.9 - (smith(k, step_size, 0.8, 0.9, scale) - 0.8) for k in K]
    np.testing.assert_allclose(cycle.momentum(K), expected, rtol=1e-10)


@every
@pytest.mark.parametrize(("epochs", "steps"), [(4, 1), (3, 8), (0.5, 90)])
def test_in_steps_it_is_torch_at_every_update(mode, epochs, steps):
    import keras

    family, more, _ = FAMILIES[mode]
    updates = 300
    rates, momenta = torch_values(
        "CyclicLR",
        updates,
        base_lr=0.01,
        max_lr=0.2,
        step_size_up=int(epochs * steps),
        mode=mode,
        gamma=0.99 if more else 1.0,
        base_momentum=0.8,
        max_momentum=0.9,
    )
    if more:
        more = {"gamma": 0.99**steps}  # theirs is per update
    cycle = family(0.01, 0.2, step_size=epochs, momentum_range=(0.8, 0.9), **more)
    at = np.arange(updates)
    np.testing.assert_allclose(cycle(at / steps), rates, rtol=1e-10)
    np.testing.assert_allclose(cycle.momentum(at / steps), momenta, rtol=1e-10)
    rate = cycle.in_steps(steps)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(rate(at)), rates, rtol=3e-5)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(rate.momentum(at)), momenta, rtol=3e-6)


@every
def test_corners_the_peak_and_the_turn(mode):
    family, more, _ = FAMILIES[mode]
    cycle = family(0.0, 1.0, step_size=3, **more)
    first, second = cycle([3, 9])
    assert cycle([0, 6, 12]).tolist() == pytest.approx([0, 0, 0], abs=1e-15)
    assert [first, second] == pytest.approx(
        {"triangular": [1, 1], "triangular2": [1, 0.5], "exp_range": [0.99**3, 0.99**9]}[mode]
    )


@pytest.mark.parametrize("step_size", (0.1, 0.3, 0.7, 5))
def test_every_cycle_is_halved_at_its_own_first_update_in_the_graph(step_size):
    import keras

    steps = 90
    half = round(step_size * steps)
    updates = np.arange(0, 20 * half)
    rate = Triangular2(0.0, 1.0, step_size=step_size).in_steps(steps)
    expected = [smith(k, half, 0.0, 1.0, FAMILIES["triangular2"][2]) for k in updates]
    np.testing.assert_allclose(keras.ops.convert_to_numpy(rate(updates)), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("family", "arguments", "message"),
    [
        (Triangular, {"base": -0.1}, "expected base from 0 up"),
        (Triangular, {"maximum": 0.1}, r"expected maximum above 0\.1, got 0\.1"),
        (Triangular2, {"step_size": 0}, "expected step_size above 0"),
        (Triangular2, {"momentum_range": (0.9, 0.8)}, r"expected momentum_range as \(lowest, highest\)"),
        (ExpRange, {"gamma": 1.1}, "expected gamma above 0 and up to 1"),
        (ExpRange, {"gamma": 0}, "expected gamma above 0 and up to 1"),
    ],
)
def test_wrong_arguments_are_refused(family, arguments, message):
    given = {"base": 0.1, "maximum": 0.2, "step_size": 2, **({"gamma": 0.9} if family is ExpRange else {})}
    with pytest.raises(ValueError, match=message + ".*; mend by"):
        family(**{**given, **arguments})


@settings(max_examples=60, deadline=None)
@given(mode=st.sampled_from(list(FAMILIES)), step_size=st.floats(0.01, 100), t=st.floats(0, 1e5))
def test_values_stay_between_their_bounds(mode, step_size, t):
    family, more, _ = FAMILIES[mode]
    cycle = family(0.01, 0.2, step_size=step_size, momentum_range=(0.8, 0.9), **more)
    assert 0.01 <= cycle(t) <= 0.2 * (1 + 1e-12) and cycle(t) == cycle(t)
    assert 0.8 - 1e-12 <= cycle.momentum(t) <= 0.9
