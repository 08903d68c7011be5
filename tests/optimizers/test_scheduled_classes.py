"""Every Keras optimizer has a class with schedules, equal to the plain one bit for bit where a schedule is constant."""

import inspect

import keras
import numpy as np
import pytest

from tests.optimizers.linear_fit import Listed, weights_by_update
from textbook import optimizers
from textbook.optimizers import SGD, Adam, AdamW, ScheduledOptimizer, scheduled
from textbook.optimizers.hyperparameter import schedulable
from textbook.schedules import Constant, StepDecay

_NOT_OPTIMIZERS = ("Optimizer", "OptimizerMap", "LossScaleOptimizer", "MultiOptimizer")
KERAS_CLASSES = [
    thing
    for name, thing in sorted(vars(keras.optimizers).items())
    if inspect.isclass(thing) and name not in _NOT_OPTIMIZERS
]
classes = pytest.mark.parametrize("keras_class", KERAS_CLASSES, ids=lambda keras_class: keras_class.__name__)
CLIPPINGS = ("clipnorm", "clipvalue", "global_clipnorm")
VALUES = {"momentum": 0.85, "weight_decay": 0.03, "adam_weight_decay": 0.02} | dict.fromkeys(CLIPPINGS, 0.7)


def values_of(keras_class, clipping):
    """A number for every hyperparameter that may be a schedule, as far as they go together."""
    defaults = inspect.signature(keras_class.__init__).parameters
    names = [name for name in schedulable(keras_class) if name not in CLIPPINGS or name == clipping]
    return {name: VALUES.get(name, defaults[name].default) for name in names}


def after_updates(optimizer, *, updates=3):
    """Two variables and all of the optimizer's, after some updates with gradients of every size."""
    random = np.random.default_rng(3)
    variables = [keras.Variable(random.normal(size=shape), dtype="float32") for shape in ((3, 4), (5,))]
    optimizer.build(variables)
    for _ in range(updates):
        optimizer.apply([keras.ops.convert_to_tensor(random.normal(size=v.shape), "float32") for v in variables])
    return [np.array(keras.ops.convert_to_numpy(v)) for v in (*variables, *optimizer.variables)]


@classes
def test_constant_schedules_are_the_plain_optimizer_bit_for_bit(keras_class):
    values = values_of(keras_class, CLIPPINGS[KERAS_CLASSES.index(keras_class) % 3])
    options = {"learning_rate": 0.05, "use_ema": True}
    plain = after_updates(keras_class(**options, **values))
    constants = {name: Constant(value).in_steps(3) for name, value in values.items()}
    ours = after_updates(scheduled(keras_class)(**options, **constants))
    assert len(plain) == len(ours)
    for one, other in zip(plain, ours, strict=True):
        np.testing.assert_array_equal(one, other)


