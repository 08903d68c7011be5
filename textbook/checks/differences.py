"""Slopes from differences: what a gradient is compared with, and how far off it is by itself."""

from collections.abc import Callable

import numpy as np

_FORMS = ("centred", "forward")


def forward_difference(f: Callable, x, h):
    """(f(x + h) − f(x)) / h, which misses f′(x) by f″(x)·h/2 + O(h²).

    Rounding adds about ε·|f(x)|/h, so that the best h is near √ε: 1e-8 in float64.

    Args:
        f: elementwise on arrays.
        x: where, of any shape; computed in its dtype (integers become float64).
        h: step, a number or an array that broadcasts with x; other than 0.

    Returns: slopes in the shape of x and h together.

    Raises: ValueError for a step of 0 or one that is not finite.

    The square's slope at 3 is 6; the error is h:

    >>> round(float(forward_difference(np.square, 3.0, 0.5)), 6)
    6.5
    """
    x, h = _in_one_dtype(x, h)
    return (f(x + h) - f(x)) / h


def centred_difference(f: Callable, x, h):
    """(f(x + h) − f(x − h)) / 2h, which misses f′(x) by f‴(x)·h²/6 + O(h⁴).

    Rounding adds about ε·|f(x)|/2h, so that the best h is near ε^⅓: 6e-6 in float64, 5e-3 in float32.

    Args and errors: as for `forward_difference`.

    >>> round(float(centred_difference(np.square, 3.0, 0.5)), 6)
    6.0
    """
    x, h = _in_one_dtype(x, h)
    return (f(x + h) - f(x - h)) / (2 * h)


def numerical_gradient(f: Callable, w, *, h: float, form: str = "centred") -> np.ndarray:
    """∂f/∂wᵢ of every weight from differences, all of them in one call of f.

    Args:
        f: weights (…, n) → values (…,), such as a surface's `value`.
        w: weights (n,).
        h: step.
        form: "centred" or "forward".

    Returns: (n,) in w's dtype.

    Raises: ValueError for weights that are no vector, an unknown form, a step of 0.

    >>> numerical_gradient(lambda w: np.sum(w**2, axis=-1), np.array([1.0, -2.0]), h=1e-3).round(6).tolist()
    [2.0, -4.0]
    """
    w, h = _in_one_dtype(w, h)
    if w.ndim != 1:
        raise ValueError(f"expected weights (n,), got shape {w.shape}; mend by w.ravel(), or one call a point")
    if form not in _FORMS:
        raise ValueError(f"expected form as 'centred' or 'forward', got {form!r}; mend by passing one of these")
    steps = np.eye(len(w), dtype=w.dtype) * h
    if form == "forward":
        return (f(w + steps) - f(w)) / h
    values = f(np.concatenate([w + steps, w - steps]))
    return (values[: len(w)] - values[len(w) :]) / (2 * h)


def _in_one_dtype(x, h):
    x = np.asarray(x)
    if not np.issubdtype(x.dtype, np.inexact):
        x = x.astype(np.float64)
    h = np.asarray(h, dtype=x.dtype)
    if not np.isfinite(h).all() or (h == 0).any():
        raise ValueError(f"expected a finite step other than 0, got {h} in {x.dtype}; mend by h=1e-5, say")
    return x, h
