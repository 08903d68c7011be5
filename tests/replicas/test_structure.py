"""Keys of graphs: equal where only numbers differ, different where anything else does."""

import functools
import gc
import weakref

import keras
import numpy as np
import pytest
from keras import layers, losses, optimizers, regularizers

from textbook.replicas.structure import structure


def stacked(rate=0.2, l2=0.1, momentum=0.9, activation="relu", units=3, name=None, first=layers.Dropout):
    return keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(units, activation=activation, kernel_regularizer=regularizers.L2(l2), name=name),
            layers.BatchNormalization(momentum=momentum),
            first(rate),
            layers.Dense(2, bias_regularizer=regularizers.L1(l2)),
        ]
    )


def branched(rate=0.2, swapped=False):
    x = keras.Input((4,))
    a, b = layers.Dense(4)(x), layers.Dropout(rate)(layers.Dense(4)(x))
    return keras.Model(x, keras.ops.subtract(b, a) if swapped else keras.ops.subtract(a, b))


def test_models_that_differ_in_numbers_alone_are_equal():
    one = structure(stacked())
    for other in (stacked(), stacked(rate=0.5), stacked(l2=0.0), stacked(momentum=0.5)):
        assert structure(other) == one
        assert {one: "found"}[structure(other)] == "found"
    assert structure(branched()) == structure(branched(0.7))


@pytest.mark.parametrize(
    "change",
    [
        {"activation": "tanh"},
        {"units": 4},
        {"name": "hidden"},
        {"rate": 0.0},  # has no random state
        {"first": layers.GaussianDropout},
    ],
    ids=lambda change: next(iter(change)),
)
def test_models_that_differ_otherwise_are_not(change):
    assert structure(stacked(**change)) != structure(stacked())


def test_what_is_connected_to_what_counts():
    assert structure(branched()) != structure(branched(swapped=True))


def test_a_number_outside_the_table_counts():
    one, same, other = (structure(stacked(rate, first=layers.GaussianDropout)) for rate in (0.2, 0.2, 0.3))
    assert one == same
    assert one != other


def test_frozen_weights_and_adapted_ones_count():
    frozen = stacked()
    frozen.layers[0].trainable = False
    assert structure(frozen) != structure(stacked())
    keys = []
    for scale in (1.0, 1.0, 2.0):
        adapted = layers.Normalization()
        adapted.adapt(scale * np.arange(12.0).reshape(4, 3))
        keys.append(structure(keras.Sequential([keras.Input((3,)), adapted, layers.Dense(2)])))
    assert keys[0] == keys[1]
    assert keys[0] != keys[2]


def test_a_penalty_put_on_a_weight_later_counts():
    keys = []
    for rule in (None, regularizers.L2(0.1), regularizers.L2(0.7), regularizers.L1L2(0.1, 0.1)):
        model = stacked()
        model.layers[3].kernel.regularizer = rule
        keys.append(structure(model))
    assert keys[1] == keys[2]
    assert len(set(keys)) == 3


def test_a_shared_penalty_is_not_two():
    def build(first, second):
        return keras.Sequential(
            [
                keras.Input((3,)),
                layers.Dense(3, kernel_regularizer=first),
                layers.Dense(3, kernel_regularizer=second),
            ]
        )

    shared = regularizers.L2(0.1)
    assert structure(build(shared, shared)) != structure(build(regularizers.L2(0.1), regularizers.L2(0.1)))


class Doubled(layers.Dense):
    def call(self, x):
        return 2 * super().call(x)


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(2)

    def call(self, x):
        return self.dense(x)


def relu(x):
    return -x


def of_layer(make):
    return lambda: keras.Sequential([keras.Input((4,)), make()])


def with_operation():
    x = keras.Input((4,))
    return keras.Model(x, keras.ops.map(lambda row: row * 2, x))


def subclassed():
    model = Subclassed()
    model(np.zeros((1, 4)))
    return model


OWN = {
    "layer": of_layer(lambda: Doubled(2)),
    "Lambda": of_layer(lambda: layers.Lambda(lambda x: x)),
    "function": of_layer(lambda: layers.Dense(2, activation=lambda x: x)),
    "function with a name of Keras's": of_layer(lambda: layers.Dense(2, activation=relu)),
    "partial function": of_layer(lambda: layers.Dense(2, activation=functools.partial(keras.ops.elu, alpha=2.0))),
    "regularizer": of_layer(lambda: layers.Dense(2, activity_regularizer=lambda y: keras.ops.sum(y))),
    "initializer": of_layer(lambda: layers.Dense(2, kernel_initializer=lambda shape, dtype: keras.ops.ones(shape))),
    "constraint": of_layer(lambda: layers.Dense(2, kernel_constraint=relu)),
    "operation": with_operation,
    "model": subclassed,
}


