"""Every entry of the table is held against Keras's own class at that Python float."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, losses, optimizers, regularizers
from keras.src.backend.tensorflow.optimizer import TFOptimizer
from keras.src.optimizers.base_optimizer import BaseOptimizer

from textbook.replicas.mapping import map_replicas
from textbook.replicas.number_table import KINDS, TABLE, range_of
from textbook.replicas.numbers import (
    assign,
    loss_numbers,
    matching,
    model_numbers,
    optimizer_numbers,
    stacks,
    turned,
)

VALUES = {  # three of each, 0 among them where 0 is legal
    # the inverse of float32's 1 − 0.15 has other bits than that of float64's, rounded
    **dict.fromkeys(("rate", "dropout", "recurrent_dropout", "stddev"), (0.0, 0.15, 0.42)),
    **dict.fromkeys(("alpha", "beta", "gamma", "delta", "factor", "l1", "l2"), (0.0, 0.3, 1.7)),
    **dict.fromkeys(("label_smoothing", "momentum", "rho", "ema_momentum"), (0.0, 0.1, 0.9)),
    **dict.fromkeys(("beta_1", "beta_2", "adam_beta_1", "adam_beta_2"), (0.0, 0.3, 0.99)),
    **dict.fromkeys(("epsilon", "epsilon_1", "epsilon_2", "weight_decay", "adam_weight_decay"), (0.0, 1e-3, 0.3)),
    **dict.fromkeys(("clipnorm", "clipvalue", "global_clipnorm"), (0.01, 0.3, 2.0)),
    "learning_rate_power": (-0.7, -0.5, 0.0),
    "l1_regularization_strength": (0.0, 0.01, 0.1),
    "l2_regularization_strength": (0.0, 0.01, 0.1),
    "l2_shrinkage_regularization_strength": (0.0, 0.01, 0.1),
    "beta_2_decay": (-0.8, -0.3, 0.0),
    "clip_threshold": (0.1, 0.5, 1.0),
    "q": (0.1, 0.5, 0.9),
    "muon_a": (3.3, 3.4, 3.4445),  # farther off, Muon's iteration diverges
    "muon_b": (-4.8, -4.775, -4.7),
    "muon_c": (2.0, 2.0315, 2.04),
    "adam_lr_ratio": (0.0, 0.5, 1.0),
    "rms_rate": (0.0, 0.2, 0.4),
}
NO_ZERO = (0.2, 0.5, 0.9)  # Lion refuses a beta_1 of 0

LAYERS = {  # a layer, and the shape of a sample
    layers.Dropout: (lambda **n: layers.Dropout(**n), (7,)),
    layers.SpatialDropout1D: (lambda **n: layers.SpatialDropout1D(**n), (3, 7)),
    layers.SpatialDropout2D: (lambda **n: layers.SpatialDropout2D(**n), (3, 2, 7)),
    layers.SpatialDropout3D: (lambda **n: layers.SpatialDropout3D(**n), (3, 2, 2, 7)),
    layers.AlphaDropout: (lambda **n: layers.AlphaDropout(**n), (7,)),
    layers.GaussianNoise: (lambda **n: layers.GaussianNoise(**n), (7,)),
    layers.ELU: (lambda **n: layers.ELU(**n), (7,)),
    layers.BatchNormalization: (lambda **n: layers.BatchNormalization(**n), (7,)),
    layers.LayerNormalization: (lambda **n: layers.LayerNormalization(**n), (7,)),
    layers.GroupNormalization: (lambda **n: layers.GroupNormalization(2, **n), (6,)),
    layers.ActivityRegularization: (lambda **n: layers.ActivityRegularization(**n), (7,)),
    layers.SimpleRNN: (lambda **n: layers.SimpleRNN(3, **n), (4, 2)),
    layers.GRU: (lambda **n: layers.GRU(3, **n), (4, 2)),
    layers.LSTM: (lambda **n: layers.LSTM(3, **n), (4, 2)),
    layers.SimpleRNNCell: (lambda **n: layers.RNN(layers.SimpleRNNCell(3, **n)), (4, 2)),
    layers.GRUCell: (lambda **n: layers.RNN(layers.GRUCell(3, **n)), (4, 2)),
    layers.LSTMCell: (lambda **n: layers.RNN(layers.LSTMCell(3, **n)), (4, 2)),
    layers.Attention: (lambda **n: layers.Attention(**n), (4, 3)),
    layers.AdditiveAttention: (lambda **n: layers.AdditiveAttention(**n), (4, 3)),
    layers.MultiHeadAttention: (lambda **n: layers.MultiHeadAttention(2, 3, **n), (4, 3)),
    layers.GroupQueryAttention: (lambda **n: layers.GroupQueryAttention(3, 2, 1, **n), (4, 3)),
    regularizers.L1: (lambda **n: layers.Dense(3, kernel_regularizer=regularizers.L1(**n)), (7,)),
    regularizers.L2: (lambda **n: layers.Dense(3, activity_regularizer=regularizers.L2(**n)), (7,)),
    regularizers.L1L2: (lambda **n: layers.Dense(3, kernel_regularizer=regularizers.L1L2(**n)), (7,)),
    regularizers.OrthogonalRegularizer: (
        lambda **n: layers.Dense(3, kernel_regularizer=regularizers.OrthogonalRegularizer(**n)),
        (7,),
    ),
}
PAIRS = (layers.Attention, layers.AdditiveAttention)  # called with a list
DOUBLES = (layers.MultiHeadAttention, layers.GroupQueryAttention)  # called with two arguments
SAME_BITS = (layers.Dropout, layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D)

LOSSES = {  # settings, and whether the labels are whole numbers or one-hot
    losses.BinaryCrossentropy: ({}, "shares"),
    losses.CategoricalCrossentropy: ({}, "shares"),
    losses.BinaryFocalCrossentropy: ({"apply_class_balancing": True}, "shares"),
    losses.CategoricalFocalCrossentropy: ({}, "shares"),
    losses.Huber: ({}, "shares"),
    losses.Tversky: ({}, "shares"),
    losses.CategoricalGeneralizedCrossEntropy: ({}, "classes"),
}


def model_of(layer, shape):
    keras.utils.set_random_seed(3)
    x = keras.Input(shape)
    y = layer([x, x]) if isinstance(layer, PAIRS) else layer(x, x) if isinstance(layer, DOUBLES) else layer(x)
    return keras.Model(x, y)


def forward(model, x, state):
    """(outputs, sum of the penalties, new non-trainable variables but for random states) of a training pass."""
    outputs, frozen, penalties = model.stateless_call(
        [v.value for v in model.trainable_variables], state, x, training=True, return_losses=True
    )
    kept = [
        tf.convert_to_tensor(new)
        for new, v in zip(frozen, model.non_trainable_variables, strict=True)
        if v.name != "seed_generator_state"
    ]
    return [outputs, tf.add_n(penalties) if penalties else tf.constant(0.0), *kept]


def mapped(function, stack):
    """The function of every replica's readings, traced as the trainer traces it."""
    compiled = tf.function(lambda s: map_replicas(function, s), autograph=False)
    return compiled({name: tuple(map(tf.constant, readings)) for name, readings in stack.items()})


