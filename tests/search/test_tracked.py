"""Numbers that know where they came from: what counts as looking at one."""

import math
import types

import keras
import keras_tuner
import numpy as np
import pytest

from tests.search.recorded_builders import RATE, Counted, compiled, free, momentum_of, rate_of, recorded
from textbook.search.recording import record
from textbook.search.tracked import Expression, Ledger, Tracked


def lr_and(make):
    """A builder with a free rate whose momentum hyperparameter goes to `make(momentum, hp)`, a compiled model."""
    return lambda hp: make(keras.optimizers.SGD(rate_of(hp)), momentum_of(hp))


LOOKING = {
    "dropout": lambda sgd, x: compiled(sgd, keras.layers.Dropout(x)),
    "penalty": lambda sgd, x: compiled(sgd, keras.layers.Dense(2, kernel_regularizer=keras.regularizers.L2(x))),
    "noise": lambda sgd, x: compiled(sgd, keras.layers.GaussianNoise(x)),
    "initializer": lambda sgd, x: compiled(
        sgd, keras.layers.Dense(2, kernel_initializer=keras.initializers.RandomNormal(stddev=x))
    ),
    "Lambda": lambda sgd, x: compiled(sgd, keras.layers.Lambda(lambda h: h * x)),
    "operation": lambda sgd, x: compiled_functional(sgd, lambda h: x * h),
    "keras.ops": lambda sgd, x: compiled(sgd, keras.layers.Dense(2 + int(keras.ops.log(x) > 0))),
    "tensor": lambda sgd, x: compiled(sgd, keras.layers.Dense(2 + int(x * keras.ops.ones(()) > 1))),
    "tensor on the left": lambda sgd, x: compiled(sgd, keras.layers.Dense(2 + int(keras.ops.ones(()) * x > 1))),
    "comparison": lambda sgd, x: compiled(sgd, *([keras.layers.Dense(2)] if x > 0.4 else [])),
    "equality": lambda sgd, x: compiled(sgd, *([keras.layers.Dense(2)] if x in (0.5, 0.6) else [])),
    "truth": lambda sgd, x: compiled(sgd, *([keras.layers.Dense(2)] if x else [])),
    "table": lambda sgd, x: compiled(sgd, keras.layers.Dense({0.5: 2}.get(x, 3))),
    "math.log": lambda sgd, x: compiled(sgd, keras.layers.Dense(1 + int(math.log(x) > -1))),
    "numpy": lambda sgd, x: compiled(sgd, keras.layers.Dense(1 + int(np.log10(x) > -1))),
    "array": lambda sgd, x: compiled(sgd, keras.layers.Dense(1 + int(np.array([x, 1.0]).sum()))),
    "array on the left": lambda sgd, x: compiled(sgd, keras.layers.Dense(1 + int((np.ones(2) * x).sum()))),
    "rounding": lambda sgd, x: compiled(sgd, keras.layers.Dense(1 + round(x * 10))),
    "whole number": lambda sgd, x: compiled(sgd, keras.layers.Dense(int(x * 10))),
    "floor": lambda sgd, x: compiled(sgd, keras.layers.Dense(1 + int(x * 10 // 2))),
    "attribute": lambda sgd, x: compiled(sgd, keras.layers.Dense(1 + x.is_integer())),
    "text": lambda sgd, x: compiled(sgd, keras.layers.Dense(2, name=f"dense_{x:.2f}".replace(".", "_"))),
    "loss": lambda sgd, x: compiled(sgd, loss=keras.losses.Huber(delta=x)),
    "loss by closure": lambda sgd, x: compiled(sgd, loss=lambda y, p: keras.ops.abs(y - p) ** x),
    "loss weight": lambda sgd, x: compiled(sgd, loss_weights=[x]),
    "metric": lambda sgd, x: compiled(sgd, metrics=[keras.metrics.BinaryAccuracy(threshold=x)]),
    "another optimizer": lambda sgd, x: (keras.optimizers.SGD(momentum=x), compiled(sgd))[1],
    "a division by zero that is caught": lambda sgd, x: compiled(sgd, keras.layers.Dense(caught(x))),
    "length of its text": lambda sgd, x: compiled(sgd, keras.layers.Dense(len(str(x)))),
}


def caught(x):
    try:
        return 1 / (x - 0.5)
    except ZeroDivisionError:
        return 2


def compiled_functional(optimizer, function):
    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.Dense(1)(function(inputs)))
    model.compile(optimizer, "mse")
    return model


@pytest.mark.parametrize("way", LOOKING)
def test_a_value_that_is_looked_at_is_structural_and_the_rate_stays_free(way):
    build = Counted(lr_and(LOOKING[way]))
    found = record(build, keras_tuner.HyperParameters())
    assert free(found) == {"learning_rate": RATE}
    assert list(found.structural) == ["momentum"]
    assert not found.reason
    assert build.calls == 2
    assert not [one for one in everything_in(found.model) if type(one) is Tracked]


def test_a_number_that_keras_refuses_to_put_into_a_graph_is_structural():
    found = record(lr_and(lambda sgd, x: compiled_functional(sgd, lambda h: h * x)), keras_tuner.HyperParameters())
    assert free(found) == {"learning_rate": RATE} and list(found.structural) == ["momentum"]
    assert "Invalid dtype" in found.reason


def everything_in(value, seen=None):
    seen = set() if seen is None else seen
    if id(value) in seen:
        return
    seen.add(id(value))
    yield value
    inner = ()
    if isinstance(value, dict):
        inner = list(value.values())
    elif isinstance(value, list | tuple | set):
        inner = list(value)
    elif hasattr(value, "__dict__") and not isinstance(value, type | types.ModuleType):
        inner = list(vars(value).values())
    for one in inner:
        yield from everything_in(one, seen)


def test_a_number_in_a_dead_cycle_is_free():
    def build(hp):
        rate = rate_of(hp)

        def rates(times):  # holds itself and the rate
            return [rate, *rates(times - 1)] if times else []

        return compiled(keras.optimizers.SGD(rates(1)[0]))

    assert free(recorded(build)) == {"learning_rate": RATE}


def test_a_tracked_number_is_a_float_to_all_who_ask():
    number = Ledger({}).give_out("a", 0.5)
    assert type(number) is Tracked and isinstance(number, float) and not isinstance(number, int)
    assert number.__copy__() is number


def test_a_formula_that_grows_without_end_is_looked_at():
    ledger = Ledger({})
    number = ledger.give_out("a", 0.5)
    for _ in range(1000):
        number = number * 0.999
    assert type(number) is float and "a" in ledger.structural


def test_a_formula_without_a_real_value_is_refused():
    root = Expression("**", (Expression("", ("a",)), 0.5))
    assert root.value({"a": 0.25}) == 0.5
    with pytest.raises(ValueError, match="is a real number, got"):
        root.value({"a": -1.0})
