"""The loss along the straight line between two solutions."""

import keras
import numpy as np
import pandas as pd

from textbook.ensembles.weight_space import interpolated


def linear_path(model_a, model_b, x, y, *, points: int = 21, loss=None, data=None, batch_size: int = 256):
    """The loss of w(α) = (1 − α)·w_a + α·w_b for `points` values of α from 0 to 1.

    A hump between two good ends is a barrier: the solutions lie in different basins, as those from different initial
    weights do, and the mean of their weights is bad. No hump says that averaging weights may work. Hidden units can be
    put in another order without any change to the function, so a barrier does not say that the functions differ.

    Args:
        model_a, model_b: built models of one architecture; not changed.
        x, y: to evaluate on.
        points: at least 3.
        loss: a Keras loss or its name; None is that of `model_a.compile`, or cross-entropy from logits for whole
            numbers y, mean squared error for floats.
        data, batch_size: of `average_weights`, for batch norm.

    Returns: a table with columns `alpha`, `loss`, and for whole numbers y `accuracy`. The barrier is the largest
        loss − ((1 − α)·loss at 0 + α·loss at 1).
    Raises: ValueError for fewer than 3 points, and as `average_weights`.

    Source: Goodfellow, Vinyals, Saxe (2015), arXiv:1412.6544; Frankle et al. (2020), Linear mode connectivity.
    """
    if isinstance(points, bool) or not isinstance(points, int) or points < 3:
        raise ValueError(f"expected points as a whole number from 3 up, got {points!r}; mend by 21")
    y = np.asarray(y)
    classes = y.dtype.kind != "f"
    loss = _loss(loss or getattr(model_a, "loss", None), classes)
    rows, probe = [], None
    for alpha in np.linspace(0, 1, points):
        mixed = interpolated([model_a, model_b], [1 - alpha, alpha], data=data, batch_size=batch_size)
        if probe is None:
            probe = mixed  # compiled once; the others lend it their weights
        else:
            probe.set_weights(mixed.get_weights())
        outputs = probe.predict(x, batch_size=batch_size, verbose=0)
        value = float(keras.ops.convert_to_numpy(loss(y, outputs)))
        row = {"alpha": float(alpha), "loss": value}
        if classes:
            named = outputs.argmax(axis=-1) if outputs.shape[-1] > 1 else _named_by_one(outputs, loss)
            row["accuracy"] = float(np.mean(named == y.reshape(-1)))
        rows.append(row)
    return pd.DataFrame(rows)


def _loss(loss, classes: bool):
    if loss is None:
        return (
            keras.losses.SparseCategoricalCrossentropy(from_logits=True) if classes else keras.losses.MeanSquaredError()
        )
    found = keras.losses.get(loss)
    return found if isinstance(found, keras.losses.Loss) else (lambda y, outputs: keras.ops.mean(found(y, outputs)))


def _named_by_one(outputs, loss):
    """Of a single column: class 1 above logit 0, or above probability ½ where the loss wants probabilities."""
    from_logits = isinstance(loss, keras.losses.Loss) and loss.get_config().get("from_logits", False)
    return (outputs[:, 0] > (0.0 if from_logits else 0.5)).astype(int)
