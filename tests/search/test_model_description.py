"""What no tracking sees, and a second build does."""

import keras
import keras_tuner
import pytest

from tests.search.recorded_builders import compiled, free, kept, rate_of
from textbook.search.recording import record, verify


def other_than(found, **values):
    other = found.hyperparameters.copy()
    other.values |= values
    return other


HIDDEN = {
    "a layer": lambda hp, rate: compiled(
        keras.optimizers.SGD(rate), *([keras.layers.Dense(2)] if kept(hp)["rate"] > 0.2 else [])
    ),
    "a penalty": lambda hp, rate: compiled(
        keras.optimizers.SGD(rate), keras.layers.Dense(2, kernel_regularizer=keras.regularizers.L2(kept(hp)["rate"]))
    ),
    "the optimizer's other number": lambda hp, rate: compiled(keras.optimizers.SGD(rate, momentum=kept(hp)["rate"])),
    "a setting": lambda hp, rate: compiled(keras.optimizers.SGD(rate, nesterov=kept(hp)["rate"] > 0.2)),
    "the rate": lambda hp, rate: compiled(keras.optimizers.SGD(rate * (3 if kept(hp)["rate"] > 0.2 else 2))),
    "the loss": lambda hp, rate: compiled(keras.optimizers.SGD(rate), loss=keras.losses.Huber(kept(hp)["rate"])),
    "a loss of one's own": lambda hp, rate: compiled(keras.optimizers.SGD(rate), loss=powered(kept(hp)["rate"])),
    "a metric": lambda hp, rate: compiled(
        keras.optimizers.SGD(rate), metrics=[keras.metrics.BinaryAccuracy(threshold=kept(hp)["rate"])]
    ),
    "a Lambda": lambda hp, rate: compiled(keras.optimizers.SGD(rate), keras.layers.Lambda(powered(kept(hp)["rate"]))),
    "a layer of one's own": lambda hp, rate: compiled(keras.optimizers.SGD(rate), Scaling(kept(hp)["rate"])),
}


class Scaling(keras.layers.Layer):
    def __init__(self, by):
        super().__init__()
        self.by = by

    def call(self, inputs):
        return inputs * self.by


def powered(exponent):
    return lambda y, p=0.0: keras.ops.abs(y - p) ** exponent


@pytest.mark.parametrize("way", HIDDEN)
def test_verify_finds_what_was_hidden(way):
    def build(hp):
        return HIDDEN[way](hp, rate_of(hp))

    found = record(build, keras_tuner.HyperParameters())
    assert free(found)  # tracking alone is taken in
    assert verify(found, build, other_than(found, rate=0.25)) is None
    assert "expected" in verify(found, build, other_than(found, rate=0.125))


def test_verify_finds_a_branch_on_the_type():
    def build(hp):
        rate = rate_of(hp)
        return compiled(keras.optimizers.SGD(rate, momentum=0.0 if type(rate) is float else 0.5))

    found = record(build, keras_tuner.HyperParameters())
    assert "momentum = 0.5, got 0.0" in verify(found, build, other_than(found, rate=0.125))


def test_verify_says_what_raised_and_what_does_not_fit():
    def build(hp):
        if hp.Int("units", 1, 3) == 3 or kept(hp).get("rate") == 0.5:
            raise RuntimeError("too many")
        return compiled(keras.optimizers.SGD(rate_of(hp)))

    found = record(build, keras_tuner.HyperParameters())
    assert verify(found, build, other_than(found, rate=0.5)) == "the builder raised RuntimeError: too many"
    assert "expected the structural values {'units': 1}" in verify(found, build, other_than(found, units=2))
