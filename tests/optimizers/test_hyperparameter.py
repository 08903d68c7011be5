"""What may be a schedule, and what is refused in words."""

import keras
import pytest

from tests.optimizers.linear_fit import Listed, weights_by_update
from textbook.optimizers import SGD, Adam, AdamW, scheduled
from textbook.optimizers.hyperparameter import RANGES, first_value, schedulable
from textbook.schedules import Constant, CosineDecay, StepDecay

FALLING = StepDecay(0.9, factor=0.5, every=3)


def test_which_ones_may_be_a_schedule():
    common = {"weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "ema_momentum"}
    assert set(schedulable(keras.optimizers.SGD)) == common | {"momentum"}
    assert set(schedulable(keras.optimizers.Adam)) == common | {"beta_1", "beta_2"}
    assert set(schedulable(keras.optimizers.RMSprop)) == common | {"rho", "momentum"}
    assert set(schedulable(keras.optimizers.Muon)) == common | {
        "momentum",
        "adam_beta_1",
        "adam_beta_2",
        "adam_weight_decay",
    }
    assert set(schedulable(keras.optimizers.ScheduleFreeAdamW)) == common | {"beta_2"}


@pytest.mark.parametrize("name", ("learning_rate", "momentum", "weight_decay", "nesterov"))
@pytest.mark.parametrize("bare", (FALLING, FALLING.per_update()), ids=("schedule", "per update"))
def test_a_bare_schedule_is_refused(name, bare):
    with pytest.raises(
        ValueError, match=rf"expected schedule\.in_steps\(steps_per_epoch\) as {name}, got .*; mend by {name}=schedule"
    ):
        SGD(**{name: bare})


def test_a_bare_schedule_given_later_is_refused():
    optimizer = SGD(0.1, momentum=0.9)
    for late in (FALLING, FALLING.in_steps(3)):
        with pytest.raises(
            ValueError, match=r"expected momentum as a number, got .* built without a schedule; mend by"
        ):
            optimizer.momentum = late
    assert optimizer.momentum == 0.9


def test_what_cannot_be_a_schedule_says_what_can():
    with pytest.raises(ValueError, match=r"expected epsilon as a number, got .*; mend by .* learning_rate, beta_1"):
        Adam(0.1, epsilon=FALLING.in_steps(3))
    with pytest.raises(ValueError, match="expected beta_1 as a number, got "):
        scheduled(keras.optimizers.ScheduleFreeAdamW)(0.1, beta_1=FALLING.in_steps(3))


@pytest.mark.parametrize("name", RANGES)
def test_a_schedule_starts_in_its_range(name):
    unit = RANGES[name].endswith("0 to 1")
    for wrong in (-0.1, float("nan"), float("inf"), *((1.5,) if unit else ())):
        with pytest.raises(
            ValueError, match=f"expected {name} as a schedule of {RANGES[name]}, got .*at update 0; mend"
        ):
            first_value(name, Listed([wrong]))
    assert first_value(name, CosineDecay(0.5, total=3).in_steps(2)) == 0.5
    if RANGES[name].endswith("above 0"):
        with pytest.raises(ValueError, match="which is 0 at update 0"):
            first_value(name, Constant(0.0).in_steps(1))
    else:
        assert first_value(name, Constant(0.0).in_steps(1)) == 0


def test_keras_still_checks_the_other_arguments():
    with pytest.raises(ValueError, match="Only one of"):
        SGD(0.1, momentum=FALLING.in_steps(1), clipnorm=FALLING.in_steps(1), clipvalue=1.0)
    with pytest.raises(ValueError, match="should be float"):
        SGD("fast", momentum=FALLING.in_steps(1))
    with pytest.raises(ValueError, match="`weight_decay` must be a float"):
        AdamW(0.1, weight_decay=None)


@pytest.mark.parametrize("trained", (False, True))
def test_a_scheduled_hyperparameter_cannot_be_set(trained):
    optimizer = SGD(0.1, momentum=FALLING.in_steps(1))
    if trained:
        weights_by_update(optimizer, epochs=1)
    with pytest.raises(
        ValueError,
        match=r"expected momentum to stay the schedule .*StepDecay.*, got 0\.5: a compiled step would never see it; "
        r"mend by a new optimizer with momentum=0\.5 and model\.compile",
    ):
        optimizer.momentum = 0.5
    assert optimizer.hyperparameter_schedules["momentum"].schedule == FALLING
    optimizer.learning_rate = 0.05  # Keras keeps it in a variable
    optimizer.weight_decay = 0.1  # not scheduled: as in Keras
    assert optimizer.weight_decay == 0.1


def test_the_schedules_cannot_be_changed_behind_its_back():
    optimizer = SGD(0.1, momentum=FALLING.in_steps(1))
    with pytest.raises(TypeError):
        optimizer.hyperparameter_schedules["momentum"] = 0.5
    assert dict(SGD(0.1).hyperparameter_schedules) == {}
