"""A linear model whose every update NumPy can follow, and the update rules that it is to follow."""

import keras
import numpy as np

ROWS, BATCH = 32, 4
UPDATES_AN_EPOCH = ROWS // BATCH
_RANDOM = np.random.default_rng(7)
X = _RANDOM.normal(size=(ROWS, 3)).astype("float32")
Y = (X @ np.array([[1.0], [-2.0], [0.5]]) + 0.1 * _RANDOM.normal(size=(ROWS, 1))).astype("float32")
START = np.array([0.3, 0.2, -0.4])


@keras.saving.register_keras_serializable(package="tests")
class Listed(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule of somebody's own: value k mod length of a list, at update k."""

    def __init__(self, values):
        self.values = list(values)

    def __call__(self, step):
        place = keras.ops.cast(step, "int32") % len(self.values)
        return keras.ops.take(keras.ops.convert_to_tensor(self.values, "float32"), place)

    def get_config(self):
        return {"values": self.values}


class Weights(keras.callbacks.Callback):
    """The weights after each execution, by the number of batches done."""

    def on_train_begin(self, logs=None):
        self.after = {}

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self.after[self.epoch * UPDATES_AN_EPOCH + batch + 1] = self.model.get_weights()


def linear_model(optimizer, **compiled):
    """Mean squared error of x·w, from `START`."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, use_bias=False, name="only")])
    model.set_weights([START[:, None]])
    # without jit, JAX would run every step in Python
    model.compile(optimizer, "mse", **{"jit_compile": keras.backend.backend() == "jax", **compiled})
    return model


def weights_by_update(optimizer, *, epochs: int = 2, callbacks=(), **compiled) -> dict[int, np.ndarray]:
    """Batches done → weights (3,), of a `fit` over the rows in their order."""
    model, seen = linear_model(optimizer, **compiled), Weights()
    model.fit(X, Y, batch_size=BATCH, epochs=epochs, shuffle=False, verbose=0, callbacks=[*callbacks, seen])
    return {batches: weights[0][:, 0] for batches, weights in seen.after.items()}


def gradient(weights, batch: int):
    """Of the mean squared error over a batch, counted from 0 through all epochs."""
    rows = slice((batch % UPDATES_AN_EPOCH) * BATCH, (batch % UPDATES_AN_EPOCH + 1) * BATCH)
    x, y = X[rows].astype(float), Y[rows, 0].astype(float)
    return 2 * x.T @ (x @ weights - y) / BATCH


def simulated(rule, *, epochs: int = 2, accumulation: int = 1) -> dict[int, np.ndarray]:
    """Batches done → weights, where `rule(k, weights, gradient)` returns the weights after update k, counted from 0."""
    weights, history, collected = START.copy(), {}, []
    for batch in range(epochs * UPDATES_AN_EPOCH):
        collected.append(gradient(weights, batch))
        if len(collected) == accumulation:
            weights = rule(batch // accumulation, weights, np.mean(collected, axis=0))
            collected = []
        history[batch + 1] = weights
    return history


def always(value):
    """The value at every update."""
    return lambda k: value


def sgd(rate, momentum, *, nesterov=False, decay=None):
    """Keras's rule: the rate stands inside the velocity. All arguments are functions of the update."""
    velocity = np.zeros(3)

    def rule(k, weights, g):
        nonlocal velocity
        weights = weights - weights * (decay(k) * rate(k) if decay else 0.0)
        velocity = momentum(k) * velocity - rate(k) * g
        return weights + (momentum(k) * velocity - rate(k) * g if nesterov else velocity)

    return rule


def adam(rate, beta_1, beta_2, *, decay=None, epsilon=1e-7):
    """Keras's rule: the bias is corrected by the present beta to the power t."""
    m, v = np.zeros(3), np.zeros(3)

    def rule(k, weights, g):
        nonlocal m, v
        weights = weights - weights * (decay(k) * rate(k) if decay else 0.0)
        m = beta_1(k) * m + (1 - beta_1(k)) * g
        v = beta_2(k) * v + (1 - beta_2(k)) * g**2
        corrected = rate(k) * np.sqrt(1 - beta_2(k) ** (k + 1)) / (1 - beta_1(k) ** (k + 1))
        return weights - corrected * m / (np.sqrt(v) + epsilon)

    return rule


def assert_same_updates(seen: dict, expected: dict, *, tolerance: float = 3e-6):
    """Every update that was seen is the expected one; at least three were seen, and they moved the weights."""
    assert len(seen) >= 3
    assert np.ptp([weights[0] for weights in expected.values()]) > 1e-2
    for batches, weights in seen.items():
        np.testing.assert_allclose(weights, expected[batches], atol=tolerance, err_msg=f"after {batches} batches")
