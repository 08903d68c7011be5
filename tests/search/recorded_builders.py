"""Builders of small models, and what is recorded of them, for the tests of recording."""

import keras
import keras_tuner

from textbook.search.recording import record, verify


def network(*layers):
    return keras.Sequential([keras.Input((2,)), *layers, keras.layers.Dense(1, name="head")])


def compiled(optimizer, *layers, loss="mse", **arguments):
    model = network(*layers)
    model.compile(optimizer, loss, **arguments)
    return model


def rate_of(hp):
    return hp.Float("rate", 1e-4, 1.0, sampling="log", default=0.25)


def momentum_of(hp):
    return hp.Float("momentum", 0.0, 0.99, default=0.5)


class Counted:
    """A builder that counts its calls."""

    def __init__(self, build):
        self.build, self.calls = build, 0

    def __call__(self, hp):
        self.calls += 1
        return self.build(hp)


def recorded(build, **values):
    """What `record` says, and what `verify` says of other values of all that is free."""
    hp = keras_tuner.HyperParameters()
    hp.values |= values
    found = record(build, hp)
    other = found.hyperparameters.copy()
    for name in found.free_hyperparameters:
        other.values[name] *= 0.5
    assert found.fits(other.values)
    assert verify(found, build, other) is None
    return found


def free(found):
    return {name: str(expression) for name, expression in found.free.items()}


RATE, MOMENTUM = "hp['rate']", "hp['momentum']"


def kept(hp):
    return vars(hp).get("_values") or vars(hp)["values"]  # a way in that nobody is meant to use