def test_each_entry_of_the_table_is_tested():
    tested = {*LAYERS, *LOSSES, *KINDS, optimizers.Optimizer}
    assert {entry.kind for entry in TABLE} == tested
    for entry in TABLE:
        assert all(range_of(entry.attribute).has(value) for value in VALUES[entry.attribute])


@pytest.mark.parametrize(
    ("kind", "attribute"),
    [(e.kind, e.attribute) for e in TABLE if e.kind in LAYERS],
    ids=lambda one: one if isinstance(one, str) else one.__name__,
)
def test_layers_and_regularizers_compute_as_with_the_float(kind, attribute):
    make, shape = LAYERS[kind]
    values = VALUES[attribute]
    model = model_of(make(**{attribute: values[1]}), shape)
    (name,) = matching(model_numbers(model), attribute)
    x = np.random.default_rng(0).normal(size=(5, *shape)).astype(np.float32)
    state = [tf.constant(v.numpy()) for v in model.non_trainable_variables]

    def one(readings):
        with turned(model, readings):
            return forward(model, x, state)

    ours = mapped(one, stacks({name: values}))
    assert model_numbers(model)[name] == values[1]  # the float is back
    for replica, value in enumerate(values):
        assign(model, {name: value})
        keras_own = forward(model, x, state)
        for stack, expected in zip(ours, keras_own, strict=True):
            if kind in SAME_BITS:
                np.testing.assert_array_equal(stack[replica], expected)
            np.testing.assert_allclose(stack[replica], expected, rtol=2e-6, atol=1e-6)
    spread = max(np.ptp(np.asarray(stack, np.float64), axis=0).max() for stack in ours)
    assert spread > 1e-3  # the values differ enough to be told apart


@pytest.mark.parametrize(
    ("kind", "attribute"),
    [(e.kind, e.attribute) for e in TABLE if e.kind in LOSSES],
    ids=lambda one: one if isinstance(one, str) else one.__name__,
)
def test_losses_compute_as_with_the_float(kind, attribute):
    settings, labels = LOSSES[kind]
    values = VALUES[attribute]
    rng = np.random.default_rng(0)
    outputs = rng.dirichlet(np.ones(4), size=6).astype(np.float32)
    classes = rng.integers(4, size=6)
    y = np.eye(4, dtype=np.float32)[classes] if labels == "shares" else classes.astype(np.float32)[:, np.newaxis]
    loss = kind(**settings, **{attribute: values[1]})
    name = f"loss.{attribute}"
    assert loss_numbers(loss)[name] == values[1]

    def one(readings):
        with turned(loss, readings):
            return loss(y, outputs)

    ours = mapped(one, stacks({name: values}))
    for replica, value in enumerate(values):
        expected = kind(**settings, **{attribute: value})(y, outputs)
        np.testing.assert_allclose(ours[replica], expected, rtol=2e-6)
        assign(loss, {name: value})
        assert loss(y, outputs) == expected
        assert loss.get_config().get(attribute, value) == value
    assert np.ptp(ours) > 1e-3


