"""Small models and data for the tests of callbacks, the same on every backend."""

import keras
import numpy as np

ON_JAX = keras.backend.backend() == "jax"
ON_TORCH = keras.backend.backend() == "torch"
L2 = 0.05


def data(rows: int = 96, *, seed: int = 0):
    """x (rows, 4), classes y (rows,), weights (rows,)."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4)).astype("float32")
    y = (x[:, 0] + 0.5 * x[:, 1] > 0).astype("int32") + (x[:, 2] > 1)
    return x, y.astype("int32"), rng.uniform(0.2, 3.0, size=rows).astype("float32")


def classifier(*, dropout: float = 0.4, norm: bool = False, seed: int = 1, **compiled):
    """4–8–3 with dropout and an L2 penalty on the first kernel."""
    keras.utils.set_random_seed(seed)
    layers = [
        keras.Input((4,)),
        keras.layers.Dense(8, "relu", kernel_regularizer=keras.regularizers.L2(L2)),
        *([keras.layers.BatchNormalization()] if norm else []),
        keras.layers.Dropout(dropout),
        keras.layers.Dense(3),
    ]
    model = keras.Sequential(layers)
    compiled = {"optimizer": keras.optimizers.SGD(0.1), "metrics": ["accuracy"]} | compiled
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(**({"loss": loss} | compiled))
    return model


def by_numpy(model, x, y, weights=None):
    """(mean cross-entropy, penalty) of `classifier(norm=False)`, in float64 and without Keras."""
    first, bias, last, offset = (np.asarray(array, np.float64) for array in model.get_weights())
    logits = np.maximum(x.astype(np.float64) @ first + bias, 0) @ last + offset
    logits -= logits.max(axis=1, keepdims=True)
    losses = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(y)), y]
    return float(np.mean(losses if weights is None else losses * weights)), L2 * float((first**2).sum())
