"""Numbers are found wherever Keras keeps them, and only those that can change."""

import keras
import numpy as np
import pytest
from keras import layers, losses, optimizers, regularizers

from textbook.replicas.numbers import assign, loss_numbers, model_numbers, optimizer_numbers, turned


def test_numbers_are_found_wherever_keras_keeps_them():
    shared = regularizers.L2(0.3)
    model = keras.Sequential(
        [
            keras.Input((8,)),
            layers.Embedding(9, 4, embeddings_regularizer=regularizers.L1(0.01)),
            layers.SeparableConv1D(4, 3, depthwise_regularizer="l2", pointwise_regularizer=shared, name="mix"),
            layers.BatchNormalization(beta_regularizer=regularizers.L1L2(0.1, 0.2), gamma_regularizer=shared),
            layers.LSTM(3, recurrent_regularizer=regularizers.L2(0.4), dropout=0.2, name="memory"),
            layers.Dense(2, bias_regularizer="l1"),
        ]
    )
    assert model_numbers(model) == {
        "1.embedding.embeddings_regularizer.l1": 0.01,
        "2.mix.depthwise_regularizer.l2": 0.01,
        "2.mix.pointwise_regularizer.l2": 0.3,  # the batch norm's is the same object
        "3.batch_normalization.momentum": 0.99,
        "3.batch_normalization.epsilon": 0.001,
        "3.batch_normalization.beta_regularizer.l1": 0.1,
        "3.batch_normalization.beta_regularizer.l2": 0.2,
        "4.memory.dropout": 0.2,
        "4.memory.recurrent_regularizer.l2": 0.4,
        "6.dense.bias_regularizer.l1": 0.01,
    }
    before = float(sum(model.losses))
    assign(model, {"2.mix.pointwise_regularizer.l2": 1.3})
    both = [v for v in model.trainable_variables if v.regularizer is shared]
    assert len(both) == 2
    assert float(sum(model.losses)) == pytest.approx(before + sum(np.sum(v.numpy() ** 2) for v in both), rel=1e-5)


def test_a_penalty_that_only_a_weight_knows_is_a_number():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    model.layers[0].kernel.regularizer = regularizers.L2(0.5)
    assert model_numbers(model) == {"1.dense.kernel_regularizer.l2": 0.5}


def test_numbers_that_cannot_change_are_left_out():
    model = keras.Sequential(
        [
            keras.Input((4, 3)),
            layers.Dropout(0.0),
            layers.GaussianDropout(0.2),
            layers.LeakyReLU(0.1),
            layers.LSTM(3),
            layers.Dropout(0.2, dtype="mixed_float16"),
        ]
    )
    assert model_numbers(model) == {"4.lstm.dropout": 0.0}
    settings = optimizer_numbers(optimizers.SGD(clipnorm=0.0))
    assert settings == {"optimizer.momentum": 0.0}
    assert loss_numbers(losses.MeanSquaredError()) == loss_numbers(losses.mean_squared_error) == {}


def test_what_is_assigned_is_what_keras_saves():
    keras.utils.set_random_seed(0)
    x = keras.Input((4, 3))
    y = layers.ELU()(layers.MultiHeadAttention(1, 2, dropout=0.3, kernel_regularizer=regularizers.L1(0.1))(x, x))
    model = keras.Model(x, layers.ActivityRegularization(l2=0.2)(layers.SimpleRNN(2, dropout=0.1)(y)))
    values = {name: 0.25 + 0.125 * i for i, name in enumerate(model_numbers(model))}
    assert len(values) == 7  # two of the penalty on activities
    assign(model, values)
    again = keras.models.model_from_json(model.to_json())
    assert list(model_numbers(again).values()) == list(model_numbers(model).values()) == list(values.values())


def test_floats_are_back_after_an_error():
    model = keras.Sequential([keras.Input((4,)), layers.Dropout(0.3)])
    with pytest.raises(RuntimeError, match="planted"), turned(model, {"1.dropout.rate": (0.5,)}):
        assert not isinstance(model.layers[0].rate, float)
        raise RuntimeError("planted")
    assert model_numbers(model) == {"1.dropout.rate": 0.3}
