"""Numbers given to optimizers: which may be free, and what is noticed after."""

import keras
import keras_tuner
import numpy as np
import pytest

from tests.search.recorded_builders import MOMENTUM, RATE, Counted, compiled, free, momentum_of, rate_of, recorded
from textbook.replicas.number_table import KINDS, range_of
from textbook.replicas.numbers import optimizer_numbers
from textbook.search.optimizer_watch import STRICTER
from textbook.search.recording import record


def test_an_optimizer_by_description():
    def build(hp):
        return compiled({"class_name": "SGD", "config": {"learning_rate": rate_of(hp), "momentum": momentum_of(hp)}})

    assert free(recorded(build)) == {"learning_rate": RATE, "momentum": MOMENTUM}


def test_a_users_optimizer():
    class Tripled(keras.optimizers.SGD):
        def __init__(self, rate, momentum=0.0):
            super().__init__(learning_rate=rate * 3, momentum=momentum)

    found = recorded(lambda hp: compiled(Tripled(rate_of(hp), momentum_of(hp))))
    assert free(found) == {"learning_rate": "(hp['rate'] * 3)"}
    assert list(found.structural) == ["momentum"]  # who knows what its code makes of a momentum


def test_the_librarys_own_optimizers():
    from textbook.optimizers import SGD

    found = recorded(lambda hp: compiled(SGD(rate_of(hp), weight_decay=hp.Float("decay", 0.1, 0.2))))
    assert free(found) == {"learning_rate": RATE, "weight_decay": "hp['decay']"}


RATE_TOO = {
    "rate in a penalty": lambda rate: compiled(
        keras.optimizers.SGD(rate), keras.layers.Dense(2, kernel_regularizer=keras.regularizers.L2(rate / 10))
    ),
    "schedule": lambda rate: compiled(keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(rate, 100))),
    "assigned": lambda rate: assigned(keras.optimizers.SGD(0.1), rate),
    "assigned over": lambda rate: assigned(keras.optimizers.SGD(rate), 0.1),
    "assigned over by itself": lambda rate: assigned(keras.optimizers.SGD(rate), 0.25),
    "momentum assigned over by itself": lambda rate: assigned_momentum(keras.optimizers.SGD(0.1, momentum=rate), 0.25),
    "read back": lambda rate: read_back(keras.optimizers.SGD(rate)),
    "read back from variables": lambda rate: read_back(keras.optimizers.SGD(rate), lambda sgd: sgd.variables[1]),
    "read back from its description": lambda rate: read_back(
        keras.optimizers.SGD(rate), lambda sgd: sgd.get_config()["learning_rate"]
    ),
    "a copy of the optimizer": lambda rate: compiled(
        keras.optimizers.SGD.from_config(keras.optimizers.SGD(rate).get_config())
    ),
    "an optimizer in another": lambda rate: compiled(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(rate))),
    "trained in the builder": lambda rate: trained(compiled(keras.optimizers.SGD(rate))),
    "slots": lambda rate: compiled(keras.optimizers.Adagrad(0.1, initial_accumulator_value=rate)),
    "average that is off": lambda rate: compiled(keras.optimizers.SGD(0.1, ema_momentum=rate)),
    "a constructor that refuses": lambda rate: compiled(refused(rate)),
}


def assigned(optimizer, rate):
    optimizer.learning_rate = rate
    return compiled(optimizer)


def assigned_momentum(optimizer, momentum):
    optimizer.momentum = momentum
    return compiled(optimizer)


def read_back(optimizer, read=lambda sgd: sgd.learning_rate):
    return compiled(optimizer, keras.layers.Dense(2, kernel_regularizer=keras.regularizers.L2(float(read(optimizer)))))


def trained(model):
    model.fit(np.ones((4, 2)), np.ones(4), verbose=0)
    return model


def refused(rate):
    try:
        return keras.optimizers.SGD(0.1, momentum=rate + 1)
    except ValueError:
        return keras.optimizers.SGD(0.1, momentum=0.5)


@pytest.mark.parametrize("way", RATE_TOO)
def test_a_rate_that_reaches_more_than_the_optimizers_number_is_structural(way):
    build = Counted(lambda hp: RATE_TOO[way](rate_of(hp)))
    found = record(build, keras_tuner.HyperParameters())
    assert not found.free and list(found.structural) == ["rate"] and not found.reason
    assert build.calls == 2


@pytest.mark.parametrize("raises", [False, True])
def test_optimizers_are_put_back(raises):
    def build(hp):
        assert optimizer_attributes() != before
        if raises:
            raise RuntimeError
        return compiled(keras.optimizers.SGD(rate_of(hp)))

    before = optimizer_attributes()
    if raises:
        with pytest.raises(AssertionError):  # the second call, without tracking, finds them put back
            record(build, keras_tuner.HyperParameters())
    else:
        record(build, keras_tuner.HyperParameters())
    assert optimizer_attributes() == before


def optimizer_attributes():
    names = ("__init__", "__getattribute__", "__setattr__")
    return [
        (cls, name, vars(cls).get(name)) for kind in KINDS for cls in kind.__mro__ for name in names
    ]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_keras_constructors_do_nothing_but_store_the_numbers_that_may_be_free(kind):
    """This is why they may have plain ones. One that derives something else, or refuses values in range, fails here."""
    usual = {"weight_decay": 0.5, "use_ema": True}
    clippings = ("clipnorm", "clipvalue", "global_clipnorm")
    names = {name.removeprefix("optimizer.") for name in optimizer_numbers(kind(**usual))} - STRICTER.get(kind, set())
    assert "weight_decay" in names
    for name in (*names, *clippings):
        one = kind(**usual | {name: 0.5})
        for value in {range_of(name).low, range_of(name).high, 0.25, 100.0}:
            if range_of(name).has(value):
                assert differing(one, kind(**usual | {name: value})) == {name}


@pytest.mark.parametrize(
    ("kind", "name", "low"),
    [(keras.optimizers.Lion, "beta_1", 0.5), (keras.optimizers.Ftrl, "learning_rate_power", -0.5)],
)
def test_a_number_is_structural_where_the_constructor_refuses_values_in_range(kind, name, low):
    assert name in STRICTER[kind] and len(STRICTER) == 2
    found = recorded(lambda hp: compiled(kind(0.1, **{name: hp.Float("x", low, 1.0)})))
    assert list(found.structural) == ["x"]


def differing(one, other):
    plain = (bool, int, float, str, type(None))
    held = [{k: v for k, v in vars(it).items() if isinstance(v, plain) and k != "name"} for it in (one, other)]
    assert held[0].keys() == held[1].keys()
    assert [v.shape for v in one.variables] == [v.shape for v in other.variables]
    return {name for name in held[0] if held[0][name] != held[1][name]}
