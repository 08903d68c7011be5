"""Ridge regression along its path of penalties, and how many parameters a penalty leaves free."""

from dataclasses import dataclass

import numpy as np


def effective_parameters(curvatures, penalty: float) -> float:
    """How many parameters the data, and not the penalty, decide: Σ c/(c + penalty).

    A direction along which the loss is curved far more than the penalty counts as 1, a flat one as 0. No weight is
    removed: the number of weights stays, the number that may follow the data falls.

    Args:
        curvatures: of the loss without the penalty, 0 or more: for ridge regression the eigenvalues of xᵀx with the
            loss |y − xw|² + penalty·|w|²; for a network those of its Hessian, with (penalty/2)·|w|² added to the loss.
        penalty: 0 or more.

    Raises: ValueError for negative curvatures or penalty.

    Source: MacKay (1992), Bayesian interpolation, section 4; Hastie, Tibshirani & Friedman (2009), equation 3.50.

    >>> round(effective_parameters([100.0, 1.0, 0.0], 1.0), 4)
    1.4901
    >>> effective_parameters([100.0, 1.0, 0.0], 0.0)
    2.0
    """
    curvatures = np.asarray(curvatures, float)
    if not np.isfinite(curvatures).all() or (curvatures < 0).any():
        raise ValueError("expected finite curvatures of at least 0, got others; mend by cutting rounding errors at 0")
    _check(penalty)
    used = curvatures[curvatures > 0]
    return float((used / (used + penalty)).sum())


@dataclass(frozen=True, eq=False)
class RidgePath:
    """Least |y − xw|² + penalty·|w|² for any penalty, from one singular value decomposition.

    Args:
        x: (rows, features). There is no intercept: centre x and y, or add a column of ones, which is then penalised.
        y: (rows,) or (rows, outputs).

    Raises: ValueError for other shapes and values that are not finite.

    >>> path = RidgePath(np.eye(2), np.array([2.0, 4.0]))
    >>> path.weights(1.0).tolist(), path.effective_parameters(1.0)
    ([1.0, 2.0], 1.0)
    """

    x: np.ndarray
    y: np.ndarray

    def __post_init__(self):
        x, y = np.asarray(self.x, float), np.asarray(self.y, float)
        if x.ndim != 2 or y.ndim not in (1, 2) or len(x) != len(y):
            raise ValueError(f"expected x (rows, features) and y of as many rows, got shapes {x.shape} and {y.shape}")
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            raise ValueError("expected finite x and y, got NaN or infinity; mend by leaving such rows out")
        left, sizes, right = np.linalg.svd(x, full_matrices=False)
        # directions that the data do not reach, up to rounding, have no weight
        kept = sizes > sizes.max(initial=0.0) * max(x.shape) * np.finfo(float).eps
        object.__setattr__(self, "_sizes", sizes[kept])
        object.__setattr__(self, "_right", right[kept])
        object.__setattr__(self, "_seen", left[:, kept].T @ y)

    @property
    def curvatures(self) -> np.ndarray:
        """(rank,) eigenvalues of xᵀx above 0, the largest first."""
        return self._sizes**2

    def weights(self, penalty: float) -> np.ndarray:
        """(features,) or (features, outputs); at penalty 0 the least-squares weights of smallest norm."""
        _check(penalty)
        shrunk = self._sizes / (self._sizes**2 + penalty)
        return self._right.T @ (shrunk.reshape(-1, *[1] * (self._seen.ndim - 1)) * self._seen)

    def effective_parameters(self, penalty: float) -> float:
        """Trace of the matrix that turns y into predictions, for each output."""
        return effective_parameters(self.curvatures, penalty)


def _check(penalty: float) -> None:
    if not (penalty >= 0 and np.isfinite(penalty)):
        raise ValueError(f"expected a penalty of at least 0, got {penalty!r}")
