"""What every schedule shares: calls, values, errors, budgets, Keras's LearningRateScheduler."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from textbook import schedules
from textbook.schedules import (
    Chain,
    Constant,
    CosineDecay,
    ExponentialDecay,
    ExpRange,
    InverseTimeDecay,
    OneCycle,
    PerUpdate,
    PiecewiseConstant,
    PolynomialDecay,
    ScaledByBatch,
    Schedule,
    StepDecay,
    Triangular,
    Triangular2,
    WarmRestarts,
    Warmup,
)

# these begin with their first argument and never rise
DECAYING = (
    Constant(0.1),
    StepDecay(0.2, factor=0.5, every=5),
    ExponentialDecay(0.1, factor=0.1, every=8),
    ExponentialDecay(0.1, factor=0.1, every=8, staircase=True),
    InverseTimeDecay(0.3, rate=0.5),
    CosineDecay(0.2, total=12, final=0.01),
    PolynomialDecay(0.2, total=12, final=0.01, power=2),
)
STEPS = StepDecay(0.2, factor=0.5, every=3)
CYCLE = OneCycle(0.4, total=10, pct_start=0.4)
EVERY_FAMILY = (
    *DECAYING,
    PiecewiseConstant([0.1, 0.3, 0.05], boundaries=[3, 7.5]),
    WarmRestarts(0.2, period=3, final=0.01),
    WarmRestarts(0.2, period=2, growth=1.5, shrink=0.7),
    Triangular(0.01, 0.2, step_size=3, momentum_range=(0.8, 0.9)),
    Triangular2(0.01, 0.2, step_size=3),
    ExpRange(0.01, 0.2, step_size=3, gamma=0.9, momentum_range=(0.8, 0.9)),
    CYCLE,
    OneCycle.smith(0.4, total=12),
    Warmup(CYCLE, length=2.5),
    Warmup(STEPS, length=4, start=0.25, delay=False),
    ScaledByBatch(CYCLE, batch_size=64, base_batch_size=32),
    ScaledByBatch(STEPS, batch_size=64, base_batch_size=32, rule="square root"),
    Chain([Constant(0.1), Chain([STEPS, CYCLE], lengths=[2.5]), Warmup(STEPS, length=2)], lengths=[1, 12.5]),
    CYCLE.momentum,
)
families = pytest.mark.parametrize("schedule", EVERY_FAMILY, ids=repr)
# what is tried inside a real fit, where each one costs a compilation
FITTED = (STEPS, CosineDecay(0.2, total=12, final=0.01), WarmRestarts(0.2, period=2, growth=1.5), EVERY_FAMILY[-2])
fitted = pytest.mark.parametrize("schedule", FITTED, ids=repr)


@families
def test_a_number_gives_a_float_and_an_array_a_float64_array(schedule):
    for t in (3, 3.0, np.int64(3), np.float32(3), np.array(3)):
        assert type(schedule(t)) is float
    grid = np.arange(12, dtype=np.int32).reshape(3, 4)
    assert schedule(grid).dtype == np.float64 and schedule(grid).shape == (3, 4)
    assert schedule([0, 7.25]).tolist() == [schedule(0), schedule(7.25)]
    assert schedule(np.array([])).shape == (0,)


@pytest.mark.parametrize("schedule", DECAYING, ids=repr)
def test_the_first_rate_is_the_one_given_and_none_is_larger(schedule):
    first = next(iter(schedule.arguments().values()))
    rates = schedule(np.linspace(0, 40, 401))
    assert schedule(0) == pytest.approx(first, rel=1e-15)
    assert np.all(np.diff(rates) <= 1e-17) and np.all(rates >= 0)


@families
def test_there_is_no_memory(schedule):
    later = schedule(9)
    for t in (0, 30, 9.5, 2):
        schedule(t)
    assert schedule(9) == later


@families
@pytest.mark.parametrize("t", (-1, -1e-9, float("nan"), None, [0, 1, -2]))
def test_a_time_before_the_start_is_refused(schedule, t):
    with pytest.raises(ValueError, match=r"expected epochs t ≥ 0, got .*; mend by counting epochs from 0"):
        schedule(t)


def test_a_time_that_is_no_number_is_refused_without_a_type_error():
    # a TypeError is what LearningRateScheduler would mask
    for t in ("five", object()):
        with pytest.raises(ValueError, match=r"expected t as a number or an array of epochs"):
            StepDecay(0.1, factor=0.5, every=5)(t)


def another(value):
    """A first argument other than the one given."""
    if isinstance(value, tuple):
        return tuple(another(one) for one in value)
    return OneCycle(0.3, total=5) if isinstance(value, Schedule) else value / 2


@families
def test_equality_hash_and_repr_are_by_value(schedule):
    twin = eval(repr(schedule), vars(schedules))
    assert twin == schedule and hash(twin) == hash(schedule) and twin is not schedule
    assert len({schedule, twin}) == 1
    first, value = next(iter(schedule.arguments().items()))
    assert dataclasses.replace(schedule, **{first: another(value)}) != schedule
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(schedule, first, 0.7)


def test_whole_numbers_and_numpy_numbers_mean_the_same_schedule():
    assert StepDecay(np.float64(0.5), factor=0.5, every=np.int64(5)) == StepDecay(0.5, factor=0.5, every=5.0)
    assert repr(StepDecay(np.float64(0.5), factor=0.5, every=5)) == "StepDecay(initial=0.5, factor=0.5, every=5.0)"


def test_families_with_the_same_arguments_differ():
    assert StepDecay(0.1, factor=0.1, every=8) != ExponentialDecay(0.1, factor=0.1, every=8)


@families
def test_the_budget_is_the_sum_over_whole_epochs(schedule):
    assert schedule.budget(0) == 0
    assert schedule.budget(1) == schedule(0)
    assert schedule.budget(17) == pytest.approx(sum(schedule(t) for t in range(17)), rel=1e-14)


def test_the_budgets_of_the_book_are_finite():
    # chapter 4: 10 initial rates for halving every 5 epochs, 4.0 for ×0.1 every 8
    assert StepDecay(1.0, factor=0.5, every=5).budget(1000) == pytest.approx(10)
    assert ExponentialDecay(1.0, factor=0.1, every=8).budget(1000) == pytest.approx(1 / (1 - 0.1 ** (1 / 8)))
    assert round(ExponentialDecay(1.0, factor=0.1, every=8).budget(1000), 1) == 4.0
    growing = InverseTimeDecay(1.0, rate=1.0)
    assert growing.budget(100_000) - growing.budget(10_000) == pytest.approx(np.log(10), abs=1e-3)


@pytest.mark.parametrize("epochs", (-1, 2.5, True, "ten"))
def test_a_budget_of_no_whole_number_is_refused(epochs):
    with pytest.raises(ValueError, match=r"expected epochs as a whole number from 0 up, got .*; mend by"):
        Constant(0.1).budget(epochs)


def test_per_update_marks_the_schedule():
    schedule = StepDecay(0.2, factor=0.5, every=5)
    assert schedule.per_update() == PerUpdate(schedule)
    assert len({schedule.per_update(), schedule.per_update()}) == 1
    assert repr(schedule.per_update()) == f"PerUpdate(schedule={schedule!r})"
    with pytest.raises(ValueError, match=r"expected a schedule, got 0.1; mend by"):
        PerUpdate(0.1)


@families
def test_called_without_an_epoch_it_asks_for_in_steps(schedule):
    with pytest.raises(ValueError, match=r"expected schedule\.in_steps\(steps_per_epoch\)"):
        schedule()


def test_without_a_number_of_epochs_the_budget_is_the_schedules_own():
    assert CosineDecay(0.2, total=12).budget() == CosineDecay(0.2, total=12).budget(12)
    assert CosineDecay(0.2, total=2.5).budget() == CosineDecay(0.2, total=2.5).budget(3)
    # the sum of what torch's OneCycleLR prints for ten updates
    assert OneCycle(1.0, total=10).budget() == pytest.approx(4.560017, abs=3e-6)
    with pytest.raises(ValueError, match=r"expected a number of epochs, since StepDecay\(.* has no end of its own"):
        StepDecay(0.1, factor=0.5, every=5).budget()


def test_a_schedule_is_as_long_as_what_it_is_made_of():
    assert [s.duration for s in (Constant(1), CYCLE, CYCLE.momentum, OneCycle.smith(1, total=7))] == [None, 10, 10, 7]
    assert Warmup(CYCLE, length=2.5).duration == 12.5 and Warmup(CYCLE, length=2.5, delay=False).duration == 10
    assert ScaledByBatch(CYCLE, batch_size=2, base_batch_size=1).duration == 10
    assert Chain([STEPS, CYCLE], lengths=[3]).duration == 13 and Chain([CYCLE, STEPS], lengths=[10]).duration is None
    assert Warmup(STEPS, length=2).duration is None


@families
def test_a_momentum_is_there_or_the_error_says_that_it_is_not(schedule):
    assert hasattr(schedule, "momentum") == schedule.has_momentum
    if schedule.has_momentum:
        assert np.all(schedule.momentum(np.linspace(0, 40, 401)) <= 0.95 + 1e-12)
        assert np.all(schedule.momentum(np.linspace(0, 40, 401)) >= 0.8 - 1e-12)
        return
    with pytest.raises(AttributeError, match=r"expected a schedule with a momentum, .* got .*; mend by one of these"):
        schedule.momentum  # noqa: B018
    with pytest.raises(AttributeError, match=r"expected a schedule with a momentum"):
        schedule.momentum_formula(0.0, np)


@families
def test_counted_in_updates_it_is_the_same_argument_by_argument(schedule):
    counted = schedule.with_updates(7)
    assert type(counted) is type(schedule) and repr(counted) == repr(schedule)
    assert counted.with_updates(1) == schedule


def test_a_name_of_another_modules_schedule_is_refused():
    # saved models find a schedule by its name alone
    with pytest.raises(ValueError, match=r"expected a name of its own .*, got 'StepDecay', .*mend by renaming"):
        type("StepDecay", (schedules.Schedule,), {"__module__": "elsewhere"})


def test_importing_schedules_loads_no_keras():
    script = "import sys, textbook.schedules; assert not {'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)


# --- in Keras -----------------------------------------------------------------------------------------------------


def tiny_model(rate):
    import keras

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(learning_rate=rate), "mse")
    return model


def fit(model, *, epochs, callbacks=()):
    x = np.linspace(0, 1, 20, dtype=np.float32).reshape(10, 2)
    y = x.sum(axis=1, keepdims=True)
    return model.fit(x, y, batch_size=4, epochs=epochs, verbose=0, callbacks=list(callbacks))


def test_compile_with_a_bare_schedule_says_what_it_expected():
    with pytest.raises(ValueError, match=r"expected schedule\.in_steps\(steps_per_epoch\), got StepDecay\(.*; mend by"):
        fit(tiny_model(StepDecay(0.1, factor=0.5, every=5)), epochs=1)


@fitted
def test_learning_rate_scheduler_holds_the_value_for_an_epoch(schedule):
    import keras

    history = fit(tiny_model(0.5), epochs=7, callbacks=[keras.callbacks.LearningRateScheduler(schedule)])
    np.testing.assert_allclose(history.history["learning_rate"], schedule(np.arange(7)), rtol=1e-6)


def test_both_conventions_of_learning_rate_scheduler_are_answered():
    schedule = StepDecay(0.1, factor=0.5, every=5)
    assert schedule(5, 0.7) == schedule(5) == 0.05
