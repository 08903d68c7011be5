"""`in_steps`: the same values in the graph, at every update of a real fit, and after saving and loading."""

import dataclasses
import json
import math

import keras
import numpy as np
import pytest

from tests.schedules.compiled import compiled
from tests.schedules.test_base import CYCLE, EVERY_FAMILY, families, fit, fitted, tiny_model
from textbook.schedules import Chain, Constant, OneCycle, Schedule, StepDecay, Warmup
from textbook.schedules.keras_schedule import InSteps


@families
def test_the_graph_agrees_with_numpy_on_the_whole_curve(schedule):
    steps = 32
    rate = schedule.in_steps(steps)
    updates = np.arange(40 * steps)
    expected = schedule.with_updates(steps)(updates / steps)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(rate(updates)), expected, rtol=1e-5, atol=1e-8)
    traced = compiled(rate)
    for update in range(0, 40 * steps, 61):
        value = traced(update)
        assert float(value) == pytest.approx(expected[update], rel=1e-5, abs=1e-8)
        assert value.shape == ()


@families
def test_the_momentum_in_the_graph_is_the_momentum(schedule):
    steps, updates = 9, np.arange(0, 30 * 9)
    rate = schedule.in_steps(steps)
    assert hasattr(rate, "momentum") == schedule.has_momentum
    if schedule.has_momentum:
        expected = schedule.momentum.with_updates(steps)(updates / steps)
        np.testing.assert_allclose(keras.ops.convert_to_numpy(rate.momentum(updates)), expected, rtol=1e-5)
        assert rate.momentum.schedule == schedule.momentum and rate.momentum.steps_per_epoch == steps


class RatesUsed(keras.callbacks.Callback):
    """The rate that each update used, told from how far it moved a weight whose gradient is 1."""

    def on_train_begin(self, logs=None):
        self.weights = [self.model.get_weights()[0].item()]

    def on_train_batch_end(self, batch, logs=None):
        self.weights.append(self.model.get_weights()[0].item())

    @property
    def rates(self):
        return -np.diff(self.weights)


@fitted
def test_every_update_of_a_fit_uses_the_rate_at_its_own_time(schedule):
    steps, epochs = 3, 11
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    # the loss is the prediction and x is 1, so the gradient is 1 and a step is the rate itself
    model.compile(keras.optimizers.SGD(schedule.in_steps(steps)), lambda y, p: keras.ops.mean(p))
    used = RatesUsed()
    model.fit(np.ones((10, 1)), np.ones((10, 1)), batch_size=4, epochs=epochs, verbose=0, callbacks=[used])
    expected = schedule.with_updates(steps)(np.arange(steps * epochs) / steps)
    assert steps == math.ceil(10 / 4) and len(used.rates) == steps * epochs
    np.testing.assert_allclose(used.rates, expected, rtol=1e-4, atol=5e-7)


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="Keras's torch trainer refuses steps_per_execution")
@pytest.mark.parametrize("schedule", (StepDecay(0.5, factor=0.5, every=1), OneCycle(0.5, total=3)), ids=repr)
def test_steps_per_execution_leaves_the_rates_exact(schedule):
    expected = schedule.with_updates(2)(np.arange(6) / 2)
    weights = []
    for at_once in (1, 6):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
        model.compile(
            keras.optimizers.SGD(schedule.in_steps(2)), lambda y, p: keras.ops.mean(p), steps_per_execution=at_once
        )
        model.fit(np.ones((12, 1)), np.ones((12, 1)), batch_size=2, epochs=1, verbose=0)
        weights.append(model.get_weights()[0].item())
    assert weights[0] == weights[1] == pytest.approx(-expected.sum(), rel=1e-6)


@families
def test_config_round_trip(schedule):
    rate = schedule.in_steps(7)
    config = keras.optimizers.schedules.serialize(rate)
    assert config["registered_name"] == "textbook>InSteps"
    again = keras.optimizers.schedules.deserialize(config)
    assert isinstance(again, InSteps) and again.schedule == schedule and again.steps_per_epoch == 7
    assert repr(again) == repr(rate) == f"{schedule!r}.in_steps(7)"


def test_a_config_is_plain_all_the_way_down():
    nested = Warmup(Chain([CYCLE, Constant(0.1)], lengths=[10]), length=2.5)
    config = json.loads(json.dumps(nested.in_steps(7).get_config()))
    assert config["family"] == "Warmup" and config["arguments"]["schedule"]["family"] == "Chain"
    assert config["arguments"]["schedule"]["arguments"]["schedules"][0]["arguments"]["momentum_range"] == [0.85, 0.95]
    again = InSteps.from_config(config)
    assert again.schedule == nested
    assert float(again(20)) == float(nested.in_steps(7)(20))


@fitted
def test_an_optimizer_copied_from_its_config_keeps_the_rate(schedule):
    optimizer = keras.optimizers.Adam(schedule.in_steps(7))
    again = type(optimizer).from_config(optimizer.get_config())
    assert float(again.learning_rate) == float(optimizer.learning_rate)
    assert again.get_config() == optimizer.get_config()


def test_an_unknown_family_says_how_to_load_it_also_deep_inside():
    config = Warmup(CYCLE, length=2).in_steps(7).get_config()
    config["arguments"]["schedule"]["family"] = "Unheard"
    with pytest.raises(ValueError, match=r"expected one of .*StepDecay.*, got 'Unheard'; mend by importing"):
        InSteps.from_config(config)
    config = {**StepDecay(0.1, factor=0.5, every=5).in_steps(7).get_config(), "family": "Unheard"}
    with pytest.raises(ValueError, match=r"expected one of .*StepDecay.*, got 'Unheard'; mend by importing"):
        InSteps.from_config(config)


def test_a_users_own_family_saves_and_loads(tmp_path):
    @dataclasses.dataclass(frozen=True)
    class RootDecay(Schedule):
        initial: float

        def formula(self, t, xp):
            return self.initial / xp.sqrt(1 + t)

    model = tiny_model(RootDecay(0.2).in_steps(3))
    fit(model, epochs=5)
    model.save(tmp_path / "root.keras")
    loaded = keras.models.load_model(tmp_path / "root.keras")
    assert float(loaded.optimizer.learning_rate) == pytest.approx(0.2 / math.sqrt(6))


@pytest.mark.parametrize("steps", (0, -3, 31.25, 32.0, True, None, "32"))
def test_steps_per_epoch_are_a_whole_number(steps):
    with pytest.raises(ValueError, match=r"expected steps_per_epoch as a whole number from 1 up, got .*math\.ceil"):
        Constant(0.1).in_steps(steps)


def test_only_schedules_go_in_steps():
    with pytest.raises(ValueError, match=r"expected a schedule, got 0.1; mend by"):
        InSteps(0.1, 5)


def test_half_precision_still_counts_updates():
    schedule = StepDecay(1.0, factor=0.5, every=1)
    before = keras.config.floatx()
    keras.config.set_floatx("float16")
    try:
        assert float(schedule.in_steps(3001)(3000)) == 1.0  # float16 would read 3000 as 3000 and 3001 as 3000
        assert float(schedule.in_steps(3001)(3001)) == 0.5
    finally:
        keras.config.set_floatx(before)


def test_all_families_are_tried():
    from textbook.schedules.base import FAMILIES

    ours = {name for name, family in FAMILIES.items() if family.__module__.startswith("textbook.schedules")}
    assert ours == {type(schedule).__name__ for schedule in EVERY_FAMILY}
