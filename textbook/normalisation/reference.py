"""Batch norm in NumPy, float64: forward in training and in inference, backward, and the moving averages.

Everything runs along one feature axis (the last one, as in Keras); mean and variance are taken over all the others,
that is over the rows of the batch and, for images, over the places too. Equal to `keras.layers.BatchNormalization`.
"""

from dataclasses import dataclass
from numbers import Integral

import numpy as np

from textbook.schedules.arguments import nonnegative, weight


@dataclass(frozen=True)
class Normalised:
    """What one forward pass in training leaves behind: the batch's moments, and what `batch_norm_backward` needs.

    Attributes:
        mean, variance: of the batch, of each feature, (features,); the variance divides by N, the biased one.
        values: x̂ = (x − mean)/√(variance + ε), before γ and β, in the shape of x.
        gamma: γ, (features,).
        epsilon: ε, added to the variance inside the root.
        axis: of the features in `values`, counted from 0.
    """

    mean: np.ndarray
    variance: np.ndarray
    values: np.ndarray
    gamma: np.ndarray
    epsilon: float
    axis: int


def batch_norm(x, gamma=1.0, beta=0.0, *, epsilon: float = 1e-3, axis: int = -1) -> tuple[np.ndarray, Normalised]:
    """Batch norm as in training: y = γ·(x − μ)/√(σ² + ε) + β, with the batch's own μ and σ².

    Args:
        x: values of a batch, with two axes or more, such as (rows, features) or (rows, height, width, channels).
        gamma, beta: scale and shift of each feature, (features,), or a number for all.
        epsilon: ε, from 0 up, added to the variance inside the root. Keras takes 1e-3, torch 1e-5.
        axis: of the features; mean and variance are taken over all the others.

    Returns: (y in the shape of x, `Normalised`). A batch with one value per feature gives exactly β.

    Raises: ValueError for fewer than two axes, an axis that is not there, an empty batch, or γ and β of other shapes.

    Source: Ioffe and Szegedy (2015), algorithm 1.

    >>> y, moments = batch_norm([[1.0], [3.0]], gamma=2.0, beta=10.0, epsilon=0.0)
    >>> y.ravel().tolist(), moments.mean.tolist(), moments.variance.tolist()
    ([8.0, 12.0], [2.0], [1.0])
    """
    x, axis, others = _batch(x, axis)
    gamma, beta = (_feature(name, value, x.shape[axis]) for name, value in (("gamma", gamma), ("beta", beta)))
    epsilon = nonnegative("epsilon", epsilon)
    mean, variance = x.mean(axis=others), x.var(axis=others)
    values = _standardised(x, mean, variance, epsilon, axis)
    return (
        _along(gamma, x, axis) * values + _along(beta, x, axis),
        Normalised(mean, variance, values, gamma, epsilon, axis),
    )