@contextlib.contextmanager
def on_plain_tensors():
    """Put Keras's own steps back where TensorFlow's need variables of TensorFlow."""
    with pytest.MonkeyPatch.context() as patch:
        for name in vars(TFOptimizer):
            if name in vars(BaseOptimizer) and not name.startswith("__"):
                patch.setattr(TFOptimizer, name, getattr(BaseOptimizer, name))
        patch.setattr(TFOptimizer, "stateless_apply", BaseOptimizer.stateless_apply)
        yield


def three_updates(optimizer, values, weights, gradients):
    """Weights and slots after three updates, for each value: stacks."""

    def one(readings):
        state = [v.value for v in weights], slots
        with turned(optimizer, readings):
            for step in gradients:
                state = optimizer.stateless_apply(state[1], [tf.constant(g) for g in step], state[0])
        return [[tf.convert_to_tensor(v) for v in part] for part in state]

    with on_plain_tensors():
        with turned(optimizer, {name: (0.5,) for name in values}):  # so that there are slots for a momentum
            optimizer.build(weights)
        slots = [tf.constant(v.numpy()) for v in optimizer.variables]
        new, slots = mapped(one, stacks(values))
    return new, slots


def check_optimizer(kind, settings, values):
    rng = np.random.default_rng(1)
    shapes = [(3, 4), (4,)]
    start = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    gradients = [[rng.normal(size=shape).astype(np.float32) for shape in shapes] for _ in range(3)]
    names = ("kernel", "bias")
    weights = [keras.Variable(value, name=name) for value, name in zip(start, names, strict=True)]
    new, slots = three_updates(kind(learning_rate=0.1, **settings), values, weights, gradients)
    for replica in range(3):
        own = {name.partition(".")[2]: numbers[replica] for name, numbers in values.items()}
        keras_own = kind(learning_rate=0.1, **settings | own)
        weights = [keras.Variable(value, name=name) for value, name in zip(start, names, strict=True)]
        for step in gradients:
            keras_own.apply([tf.constant(g) for g in step], weights)
        for stack, expected in zip(new, weights, strict=True):
            assert np.isfinite(expected.numpy()).all()
            np.testing.assert_allclose(stack[replica], expected.numpy(), rtol=1e-5, atol=2e-6)
        if len(slots) == len(keras_own.variables):  # Keras's own has none for a momentum of 0
            for stack, slot in zip(slots, keras_own.variables, strict=True):
                np.testing.assert_allclose(stack[replica], slot.numpy(), rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_optimizers_step_as_with_the_floats(kind):
    settings = {"use_ema": True, "weight_decay": 0.1, "clipnorm": 1.0}
    optimizer = kind(**settings)
    names = list(optimizer_numbers(optimizer))
    table = {entry.attribute for entry in TABLE if entry.kind is kind} - {"clipvalue", "global_clipnorm"}
    assert {name.partition(".")[2] for name in names} == table
    values = {}
    for shift, name in enumerate(names):  # shifted, so that not all are 0 at once
        own = VALUES[name.partition(".")[2]]
        if kind is optimizers.Lion and name == "optimizer.beta_1":
            own = NO_ZERO
        values[name] = np.roll(own, shift).tolist()
    check_optimizer(kind, settings, values)


@pytest.mark.parametrize("attribute", ["clipvalue", "global_clipnorm"])
def test_clipping_as_with_the_float(attribute):
    check_optimizer(optimizers.SGD, {attribute: 1.0}, {f"optimizer.{attribute}": VALUES[attribute]})
    assert all(kind._clip_gradients is BaseOptimizer._clip_gradients for kind in KINDS)


@pytest.mark.parametrize("nesterov", [False, True])
def test_plain_and_heavy_sgd_share_a_graph(nesterov):
    check_optimizer(optimizers.SGD, {"nesterov": nesterov}, {"optimizer.momentum": [0.0, 0.5, 0.9]})


def test_an_optimizer_outside_keras_offers_its_weight_decay_alone():
    class Signed(optimizers.Adam):
        def update_step(self, gradient, variable, learning_rate):
            self.assign_sub(variable, keras.ops.sign(gradient) * float(self.beta_1) * learning_rate)

    optimizer = Signed(weight_decay=0.1)
    assert optimizer_numbers(optimizer) == {"optimizer.weight_decay": 0.1}
    check_optimizer(Signed, {"weight_decay": 0.1}, {"optimizer.weight_decay": [0.0, 0.1, 0.5]})
    with turned(optimizer, {"optimizer.beta_1": (0.5,)}), pytest.raises(TypeError, match="asks for the Python float"):
        float(optimizer.beta_1)
