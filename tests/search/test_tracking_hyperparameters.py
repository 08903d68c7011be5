"""Ways in which a builder may ask for its hyperparameters."""

import copy

import keras
import pytest

from tests.search.recorded_builders import MOMENTUM, RATE, compiled, free, momentum_of, rate_of, recorded


def test_what_is_asked_for_again_is_tracked_too():
    def build(hp):
        rate_of(hp)
        momentum_of(hp)
        assert "rate" in hp and "nonsense" not in hp
        return compiled(keras.optimizers.SGD(hp.get("rate"), momentum=hp["momentum"]))

    found = recorded(build)
    assert free(found) == {"learning_rate": RATE, "momentum": MOMENTUM}
    assert found.structural == {"nonsense": "asked for where it has no value"}
    assert not found.fits({"rate": 0.1, "momentum": 0.1, "nonsense": 1})


def test_steps_and_scopes_of_names():
    def build(hp):
        with hp.name_scope("outer"):
            rate = hp.Float("rate", 0.1, 0.5, step=0.1)
        return compiled(keras.optimizers.SGD(rate))

    assert free(recorded(build)) == {"learning_rate": "hp['outer/rate']"}


def test_conditional_scopes():
    def build(hp):
        kind = hp.Choice("kind", ["sgd", "adam"])
        with hp.conditional_scope("kind", ["sgd"]):
            momentum = momentum_of(hp)
        if kind == "adam":
            return compiled(keras.optimizers.Adam(rate_of(hp)))
        return compiled(keras.optimizers.SGD(rate_of(hp), momentum=momentum))

    sgd, adam = recorded(build), recorded(build, kind="adam")
    assert free(sgd) == {"learning_rate": RATE, "momentum": MOMENTUM} and list(sgd.structural) == ["kind"]
    assert free(adam) == {"learning_rate": RATE} and list(adam.structural) == ["kind"]
    assert sgd.fits(sgd.hyperparameters.values) and not sgd.fits(adam.hyperparameters.values)
    assert len(sgd.hyperparameters.active_scopes) == len(adam.hyperparameters.inactive_scopes) == 1


def test_a_float_that_decides_on_a_condition_is_structural():
    def build(hp):
        rate = rate_of(hp)
        with hp.conditional_scope("rate", [0.25]):
            units = hp.Int("units", 2, 2)
        return compiled(keras.optimizers.SGD(rate), keras.layers.Dense(units or 1))

    found = recorded(build)
    assert "rate" in found.structural and not found.free


WHOLE = {
    "values": lambda hp: hp.values["rate"],
    "description": lambda hp: hp.get_config()["values"]["rate"],
    "copy": lambda hp: hp.copy().get("rate"),
    "deep copy": lambda hp: copy.deepcopy(hp).get("rate"),
}


@pytest.mark.parametrize("way", WHOLE)
def test_reading_all_values_makes_all_structural(way):
    def build(hp):
        rate_of(hp)
        rate = WHOLE[way](hp)
        assert type(rate) is float
        return compiled(keras.optimizers.SGD(rate, momentum=momentum_of(hp)))

    found = recorded(build)
    assert not found.free and not found.free_hyperparameters
    assert set(found.structural) == {"rate", "momentum"}
    assert found.reason.startswith("the builder ")
