"""Rates that grow with the batch: the two rules, and what they leave alone."""

import numpy as np
import pytest

from textbook.schedules import Constant, OneCycle, ScaledByBatch, StepDecay, Warmup


def test_both_rules_multiply_the_whole_curve():
    steps, t = StepDecay(0.1, factor=0.5, every=3), np.linspace(0, 20, 201)
    assert np.array_equal(ScaledByBatch(steps, batch_size=8192, base_batch_size=256)(t), 32 * steps(t))
    root = ScaledByBatch(steps, batch_size=64, base_batch_size=256, rule="square root")
    assert np.array_equal(root(t), steps(t) / 2)
    assert np.array_equal(ScaledByBatch(steps, batch_size=256, base_batch_size=256)(t), steps(t))


def test_goyals_imagenet_recipe():
    # 0.1 for 256 images, batches of 8192, five epochs from 0.1 up to 3.2, drops at 30, 60, 80
    from textbook.schedules import PiecewiseConstant

    steps = PiecewiseConstant([0.1, 0.01, 0.001, 0.0001], boundaries=[30, 60, 80])
    recipe = Warmup(ScaledByBatch(steps, batch_size=8192, base_batch_size=256), length=5, start=256 / 8192, delay=False)
    np.testing.assert_allclose(recipe([0, 2.5, 5, 29, 30, 60, 80]), [0.1, 1.65, 3.2, 3.2, 0.32, 0.032, 0.0032])


def test_a_cycle_keeps_its_momentum_and_its_updates():
    cycle = OneCycle(0.1, total=10)
    scaled = ScaledByBatch(cycle, batch_size=64, base_batch_size=32)
    assert np.array_equal(scaled.momentum(np.arange(10)), cycle.momentum(np.arange(10)))
    ours, theirs = scaled.table(steps_per_epoch=3), cycle.table(steps_per_epoch=3)
    np.testing.assert_allclose(ours.learning_rate, 2 * theirs.learning_rate, rtol=1e-14)
    assert np.array_equal(ours.momentum, theirs.momentum)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"schedule": 0.1}, r"expected a schedule, got 0\.1"),
        ({"batch_size": 0}, "expected batch_size as a whole number from 1 up, got 0"),
        ({"base_batch_size": 25.6}, r"expected base_batch_size as a whole number from 1 up, got 25\.6"),
        ({"rule": "sqrt"}, "expected rule as one of 'linear', 'square root', got 'sqrt'"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message + ".*; mend by"):
        ScaledByBatch(**{"schedule": Constant(0.1), "batch_size": 64, "base_batch_size": 32, **arguments})