def batch_norm_backward(upstream, forward: Normalised) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of a loss through `batch_norm`, given its gradient by y.

    With g = ∂L/∂y: ∂L/∂β = Σ g, ∂L/∂γ = Σ g·x̂, and ∂L/∂x = γ/√(σ² + ε) · (g − mean(g) − x̂·mean(g·x̂)). Sums and means
    run over all axes but the features'. The two means are there because x moves μ and σ² too.

    Args:
        upstream: g, in the shape of x.
        forward: what `batch_norm` returned beside y.

    Returns: (∂L/∂x in the shape of x, ∂L/∂γ, ∂L/∂β), the last two (features,).

    Raises: ValueError for an upstream gradient of another shape.

    Source: Ioffe and Szegedy (2015), section 3, with the terms put together.

    >>> _, forward = batch_norm([[1.0], [2.0], [6.0]])
    >>> by_x, by_gamma, by_beta = batch_norm_backward([[1.0], [1.0], [1.0]], forward)  # a loss of Σ y
    >>> bool(np.abs(by_x).max() < 1e-12), by_beta.tolist()  # shifting the batch moves no output
    (True, [3.0])
    """
    values, axis = forward.values, forward.axis
    upstream = np.asarray(upstream, dtype=np.float64)
    if upstream.shape != values.shape:
        raise ValueError(f"expected a gradient of shape {values.shape}, got {upstream.shape}; mend by that of y")
    others = tuple(k for k in range(values.ndim) if k != axis)
    product = upstream * values
    centred = upstream - upstream.mean(axis=others, keepdims=True) - values * product.mean(axis=others, keepdims=True)
    slope = forward.gamma / np.sqrt(forward.variance + forward.epsilon)
    return _along(slope, values, axis) * centred, product.sum(axis=others), upstream.sum(axis=others)


def batch_norm_inference(
    x, gamma=1.0, beta=0.0, *, mean, variance, epsilon: float = 1e-3, axis: int = -1
) -> np.ndarray:
    """Batch norm as in inference: γ·(x − mean)/√(variance + ε) + β, with statistics that no row of x moves.

    Args:
        x, gamma, beta, epsilon, axis: as `batch_norm` takes them.
        mean, variance: of each feature, (features,), or a number for all: the moving averages of training.

    Returns: y in the shape of x.

    Raises: ValueError as `batch_norm`, and for a variance below 0.

    >>> batch_norm_inference([[5.0]], mean=1.0, variance=4.0, epsilon=0.0).tolist()
    [[2.0]]
    """
    x, axis, _ = _batch(x, axis)
    numbers = {"gamma": gamma, "beta": beta, "mean": mean, "variance": variance}
    gamma, beta, mean, variance = (_feature(name, value, x.shape[axis]) for name, value in numbers.items())
    if (variance < 0).any():
        raise ValueError(f"expected a variance from 0 up, got {variance.min():g}; mend by the moving variance")
    values = _standardised(x, mean, variance, nonnegative("epsilon", epsilon), axis)
    return _along(gamma, x, axis) * values + _along(beta, x, axis)


def moving_statistics(moving, forward: Normalised, *, momentum: float = 0.99) -> tuple[np.ndarray, np.ndarray]:
    """The moving averages after one more batch: moving ← momentum·moving + (1 − momentum)·batch.

    Args:
        moving: (mean, variance) so far, each (features,) or a number; Keras begins with (0, 1).
        forward: what `batch_norm` returned for the batch.
        momentum: weight of the *old* value, from 0 and below 1. Keras takes 0.99; torch's `momentum` is the weight of
            the new one, and torch averages the variance that divides by N − 1.

    Returns: (mean, variance), each (features,).

    Raises: ValueError for anything but two, for a momentum outside [0, 1), and for other shapes than `forward` has.

    >>> _, forward = batch_norm([[1.0], [3.0]])
    >>> [np.round(part, 3).tolist() for part in moving_statistics((0.0, 1.0), forward, momentum=0.9)]
    [[0.2], [1.0]]
    """
    momentum, moving = weight("momentum", momentum), tuple(moving) if np.iterable(moving) else (moving,)
    if len(moving) != 2:
        raise ValueError(f"expected moving as (mean, variance), got {len(moving)} of them; mend by (0, 1)")
    old = (_feature(name, value, len(forward.mean)) for name, value in zip(("mean", "variance"), moving, strict=True))
    new = (forward.mean, forward.variance)
    mean, variance = (momentum * before + (1 - momentum) * batch for before, batch in zip(old, new, strict=True))
    return mean, variance


def _batch(x, axis: int):
    """x as float64, its feature axis counted from 0, and the axes that are averaged over."""
    x = np.asarray(x, dtype=np.float64)
    if x.ndim < 2 or not x.size:
        raise ValueError(
            f"expected a batch of at least one row with two axes or more, got {x.shape}; mend by x[:, None]"
        )
    if not isinstance(axis, Integral) or not -x.ndim <= axis < x.ndim:
        raise ValueError(f"expected an axis of the {x.ndim} of x, got {axis}; mend by axis=-1, the last one")
    axis %= x.ndim
    return x, axis, tuple(k for k in range(x.ndim) if k != axis)


def _feature(name: str, value, features: int) -> np.ndarray:
    value = np.asarray(value, dtype=np.float64)
    if value.shape not in ((), (features,)):
        raise ValueError(
            f"expected {name} as a number or of shape ({features},), got {value.shape}; mend by one a feature"
        )
    return np.broadcast_to(value, (features,))


def _along(value, x, axis: int):
    """One number a feature, in a shape that multiplies x along its feature axis."""
    return value.reshape([-1 if k == axis else 1 for k in range(x.ndim)])


def _standardised(x, mean, variance, epsilon: float, axis: int):
    # 0/0 of a constant feature without ε is left to NumPy, which warns
    return (x - _along(mean, x, axis)) / np.sqrt(_along(variance, x, axis) + epsilon)
