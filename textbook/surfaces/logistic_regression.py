"""Logistic regression as a surface over its weights."""

from dataclasses import dataclass

import numpy as np

from textbook.schedules.arguments import nonnegative
from textbook.surfaces.points import points


@dataclass(frozen=True, eq=False)
class LogisticRegression:
    """f(w) = mean over rows of ln(1 + e^(−sᵢ xᵢ·w)) + ½·l2·‖w‖², with sᵢ = ±1 for class 1 and 0: convex.

    Args:
        x: (rows, weights); add a column of ones for an intercept (which is then penalised like the rest).
        y: (rows,) of 0 and 1.
        l2: strength of the penalty, 0 or more. Keras's `L2(l)`, which adds l·Σw², is l2 = 2l.

    With l2 > 0 it is strictly convex and its minimum unique. With l2 = 0 and classes that a plane separates there is
    no minimum: f falls towards 0 while ‖w‖ grows without end. Source: chapter 5, 5.7.
    """

    x: np.ndarray
    y: np.ndarray
    l2: float = 0.0

    def __post_init__(self):
        x, y = np.asarray(self.x, dtype=np.float64), np.asarray(self.y)
        if x.ndim != 2 or len(x) == 0 or y.shape != x.shape[:1]:
            raise ValueError(
                f"expected x (rows, weights) and y (rows,), got {x.shape} and {y.shape}; mend by one class per row"
            )
        if not np.isfinite(x).all():
            raise ValueError("expected finite x, got NaN or infinity; mend by leaving those rows out")
        if not np.isin(y, (0, 1)).all():
            raise ValueError(f"expected classes 0 and 1, got {np.unique(y)[:5].tolist()}; mend by y == the_class")
        nonnegative("l2", self.l2)
        object.__setattr__(self, "x", x)
        object.__setattr__(self, "y", y.astype(np.float64))

    def value(self, w):
        w = points(w, self.x.shape[1])
        margins = (2 * self.y - 1) * (w @ self.x.T)
        return np.mean(np.logaddexp(0, -margins), axis=-1) + self.l2 / 2 * np.sum(w**2, axis=-1)

    def gradient(self, w, rows=slice(None)):
        """The gradient of the mean over `rows` (indices; all by default), and of the penalty."""
        w, x = points(w, self.x.shape[1]), self.x[rows]
        return (_sigmoid(w @ x.T) - self.y[rows]) @ x / len(x) + self.l2 * w

    def hessian(self, w, rows=slice(None)):
        """mean of p(1 − p)·xxᵀ, plus l2 on the diagonal: (…, weights, weights)."""
        w, x = points(w, self.x.shape[1]), self.x[rows]
        p = _sigmoid(w @ x.T)
        return np.einsum("...r,ri,rj->...ij", p * (1 - p), x, x, optimize=True) / len(x) + self.l2 * np.eye(x.shape[1])

    @property
    def smoothness(self) -> float:
        """L, a bound of the curvature everywhere: λmax(xᵀx)/(4·rows) + l2. Descent needs a rate below 2/L."""
        return float(np.linalg.eigvalsh(self.x.T @ self.x)[-1] / (4 * len(self.x)) + self.l2)

    @property
    def separable(self) -> bool:
        """Whether some w ≠ 0 has every sᵢ xᵢ·w ≥ 0 and one of them above 0; then f has no minimum at l2 = 0.

        By linear programming. Source: Albert and Anderson (1984), On the existence of maximum likelihood estimates in
        logistic regression models.
        """
        from scipy.optimize import linprog

        # the unit of a column changes nothing but the weight's, and the solver's tolerances are absolute
        sizes = np.max(np.abs(self.x), axis=0)
        signed = (2 * self.y - 1)[:, None] * self.x / np.where(sizes > 0, sizes, 1.0)
        done = linprog(-signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(signed)), bounds=(-1, 1))
        return bool(-done.fun > 1e-7)

    @property
    def minimum(self):
        """(weights,), by Newton's method with steps halved until the value falls.

        Raises: ValueError where there is no minimum, or no single one.
        """
        if self.l2 == 0 and self.separable:
            raise ValueError("expected a loss with a minimum, got separable classes without a penalty; mend by l2=1e-3")
        if self.l2 == 0 and np.linalg.matrix_rank(self.x) < self.x.shape[1]:
            raise ValueError("expected one minimum, got columns of x that depend on each other; mend by l2=1e-3")
        w, last = np.zeros(self.x.shape[1]), np.inf
        for _ in range(100):
            gradient, value = self.gradient(w), self.value(w)
            step, share = np.linalg.solve(self.hessian(w), gradient), 1.0
            fall = step @ gradient  # twice what the value still has to fall
            rounding = 8 * np.finfo(np.float64).eps * (1 + value)
            if fall < 1e-24 or rounding > fall > last / 2:
                return w - step
            # below its rounding the value says nothing of a step, and the full one is right
            while self.value(w - share * step) > value - 1e-4 * share * fall + rounding and share > 1e-8:
                share /= 2
            w, last = w - share * step, fall
        raise ValueError("expected Newton's method to arrive in 100 steps, got no minimum; mend by scaling x or by l2")


def _sigmoid(z):
    return 0.5 * (1 + np.tanh(z / 2))  # without overflow at either end
