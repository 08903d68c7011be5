"""How fast the gradient changes along its own direction: how far a step may go before it no longer knows the way."""

import keras
import numpy as np
import pandas as pd

from textbook.gradients import LossGradient, _tensors, untouched_randomness


def gradient_smoothness(
    model, x, y=None, *, distances=(0.03, 0.1, 0.3), sample_weight=None, training: bool = True
) -> pd.DataFrame:
    """‖∇L(w) − ∇L(w − t∇L(w))‖ / ‖t∇L(w)‖ for each distance t: a lower bound of the gradient's Lipschitz constant.

    On a quadratic surface it is at most the largest eigenvalue of the Hessian. Gradient descent at rate t is stable
    there while it is below 2/t. Its largest value over the distances is the "effective β-smoothness" of Santurkar and
    others. It is in units of the weights: where a layer may have weights of any size, as in front of batch norm, larger
    weights make it smaller, and nothing else. Nothing of the model changes.

    Args:
        model: a built and compiled `keras.Model`.
        x, y, sample_weight: as `fit` takes them, arrays (or structures of arrays) of equally many rows.
        distances: t, above 0, one or several: the steps of gradient descent with these learning rates.
        training: run the layers as in training; the passes then share their dropout masks.

    Returns: a row per distance: `distance`, `smoothness` (NaN where the gradient is 0), `gradient_norm` at w.
    Raises: ValueError for distances that are not above 0, and for a model that is not built or compiled.

    Source: Santurkar, Tsipras, Ilyas and Mądry (2018), section 3.1.

    With L = (w·x)² and x = 2 the gradient is 8w, so it changes by 8 per unit of w:

    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    >>> model.compile(loss="mse")
    >>> gradient_smoothness(model, np.array([[2.0]]), np.array([[0.0]])).smoothness.round(3).tolist()
    [8.0, 8.0, 8.0]
    """
    distances = [float(distance) for distance in np.atleast_1d(distances)]
    if not distances or not all(0 < distance < np.inf for distance in distances):
        raise ValueError(f"expected distances above 0, got {distances}; mend by (0.03, 0.1, 0.3)")
    gradient = _GradientAt(model, training=training)
    weights = [keras.ops.convert_to_numpy(variable.value) for variable in model.trainable_variables]
    here = gradient.at(weights, x, y, sample_weight)
    length, rows = _norm(here), []
    for distance in distances:
        away = [weight - distance * slope for weight, slope in zip(weights, here, strict=True)]
        change = _norm([b - a for a, b in zip(here, gradient.at(away, x, y, sample_weight), strict=True)])
        rows.append((distance, change / (distance * length) if length else np.nan, length))
    return pd.DataFrame(rows, columns=["distance", "smoothness", "gradient_norm"])


class _GradientAt(LossGradient):
    """The loss's gradient at other weights than the model's own."""

    def at(self, weights, x, y, sample_weight) -> list[np.ndarray]:
        data = [_tensors(part) for part in (x, y, sample_weight)]
        tensors = [
            keras.ops.convert_to_tensor(weight, dtype=variable.dtype)
            for weight, variable in zip(weights, self._model.trainable_variables, strict=True)
        ]
        other = [keras.ops.convert_to_tensor(variable.value) for variable in self._model.non_trainable_variables]
        with untouched_randomness():
            slopes = self._gradient(tensors, other, *data)
        return [np.array(keras.ops.convert_to_numpy(slope)) for slope in slopes]


def _norm(arrays) -> float:
    return float(np.sqrt(sum((array.astype(np.float64) ** 2).sum() for array in arrays)))
