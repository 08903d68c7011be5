"""What `record` says of a builder, and when it gives up."""

import random

import keras
import keras_tuner
import numpy as np
import pytest

from tests.search.recorded_builders import (
    MOMENTUM,
    RATE,
    Counted,
    compiled,
    free,
    momentum_of,
    network,
    rate_of,
    recorded,
)
from textbook.random_state import RandomState
from textbook.search.recording import record


def test_rate_and_momentum_are_free_after_a_single_call():
    build = Counted(lambda hp: compiled(keras.optimizers.SGD(rate_of(hp), momentum=momentum_of(hp))))
    found = record(build, keras_tuner.HyperParameters())
    assert build.calls == 1
    assert free(found) == {"learning_rate": RATE, "momentum": MOMENTUM}
    assert found.free_hyperparameters == {"rate", "momentum"}
    assert not found.structural and not found.reason
    assert found.numbers({"rate": 0.1, "momentum": 0.0}) == {"learning_rate": 0.1, "momentum": 0.0}
    assert type(found.model.optimizer.momentum) is float and found.model.optimizer.momentum == 0.5
    assert float(found.model.optimizer.learning_rate) == 0.25
    found.model.fit(np.zeros((4, 2)), np.zeros(4), verbose=0)


def test_formulas_repeat_the_arithmetic_of_the_builder_bit_by_bit():
    def rate(a, b):
        return (10**a + 0.3 * b) / 3 - abs(-b) ** 2 * 1e-3 + (+b - 1 / (2 + a))

    def build(hp):
        number = rate(hp.Float("a", 0.0, 1.0, default=0.5), hp.Float("b", 0.0, 1.0, default=0.5))
        return compiled(keras.optimizers.SGD(number))

    found = recorded(build)
    generator = np.random.default_rng(0)
    for a, b in generator.random((200, 2)).tolist():
        assert found.free["learning_rate"].value({"a": a, "b": b}) == rate(a, b)


def test_adam_and_its_beta():
    def build(hp):
        beta = 1 - hp.Float("1 - beta", 0.01, 1.0, default=0.25)
        return compiled(keras.optimizers.Adam(10 ** hp.Float("log10 rate", -4.0, -1.0), beta_1=beta))

    assert free(recorded(build)) == {"learning_rate": "(10 ** hp['log10 rate'])", "beta_1": "(1 - hp['1 - beta'])"}


def test_weight_decay_also_of_zero():
    def build(hp):
        return compiled(keras.optimizers.AdamW(0.1, weight_decay=hp.Float("decay", 0.0, 0.1)))

    found = recorded(build)
    assert free(found) == {"weight_decay": "hp['decay']"}
    assert found.numbers({"decay": 0.05}) == {"weight_decay": 0.05}


def test_an_optimizer_by_name_takes_nothing_and_an_unused_float_changes_nothing():
    def build(hp):
        rate_of(hp)
        return compiled("sgd")

    found = recorded(build)
    assert not found.free and found.free_hyperparameters == {"rate"}


def test_a_hypermodel():
    class Model(keras_tuner.HyperModel):
        def build(self, hp):
            return compiled(keras.optimizers.SGD(rate_of(hp)), keras.layers.Dense(hp.Int("units", 1, 4)))

    for build in (Model(), Model().build):
        found = recorded(build)
        assert free(found) == {"learning_rate": RATE}
        assert found.structural == {"units": "not a float"}


def refusing(rate):
    if type(rate) is not float:
        raise TypeError("a plain float, please")
    return rate


def test_a_builder_that_raises_only_under_tracking_is_built_without():
    def build(hp):
        return compiled(keras.optimizers.SGD(refusing(rate_of(hp)), momentum=momentum_of(hp)))

    found = recorded(build)
    assert free(found) == {"momentum": MOMENTUM}
    assert found.reason == "with tracked numbers, the builder raised TypeError: a plain float, please"
    assert found.structural == {"rate": found.reason}


def test_a_builder_that_hides_why_it_raises_is_built_without_any():
    def build(hp):
        if type(rate_of(hp)) is not float:
            raise TypeError("a plain float, please")
        return compiled(keras.optimizers.SGD(rate_of(hp), momentum=momentum_of(hp)))

    found = recorded(build)
    assert not found.free and not found.free_hyperparameters
    assert found.structural == dict.fromkeys(("rate", "momentum"), found.reason)
    assert found.reason == "with tracked numbers, the builder raised TypeError: a plain float, please"


def test_a_builder_that_raises_raises():
    def build(hp):
        rate_of(hp)
        raise RuntimeError("no model for you")

    with pytest.raises(RuntimeError, match="no model for you"):
        record(build, keras_tuner.HyperParameters())


def test_a_message_with_the_value_is_that_of_the_builder():
    def build(hp):
        rate = rate_of(hp)
        raise ValueError(f"rate {rate} is not for me")

    with pytest.raises(ValueError, match=r"^rate 0\.25 is not for me$"):
        record(build, keras_tuner.HyperParameters())


def test_what_is_not_a_compiled_model_is_refused():
    with pytest.raises(ValueError, match=r"expected build\(hp\) to return a keras.Model, got str"):
        record(lambda hp: "model", keras_tuner.HyperParameters())
    with pytest.raises(ValueError, match="compiled model"):
        record(lambda hp: network(), keras_tuner.HyperParameters())


def test_the_callers_hyperparameters_stay_and_the_builders_are_told():
    hp = keras_tuner.HyperParameters()
    found = record(lambda hp: compiled(keras.optimizers.SGD(rate_of(hp))), hp)
    assert not hp.values and not hp.space
    assert type(found.hyperparameters) is keras_tuner.HyperParameters
    assert found.hyperparameters.values == {"rate": 0.25}
    assert [one.name for one in found.hyperparameters.space] == ["rate"]


def test_every_call_starts_from_the_same_random_state():
    draws = []

    def build(hp):
        draws.append((random.random(), np.random.random()))
        return compiled(keras.optimizers.SGD(rate_of(hp)), keras.layers.Dropout(momentum_of(hp)))

    keras.utils.set_random_seed(3)
    state = RandomState.now()
    weights = record(build, keras_tuner.HyperParameters()).model.get_weights()
    after = random.random()
    state.restore()
    plain = build(keras_tuner.HyperParameters()).get_weights()
    assert len(draws) == 3 and len(set(draws)) == 1
    assert after == random.random()
    for one, other in zip(weights, plain, strict=True):
        np.testing.assert_array_equal(one, other)


def test_numbers_out_of_range_are_refused():
    found = record(
        lambda hp: compiled(keras.optimizers.SGD(1 / rate_of(hp), momentum=momentum_of(hp))),
        keras_tuner.HyperParameters(),
    )
    with pytest.raises(ValueError, match=r"expected momentum as a number from 0 to 1, got 1\.5 from hp\['momentum'\]"):
        found.numbers({"rate": 0.5, "momentum": 1.5})
    with pytest.raises(ValueError, match="can be computed, got float division by zero"):
        found.numbers({"rate": 0.0, "momentum": 0.5})
    with pytest.raises(ValueError, match="expected a float for the hyperparameter 'rate', got 1"):
        found.numbers({"rate": 1, "momentum": 0.5})
    with pytest.raises(ValueError, match=r"learning_rate as a number from 0 up, got -2\.0"):
        found.numbers({"rate": -0.5, "momentum": 0.5})
