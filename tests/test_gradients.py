"""Gradients at given data against closed forms and differences, with the model untouched."""

import keras
import numpy as np
import pytest

from textbook.gradients import LossGradient, gradients_of


def network(**compiled):
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(4),
            keras.layers.BatchNormalization(),
            keras.layers.Activation("tanh"),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(2),
        ]
    )
    model.compile("sgd", "mse", **compiled)
    return model


def rows(n=12):
    random = np.random.default_rng(0)
    return random.normal(size=(n, 3)).astype("float32"), random.normal(size=(n, 2)).astype("float32")


def variables(model):
    return [
        np.array(keras.ops.convert_to_numpy(v.value))
        for v in (*model.variables, *model.metrics_variables, *model.optimizer.variables)
    ]


def test_linear_regression_has_its_closed_form():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(loss="mse")
    x, y = rows()
    kernel, bias = model.get_weights()
    residual = x @ kernel + bias - y
    of_kernel, of_bias = gradients_of(model, x, y)
    assert of_kernel == pytest.approx(2 * x.T @ residual / residual.size, rel=1e-5, abs=1e-7)
    assert of_bias == pytest.approx(2 * residual.sum(axis=0) / residual.size, rel=1e-5, abs=1e-7)


def test_sample_weights_weigh():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(loss="mse")
    x, y = rows()
    weights = np.repeat([2.0, 0.0], 6).astype("float32")
    weighted = gradients_of(model, x, y, sample_weight=weights)
    for ours, expected in zip(weighted, gradients_of(model, x[:6], y[:6]), strict=True):
        assert ours == pytest.approx(expected, rel=1e-5, abs=1e-7)


@keras.saving.register_keras_serializable(package="tests")
class Activity(keras.layers.Layer):
    """Adds the sum of its inputs to the loss."""

    def call(self, x):
        self.add_loss(keras.ops.sum(x))
        return x


def test_penalties_belong_to_the_loss():
    penalty = keras.regularizers.L2(0.1)
    model = keras.Sequential(
        [keras.Input((3,)), Activity(), keras.layers.Dense(2, use_bias=False, kernel_regularizer=penalty), Activity()]
    )
    model.compile(loss="mse")
    x, y = rows()
    kernel = model.get_weights()[0]
    residual = x @ kernel - y
    expected = 2 * x.T @ residual / residual.size + 0.2 * kernel + x.sum(axis=0)[:, None]
    assert gradients_of(model, x, y)[0] == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_nothing_of_the_model_changes_and_moved_weights_are_seen():
    model, (x, y) = network(metrics=["mae"]), rows()
    gradients = {training: LossGradient(model, training=training) for training in (False, True)}
    untrained = gradients[False](x, y)
    model.fit(x, y, verbose=0)
    before = variables(model)
    found = {training: gradient(x, y) for training, gradient in gradients.items()}
    for training, gradient in gradients.items():
        assert all(map(np.array_equal, found[training], gradient(x, y)))  # the same masks again
    assert all(map(np.array_equal, before, variables(model)))
    # compiled before the training, yet with its weights and moving statistics
    assert not np.allclose(found[False][0], untrained[0])
    for ours, fresh in zip(found[False], gradients_of(model, x, y), strict=True):
        assert ours == pytest.approx(fresh, rel=1e-4, abs=1e-6)
    # inside one batch the normalised values have mean 0 whatever the bias before them: its gradient vanishes
    assert found[True][1] == pytest.approx(np.zeros(4), abs=1e-6)
    assert np.abs(found[False][1]).max() > 1e-3


def test_a_weight_that_the_loss_does_not_see_has_gradient_zero_and_rows_of_an_embedding_are_dense():
    taken = keras.Input((1,), dtype="int32")
    inner = keras.layers.Flatten()(keras.layers.Embedding(5, 2)(taken))
    idle = keras.layers.Dense(2)
    model = keras.Model(taken, keras.layers.Add()([inner, 0.0 * idle(inner)]))
    model.compile(loss="mse")
    gradient = gradients_of(model, np.array([[1], [1]]), np.zeros((2, 2), "float32"))
    shapes = [tuple(v.shape) for v in model.trainable_variables]
    assert [part.shape for part in gradient] == shapes
    table = gradient[shapes.index((5, 2))]
    assert np.flatnonzero(np.abs(table).sum(axis=1)).tolist() == [1]
    assert not gradient[shapes.index((2, 2))].any()


def test_refuses():
    with pytest.raises(ValueError, match=r"expected a built keras\.Model"):
        LossGradient(keras.Sequential([keras.layers.Dense(1)]))
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match=r"expected a compiled model.*mend by model\.compile"):
        gradients_of(model, np.ones((1, 1)))
    model.trainable = False
    model.compile(loss="mse")
    with pytest.raises(ValueError, match="expected trainable weights, got none"):
        gradients_of(model, np.ones((1, 1)))
