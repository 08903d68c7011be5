"""Polynomials through noisy values of a cosine: bias, variance and errors by degree, and the fits of one training set.

Measured once for the chapters that ask what a robust model is and what overfitting is.
"""

import numpy as np
import pandas as pd

from textbook.experiment import Run
from textbook.seeding import stream
from textbook.statistics import bias_variance

# points of x in [0, 1] at which the curves of the first training set are kept
_GRID = np.linspace(0, 1, 201)
_NEW_POINTS = 300


def cosine(x):
    """The truth, cos(1.5πx)."""
    return np.cos(1.5 * np.pi * x)


def polynomial_errors(
    run: Run, *, points: int = 30, noise: float = 0.1, training_sets: int = 200, highest: int = 15
) -> dict[str, pd.DataFrame]:
    """Fit polynomials of degree 0 to `highest` to training sets of noisy values, drawn anew for each seed.

    The x of a training set are random, one in each of as many equal parts of [0, 1] as there are points: no set lacks
    an end, where the variance of wholly random x would hide all else.

    Args:
        points: of a training set.
        noise: standard deviation of the values.
        training_sets: for each seed.
        highest: degree.

    Returns: `errors`, a row for each seed and degree, in multiples of the noise's variance and as means over training
        sets: `bias` (squared) and `variance` of predictions at new points, `error` there against values with noise,
        `train_error`, `cv_error` (leave one out). `fits`: the points of the first seed's first training set and the
        curves of every degree through it.
    """
    if not 0 < highest < points - 1:
        raise ValueError(f"expected a highest degree from 1 to {points - 2} for {points} points, got {highest}")
    rows, fits = [], None
    for seed in run.seeds:
        rng = stream(seed, "polynomials")
        new = rng.uniform(size=_NEW_POINTS)
        x = (np.arange(points) + rng.uniform(size=(training_sets, points))) / points
        y = cosine(x) + noise * rng.normal(size=x.shape)
        train, cv, predictions = fitted(x, y, new, highest=highest)
        for degree in range(highest + 1):
            parts = bias_variance(predictions[degree], cosine(new))
            found = np.array([parts.bias, parts.variance, train[degree].mean(), cv[degree].mean()]) / noise**2
            rows.append((seed, degree, *found, parts.error / noise**2 + 1))
        if fits is None:
            fits = _of_one(x[:1], y[:1], highest)
    errors = pd.DataFrame(rows, columns=["seed", "degree", "bias", "variance", "train_error", "cv_error", "error"])
    return {"errors": errors.assign(points=points, noise=noise, training_sets=training_sets), "fits": fits}


def fitted(x, y, new, *, highest: int):
    """Least-squares polynomials of every degree up to `highest` through each training set, (sets, points).

    One QR factorisation serves all degrees: its first columns are an orthonormal basis of the lower ones.

    Returns: training error and leave-one-out error, both (degrees, sets), and predictions (degrees, sets, new).
    """
    # Legendre's basis, because powers of x are nearly parallel
    q, r = np.linalg.qr(_basis(x, highest))
    terms = (q * y[..., None]).sum(axis=1)
    wanted = np.broadcast_to(_basis(new, highest).T, (len(x), highest + 1, len(new)))
    at_new = np.linalg.solve(r.transpose(0, 2, 1), wanted)
    predictions = np.cumsum((terms[:, :, None] * at_new).transpose(1, 0, 2), axis=0)
    residuals = y - np.cumsum((terms[:, None, :] * q).transpose(2, 0, 1), axis=0)
    # leaving a point out multiplies its residual by 1/(1 − leverage)
    left_out = residuals / (1 - np.cumsum((q**2).transpose(2, 0, 1), axis=0))
    return (residuals**2).mean(axis=2), (left_out**2).mean(axis=2), predictions


def _basis(x, highest: int) -> np.ndarray:
    return np.polynomial.legendre.legvander(2 * x - 1, highest)


def _of_one(x, y, highest: int) -> pd.DataFrame:
    """The points (degree −1) and the curve of each degree."""
    curves = fitted(x, y, _GRID, highest=highest)[2][:, 0]
    tables = [pd.DataFrame({"degree": -1, "x": x[0], "y": y[0]})]
    tables += [pd.DataFrame({"degree": degree, "x": _GRID, "y": curve}) for degree, curve in enumerate(curves)]
    return pd.concat(tables, ignore_index=True)