@pytest.mark.parametrize("build", OWN.values(), ids=OWN.keys())
def test_own_code_is_told_apart_by_the_builder(build):
    def other():
        return build()

    assert structure(build(), own=build) == structure(build(), own=build)
    assert structure(build(), own=build) != structure(other(), own=other)
    model = build()
    assert structure(model) == structure(model)
    assert structure(model) != structure(build())


def test_code_of_keras_needs_no_builder():
    def build():
        return keras.Sequential(
            [
                keras.Input((4, 3)),
                layers.Bidirectional(layers.LSTM(3, recurrent_dropout=0.2)),
                layers.Reshape((2, 3)),
                layers.TimeDistributed(layers.Dense(2, activation=keras.ops.sin)),
                layers.Dense(2, kernel_constraint="max_norm", kernel_initializer=keras.initializers.RandomNormal()),
                layers.Activation("gelu"),
            ]
        )

    assert structure(build(), own=1) == structure(build(), own=2)


def test_methods_are_told_apart_by_their_object():
    class Builder:
        def build(self):
            return OWN["layer"]()

    one, other = Builder(), Builder()
    assert structure(one.build(), own=one.build) == structure(one.build(), own=one.build)
    assert structure(one.build(), own=one.build) != structure(other.build(), own=other.build)


def test_a_key_keeps_its_code_alive():
    def builder():
        def build():
            return OWN["layer"]()

        return build

    build = builder()
    seen = weakref.ref(build)
    key = structure(build(), own=build)
    del build
    gc.collect()
    assert seen() is not None
    assert key != structure(OWN["layer"](), own=builder())


class Weighted(losses.Loss):
    def __init__(self, weight):
        super().__init__()
        self.weight = weight

    def call(self, y_true, y_pred):
        return self.weight * keras.ops.mean(y_true - y_pred, axis=-1)


def test_losses():
    entropy = losses.CategoricalCrossentropy
    assert structure(entropy()) == structure(entropy(label_smoothing=0.3, name="other"))
    assert structure(losses.Huber()) == structure(losses.Huber(3.0))
    different = [
        entropy(),
        entropy(from_logits=True),
        entropy(reduction="sum"),
        losses.BinaryCrossentropy(),
        losses.CosineSimilarity(),
        losses.CosineSimilarity(axis=1),
        losses.SparseCategoricalCrossentropy(ignore_class=1),
        losses.SparseCategoricalCrossentropy(),
        losses.mean_squared_error,
        losses.MeanSquaredError(),
        lambda y, outputs: y - outputs,
        lambda y, outputs: y - outputs,
        Weighted(1.0),
        Weighted(1.0),
    ]
    assert len({structure(loss) for loss in different}) == len(different)
    assert structure(different[-1]) == structure(different[-1])
    assert structure(losses.mean_squared_error) == structure(losses.mean_squared_error)


class Signed(optimizers.Optimizer):
    def __init__(self, learning_rate=0.1, share=1.0, rule=None, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.share, self.rule = share, rule

    def get_config(self):
        return {**super().get_config(), "share": self.share, "rule": self.rule}


def test_optimizers():
    sgd, adam = optimizers.SGD, optimizers.Adam
    assert structure(sgd(0.1)) == structure(sgd(0.3, momentum=0.9, name="other"))
    assert structure(adam(weight_decay=0.0, clipnorm=0.1)) == structure(
        adam(weight_decay=0.1, clipnorm=3.0, beta_1=0.5)
    )
    scaled = [optimizers.LossScaleOptimizer(adam(0.1)) for _ in range(2)]
    assert structure(scaled[0]) == structure(scaled[1])
    assert structure(Signed()) == structure(Signed(0.5, weight_decay=None))
    assert structure(Signed(weight_decay=0.0)) == structure(Signed(weight_decay=0.1))
    different = [
        sgd(),
        sgd(nesterov=True),
        sgd(weight_decay=0.0),
        sgd(clipnorm=1.0),
        sgd(clipnorm=0.0),
        sgd(clipvalue=1.0),
        sgd(use_ema=True),
        sgd(gradient_accumulation_steps=2),
        adam(),
        adam(amsgrad=True),
        optimizers.AdamW(weight_decay=0.1),
        adam(weight_decay=0.1),
        optimizers.Adagrad(),
        optimizers.Adagrad(initial_accumulator_value=0.5),
        scaled[0],
        Signed(),
        Signed(share=0.5),
        Signed(rule=relu),
        Signed(rule=relu),
    ]
    assert len({structure(optimizer) for optimizer in different}) == len(different)