@classes
def test_constants_that_the_graph_computes_differ_by_rounding_only(keras_class):
    values = values_of(keras_class, "clipnorm")
    plain = after_updates(keras_class(0.05, **values), updates=2)
    constants = {name: Listed([value]) for name, value in values.items()}
    for one, other in zip(plain, after_updates(scheduled(keras_class)(0.05, **constants), updates=2), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@classes
def test_a_class_without_schedules_is_the_plain_optimizer(keras_class):
    plain, ours = keras_class(0.05), scheduled(keras_class)(0.05)
    assert {**ours.get_config(), "name": ""} == {**plain.get_config(), "name": ""}
    for one, other in zip(after_updates(plain, updates=1), after_updates(ours, updates=1), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ("momentum", "beta_1"))
def test_a_fit_with_constants_is_the_plain_fit_bit_for_bit(name):
    keras_class, value = {
        "momentum": (keras.optimizers.SGD, 0.9),
        "beta_1": (keras.optimizers.Adam, 0.9),
    }[name]
    plain = weights_by_update(keras_class(0.05, **{name: value}))
    ours = weights_by_update(scheduled(keras_class)(0.05, **{name: Constant(value).in_steps(2)}))
    assert plain.keys() == ours.keys()
    for batches in plain:
        np.testing.assert_array_equal(plain[batches], ours[batches])


@classes
def test_keras_reads_every_one_of_them_inside_the_update(keras_class):
    read = set()

    class Watched(scheduled(keras_class)):
        def _scheduled_value(self, name):
            read.add(name)
            return super()._scheduled_value(name)

    for clipping in CLIPPINGS:
        values = values_of(keras_class, clipping)
        optimizer = Watched(0.05, use_ema=True, **{name: Constant(value).in_steps(1) for name, value in values.items()})
        weights = [keras.Variable(np.ones(shape), dtype="float32") for shape in ((2, 2), (2,))]
        optimizer.build(weights)
        read.difference_update(values)
        optimizer.apply([keras.ops.ones(weight.shape) for weight in weights])
        assert read >= set(values)


def test_one_class_for_one_class():
    assert scheduled(keras.optimizers.SGD) is SGD
    assert scheduled(keras.optimizers.Adam) is Adam
    assert scheduled(keras.optimizers.AdamW) is AdamW
    assert scheduled(keras.optimizers.RMSprop) is scheduled(keras.optimizers.RMSprop)
    assert scheduled(SGD) is SGD
    assert set(optimizers.__all__) == {"SGD", "Adam", "AdamW", "ScheduledOptimizer", "scheduled"}


@classes
def test_it_is_a_kind_of_the_plain_class_and_says_its_arguments(keras_class):
    ours = scheduled(keras_class)
    assert issubclass(ours, keras_class) and issubclass(ours, ScheduledOptimizer)
    assert ours.__name__ == keras_class.__name__
    assert list(inspect.signature(ours).parameters) == list(inspect.signature(keras_class.__init__).parameters)[1:]
    assert set(ours.schedulable) <= set(inspect.signature(ours).parameters)


def test_a_class_of_ones_own_works_too():
    @keras.saving.register_keras_serializable(package="mine")
    class SignDescent(keras.optimizers.Optimizer):
        def __init__(self, learning_rate=0.1, rho=0.5, **kwargs):
            super().__init__(learning_rate, **kwargs)
            self.rho = rho

        def update_step(self, gradient, variable, learning_rate):
            self.assign_sub(variable, keras.ops.sign(gradient) * keras.ops.cast(learning_rate * self.rho, "float32"))

        def get_config(self):
            return {**super().get_config(), "rho": self.rho}

    ours = scheduled(SignDescent)
    assert set(ours.schedulable) == {"rho", "weight_decay", *CLIPPINGS, "ema_momentum"}
    optimizer = ours(1.0, rho=Listed([0.5, 0.25]), weight_decay=Listed([0.0, 0.1]))
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert type(again) is ours and keras.saving.get_registered_name(ours) == "textbook>mine.SignDescent"
    weight = keras.Variable([1.0])
    again.build([weight])
    for _ in range(2):
        again.apply([keras.ops.ones(1)])
    assert weight.numpy().item() == pytest.approx(0.5 * 0.9 - 0.25)


@pytest.mark.parametrize("thing", ("rmsprop", keras.optimizers.SGD(0.1), keras.layers.Dense, None))
def test_only_classes_of_optimizers_get_schedules(thing):
    with pytest.raises(ValueError, match=r"expected a class of Keras optimizers, got .*; mend by scheduled"):
        scheduled(thing)


@pytest.mark.parametrize("wrapper", (keras.optimizers.LossScaleOptimizer, keras.optimizers.MultiOptimizer))
def test_a_wrapper_is_refused(wrapper):
    with pytest.raises(ValueError, match=f"got {wrapper.__name__}, which hands them to another; mend by scheduling"):
        scheduled(wrapper)


def test_a_positional_schedule_is_found():
    optimizer = SGD(0.1, StepDecay(0.9, factor=0.5, every=1).in_steps(1))
    assert list(optimizer.hyperparameter_schedules) == ["momentum"]
    with pytest.raises(TypeError, match="multiple values for argument 'momentum'"):
        SGD(0.1, 0.9, momentum=0.5)
    with pytest.raises(ValueError, match="not recognized"):
        SGD(0.1, momemtum=0.9)
