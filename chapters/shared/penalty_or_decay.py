"""A penalty in the loss beside weight decay in the optimizer, update by update, for optimizers of Keras."""

import numpy as np
import pandas as pd

from textbook.seeding import stream


def penalty_or_decay(decay: float, *, updates: int = 60) -> pd.DataFrame:
    """Distance between the weights of Keras's optimizers with ½·decay·Σw² in the loss and with weight_decay=decay.

    Logistic regression on random batches of made-up data, in double precision; the same batches for both.

    Returns: a row per `optimizer` and `update` (from 1): `decay`, and `apart`, the distance relative to the size of the
        weights.
    """
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    rng = stream(0, "weight decay step by step")
    x, truth, start = rng.normal(size=(400, 6)), rng.normal(size=(6, 3)), rng.normal(size=(6, 3))
    labels = np.argmax(x @ truth + rng.gumbel(size=(400, 3)), axis=1)
    batches = rng.integers(0, 400, (updates, 32))
    makers = {
        "SGD": lambda **more: keras.optimizers.SGD(0.1, **more),
        "SGD with momentum": lambda **more: keras.optimizers.SGD(0.1, momentum=0.9, **more),
        "Adam": lambda **more: keras.optimizers.Adam(0.1, **more),
    }
    rows = []
    for name, make in makers.items():
        pair = [(make(), decay), (make(weight_decay=decay), 0.0)]
        weights = [keras.Variable(start, dtype="float64") for _ in pair]
        for update, batch in enumerate(batches, start=1):
            for w, (optimizer, penalty) in zip(weights, pair, strict=True):
                now = keras.ops.convert_to_numpy(w)
                gradient = _gradient(x[batch], labels[batch], now) + penalty * now
                optimizer.apply([keras.ops.convert_to_tensor(gradient, "float64")], [w])
            first, second = (keras.ops.convert_to_numpy(w) for w in weights)
            apart = np.linalg.norm(first - second) / np.linalg.norm(second)
            rows.append((name, update, decay, apart))
    return pd.DataFrame(rows, columns=["optimizer", "update", "decay", "apart"])


def _gradient(x, labels, w) -> np.ndarray:
    """Of the mean cross-entropy of softmax(x·w)."""
    chances = np.exp(x @ w - (x @ w).max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    return x.T @ (chances - np.eye(w.shape[1])[labels]) / len(x)
