"""Models that cannot be trained as one stack are refused, and their neighbours are not."""

import keras
import numpy as np
import pytest
from keras import layers

from textbook.replicas.inspection import check_model


def small(*, dtype=None):
    return keras.Sequential([keras.Input((4,)), layers.Dense(3, dtype=dtype), layers.Dropout(0.1), layers.Dense(2)])


def nested():
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.BatchNormalization()], name="inner")
    x = keras.Input((4,))
    return keras.Model(x, {"a": layers.Dense(2)(inner(x)), "b": layers.Dense(1)(x)})


class Subclass(keras.Model):
    def __init__(self):
        super().__init__(name="subclass")
        self.first, self.second = layers.Dense(3, name="first"), layers.Dense(2, name="second")

    def build(self, shape):
        self.first.build(shape)
        self.second.build((*shape[:-1], 3))
        self.built = True

    def call(self, x):
        return self.second(self.first(x))


def subclass(kind=Subclass):
    model = kind()
    model.build((None, 4))
    return model


@pytest.mark.parametrize("build", [small, nested, subclass])
def test_a_builder_that_makes_everything_anew_is_let_through(build):
    check_model(build(), build())


def test_what_is_no_model_is_refused():
    with pytest.raises(ValueError, match=r"expected build\(\) to return a keras.Model, got int; return the model"):
        check_model(3, 3)
    with pytest.raises(ValueError, match="got Dense"):
        check_model(small(), layers.Dense(3))


def test_one_model_handed_out_twice_is_refused():
    model = small()
    with pytest.raises(ValueError, match=r"expected .* a new model at each call, got 'sequential.*' twice; make"):
        check_model(model, model)


def test_a_compiled_model_is_refused_and_a_compiled_part_is_not():
    compiled = small()
    compiled.compile("sgd", "mse")
    with pytest.raises(
        ValueError, match=r"uncompiled model, got .* compiled; leave compile\(\) out and pass Condition"
    ):
        check_model(compiled, small())

    def around():
        inner = small()
        inner.compile("sgd", "mse")
        return keras.Sequential([keras.Input((4,)), inner])

    check_model(around(), around())


def shared_layer():
    layer = layers.Dense(3, name="mine")
    return lambda: keras.Sequential([keras.Input((4,)), layer, layers.Dense(2)])


def shared_model():
    base = keras.Sequential([keras.Input((4,)), layers.Dense(3)], name="base")
    base.trainable = False
    return lambda: keras.Sequential([keras.Input((4,)), base, layers.Dense(2)])


def shared_statistics():
    layer = layers.Normalization(name="scaled")
    layer.adapt(np.array([[1.0, 2.0, 3.0, 4.0], [2.0, 3.0, 4.0, 6.0]]))
    return lambda: keras.Sequential([keras.Input((4,)), layer, layers.Dense(2)])


@pytest.mark.parametrize(
    ("builder", "name"), [(shared_layer, "mine"), (shared_model, "base"), (shared_statistics, "scaled")]
)
def test_what_was_made_outside_the_builder_is_refused_by_its_name(builder, name):
    build = builder()
    with pytest.raises(
        ValueError, match=rf"make everything anew, got '{name}' in two models; make it, .* inside build"
    ):
        check_model(build(), build())


def test_a_weight_lent_from_model_to_model_is_refused_by_its_path():
    lent = keras.Variable([1.0, 2.0], name="lent")

    class Lending(Subclass):
        def build(self, shape):
            super().build(shape)
            self.scale = lent

    with pytest.raises(ValueError, match="got 'lent' in two models"):
        check_model(subclass(Lending), subclass(Lending))


def test_a_shared_layer_without_weights_is_let_through():
    flat = layers.Flatten()
    build = lambda: keras.Sequential([keras.Input((4,)), flat, layers.Dense(2)])  # noqa: E731
    check_model(build(), build())


@pytest.mark.parametrize("method", ["train_step", "test_step", "compute_loss", "compute_metrics", "fit"])
def test_a_training_loop_of_its_own_is_refused_and_a_call_of_its_own_is_not(method):
    theirs = type("Theirs", (Subclass,), {method: lambda self, *args, **kwargs: None})
    with pytest.raises(ValueError, match=rf"leaves {method} to Keras, got a {method} of its own in Theirs; train it"):
        check_model(subclass(theirs), subclass(theirs))
    harmless = type("Harmless", (Subclass,), {"call": lambda self, x: self.second(self.first(x)) * 2})
    check_model(subclass(harmless), subclass(harmless))


def test_a_train_step_put_onto_the_object_or_onto_a_functional_subclass_is_refused():
    patched = small()
    patched.train_step = lambda data: None
    with pytest.raises(ValueError, match="a train_step of its own in Sequential"):
        check_model(patched, small())

    class Functional(keras.Model):
        def train_step(self, *args):
            return super().train_step(*args)

    x = keras.Input((4,))
    with pytest.raises(ValueError, match="a train_step of its own in Functional"):
        check_model(Functional(x, layers.Dense(2)(x)), small())


def test_a_layer_without_its_weights_is_refused_by_name():
    class Forgetful(Subclass):
        def build(self, shape):
            self.first.build(shape)
            self.built = True

    with pytest.raises(
        ValueError, match="expected every layer to have its weights, got 'second' of 'subclass' unbuilt"
    ):
        check_model(subclass(Forgetful), subclass(Forgetful))


def test_a_model_that_nothing_trains_is_refused():
    frozen = small()
    frozen.trainable = False
    with pytest.raises(ValueError, match="expected a model with trainable weights, got none in 'sequential"):
        check_model(frozen, small())
    partly = [small(), small()]
    for model in partly:
        model.layers[0].trainable = False
    check_model(*partly)


def test_layers_made_in_call_leave_nothing_to_train():
    class Inside(keras.Model):
        def call(self, x):
            return layers.Dense(2)(x)

    model = Inside()
    model.build((None, 4))
    with pytest.raises(ValueError, match="those made in call are never trained"):
        check_model(model, small())


def test_half_precision_is_refused_and_bfloat16_is_not():
    with pytest.raises(ValueError, match=r"got float16 in 'dense.*', for which Keras"):
        check_model(small(dtype="mixed_float16"), small(dtype="mixed_float16"))
    check_model(small(dtype="mixed_bfloat16"), small(dtype="mixed_bfloat16"))


def test_a_structure_that_changes_from_call_to_call_is_refused():
    wider = keras.Sequential([keras.Input((4,)), layers.Dense(5), layers.Dropout(0.1), layers.Dense(2)])
    with pytest.raises(ValueError, match=r"same structure at each call, got a weight of shape \(4, 3\), then \(4, 5\)"):
        check_model(small(), wider)
    with pytest.raises(ValueError, match="then none"):
        check_model(small(), keras.Sequential(small().layers[:1]))
