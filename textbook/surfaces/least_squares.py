"""Linear regression as a surface over its weights."""

from dataclasses import dataclass

import numpy as np

from textbook.surfaces.points import points


@dataclass(frozen=True, eq=False)
class LeastSquares:
    """f(w) = ½ · mean over rows of (xᵢ·w − yᵢ)²: linear regression, whose gradient can be taken from any of the rows.

    Args:
        x: (rows, weights), of full column rank; add a column of ones for an intercept.
        y: (rows,).
    """

    x: np.ndarray
    y: np.ndarray

    def __post_init__(self):
        x, y = np.asarray(self.x, dtype=np.float64), np.asarray(self.y, dtype=np.float64)
        if x.ndim != 2 or y.shape != x.shape[:1]:
            raise ValueError(
                f"expected x (rows, weights) and y (rows,), got {x.shape} and {y.shape}; mend by one target per row"
            )
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            raise ValueError("expected finite x and y, got NaN or infinity; mend by leaving those rows out")
        if np.linalg.matrix_rank(x) < x.shape[1]:
            raise ValueError(
                f"expected columns of x independent of each other, got rank {np.linalg.matrix_rank(x)} for "
                f"{x.shape[1]} columns; mend by dropping a column or adding rows"
            )
        object.__setattr__(self, "x", x)
        object.__setattr__(self, "y", y)

    def value(self, w):
        return 0.5 * np.mean(self._residuals(w) ** 2, axis=-1)

    def gradient(self, w, rows=slice(None)):
        """The gradient of the mean over `rows` (indices; all by default): a minibatch's estimate of the full one."""
        x = self.x[rows]
        return self._residuals(w, rows) @ x / len(x)

    def sample_gradients(self, w):
        """The gradient of each row's own loss ½(xᵢ·w − yᵢ)²: (…, rows, weights), with mean `gradient(w)`."""
        return self._residuals(w)[..., None] * self.x

    def hessian(self, w, rows=slice(None)):
        """xᵀx / rows at each point, (…, weights, weights): the same everywhere."""
        x = self.x[rows]
        return np.broadcast_to(x.T @ x / len(x), (*points(w, x.shape[1]).shape, x.shape[1]))

    @property
    def curvatures(self):
        """Eigenvalues of the Hessian, ascending."""
        return np.linalg.eigvalsh(self.hessian(self.minimum))

    @property
    def minimum(self):
        return np.linalg.lstsq(self.x, self.y, rcond=None)[0]

    def _residuals(self, w, rows=slice(None)):
        return points(w, self.x.shape[1]) @ self.x[rows].T - self.y[rows]
