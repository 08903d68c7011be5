"""One of each surface, for tests that all must pass, and derivatives of them by differences."""

import numpy as np
import pytest

from textbook.surfaces import (
    Beale,
    DoubleWell,
    LeastSquares,
    LogisticRegression,
    LongValley,
    Quadratic,
    Rosenbrock,
    Saddle,
)

_RNG = np.random.default_rng(7)
X = _RNG.normal(size=(50, 2)) @ np.array([[2.0, 0.3], [0.0, 0.7]])
REGRESSION = LeastSquares(X, X @ [1.5, -0.5] + _RNG.normal(size=50))
LOGISTIC = LogisticRegression(X, (X @ [1.0, -2.0] + _RNG.normal(size=50) > 0).astype(int), 0.1)

# name → (surface, number of weights)
EVERY = {
    "bowl": (Quadratic((1, 25)), 2),
    "three weights": (Quadratic((0.5, 2, 7)), 3),
    "regression": (REGRESSION, 2),
    "logistic": (LOGISTIC, 2),
    "logistic, no penalty": (LogisticRegression(X, LOGISTIC.y), 2),
    "double well": (DoubleWell(0.15), 1),
    "Rosenbrock": (Rosenbrock(), 2),
    "Beale": (Beale(), 2),
    "saddle": (Saddle(), 2),
    "long valley": (LongValley(), 2),
}
every_surface = pytest.mark.parametrize(("surface", "weights"), EVERY.values(), ids=EVERY)
WITH_MINIMUM = {name: pair for name, pair in EVERY.items() if name != "saddle"}


def differences(function, w, h):
    """Central differences of a function of points: the derivative by each weight, along a new last axis."""
    return np.stack([(function(w + h * e) - function(w - h * e)) / (2 * h) for e in np.eye(len(w))], axis=-1)
