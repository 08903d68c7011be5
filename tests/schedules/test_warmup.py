"""Warm-up: the ramp, what follows it, and on whose clock."""

import numpy as np
import pytest

from tests.schedules.compiled import compiled
from textbook.schedules import Constant, CosineDecay, OneCycle, StepDecay, Triangular, Warmup

STEPS = StepDecay(0.2, factor=0.5, every=3)


def test_the_whole_curve_with_the_schedule_waiting():
    t = np.arange(0, 2000) / 100
    expected = [0.2 * (0.25 + 0.75 * k / 400) if k < 400 else 0.2 * 0.5 ** ((k - 400) // 300) for k in range(2000)]
    np.testing.assert_allclose(Warmup(STEPS, length=4, start=0.25)(t), expected, rtol=1e-12)


def test_the_whole_curve_with_the_ramp_laid_over_it():
    t = np.arange(0, 2000) / 100
    expected = [0.2 * 0.5 ** (k // 300) * (0.25 + 0.75 * min(k / 400, 1)) for k in range(2000)]
    np.testing.assert_allclose(Warmup(STEPS, length=4, start=0.25, delay=False)(t), expected, rtol=1e-12)


def test_corners():
    warm = Warmup(STEPS, length=4, start=0)
    assert warm(0) == 0 and warm(2) == 0.1 and warm(4) == 0.2
    assert [warm(t) for t in (6.999, 7, 10)] == [0.2, 0.1, 0.05]
    assert Warmup(Constant(0.1), length=5)(0) == pytest.approx(0.01)


def test_it_is_keras_cosine_with_warm_up():
    import keras

    steps = 10
    theirs = keras.optimizers.schedules.CosineDecay(0.0, 20 * steps, warmup_target=0.3, warmup_steps=5 * steps)
    theirs = compiled(theirs)
    ours = Warmup(CosineDecay(0.3, total=20), length=5, start=0)
    in_graph = compiled(ours.in_steps(steps))
    for update in range(0, 30 * steps, 3):
        assert ours(update / steps) == pytest.approx(float(theirs(update)), rel=1e-5, abs=1e-7)
        assert float(in_graph(update)) == pytest.approx(float(theirs(update)), rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("length", (0.1, 0.7, 5, 100.1))
@pytest.mark.parametrize("every", (0.1, 0.3, 3))
def test_the_drops_after_the_ramp_fall_on_their_own_updates(length, every):
    import keras

    steps = 90
    ramp, drop = round(length * steps), round(every * steps)
    warm = Warmup(StepDecay(1.0, factor=0.5, every=every), length=length, start=0)
    updates = np.arange(ramp + 20 * drop)
    expected = np.where(updates < ramp, updates / (length * steps), 0.5 ** ((updates - ramp) // drop))
    np.testing.assert_allclose(warm(updates / steps), expected, rtol=1e-12)
    in_graph = keras.ops.convert_to_numpy(warm.in_steps(steps)(updates))
    np.testing.assert_allclose(in_graph, expected, rtol=1e-6)


def test_a_cycle_inside_keeps_counting_updates():
    warm, cycle = Warmup(OneCycle(1.0, total=10), length=2), OneCycle(1.0, total=10)
    table = warm.table(steps_per_epoch=5)
    np.testing.assert_allclose(table.learning_rate[10:], cycle.table(steps_per_epoch=5).learning_rate, rtol=1e-9)
    assert table.learning_rate.iloc[-1] == pytest.approx(4e-6, rel=1e-9)


def test_the_momentum_stands_at_its_first_value_during_the_ramp():
    cycle = OneCycle(1.0, total=10)
    warm = Warmup(cycle, length=4)
    assert warm.momentum([0, 3.9]).tolist() == [0.95, 0.95]
    np.testing.assert_allclose(warm.momentum(np.arange(4, 16)), cycle.momentum(np.arange(12)), rtol=1e-12)
    triangle = Triangular(0.1, 0.2, step_size=3, momentum_range=(0.8, 0.9))
    over = Warmup(triangle, length=4, delay=False)
    assert np.array_equal(over.momentum(np.arange(12)), triangle.momentum(np.arange(12)))
    assert not Warmup(STEPS, length=4).has_momentum


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"schedule": 0.1}, r"expected a schedule, got 0\.1"),
        ({"length": 0}, "expected length above 0"),
        ({"start": 1.5}, "expected start from 0 to 1"),
        ({"delay": 1}, "expected delay as True or False"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message + ".*; mend by"):
        Warmup(**{"schedule": STEPS, "length": 5, **arguments})


def test_a_schedule_in_steps_goes_in_before_and_not_after():
    with pytest.raises(ValueError, match=r"expected a schedule, got StepDecay\(.*in_steps\(n\) or per_update\(\) last"):
        Warmup(STEPS.in_steps(5), length=5)
