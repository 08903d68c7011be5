"""The slope of the validation loss in a hyperparameter: ridge regression, where it has a closed form.

Training turns penalties into weights and the validation loss turns weights into a number, so the number has a slope in
the penalties: through the weights, since the validation loss itself does not hold them. One solved system gives the
slopes in all penalties at once, where differences would train twice for each.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve, lapack

# a system that is nearer to a singular one than this (reciprocal condition) leaves no three digits of the weights
_SINGULAR = 1e-13


@dataclass(frozen=True)
class HyperGradient:
    """What penalties are worth.

    Attributes:
        loss: V, the mean squared error of the validation rows.
        slope: dV/d ln λ: a float for one common penalty, (features,) for one each.
        weights: (features,) that training arrives at.
    """

    loss: float
    slope: np.ndarray | float
    weights: np.ndarray


def ridge_hypergradient(x, y, *, x_val, y_val, log_penalty) -> HyperGradient:
    """dV/d ln λ for w = argmin (1/n)·|Xw − y|² + Σ_j λ_j·w_j², and V = (1/m)·|X_val·w − y_val|².

    With H = XᵀX/n + diag(λ), w = H⁻¹Xᵀy/n. Training stops where its gradient is 0, and stays there when λ changes:
    H·dw/d ln λ_j = −λ_j·w_j·e_j, the right side being half the mixed derivative of the training loss. So
    dV/d ln λ_j = −λ_j·w_j·a_j with the adjoint H·a = ∂V/∂w = (2/m)·X_valᵀ(X_val·w − y_val). For one common λ the slopes
    of all features add up.

    Args:
        x, y: training rows, (n, features) and (n,); there is no intercept, so centre them.
        x_val, y_val: validation rows, (m, features) and (m,).
        log_penalty: ln λ, a number or (features,).

    Raises: ValueError for shapes that do not fit, numbers that are not finite, and penalties too small for rows that do
        not determine the weights.
    Source: Larsen, Hansen, Svarer, Ohlsson (1996), Design and regularization of neural networks: the optimal use of a
        validation set; Bengio (2000), Gradient-based optimization of hyperparameters.

    One feature, x = y = 1, λ = 1: w = ½, V = (w − 1)² = ¼, dw/d ln λ = −¼, dV/d ln λ = 2·(−½)·(−¼).

    >>> found = ridge_hypergradient([[1.0]], [1.0], x_val=[[1.0]], y_val=[1.0], log_penalty=0.0)
    >>> round(found.loss, 12), round(found.slope, 12)
    (0.25, 0.25)
    """
    x, y = _rows(x, y, "x")
    x_val, y_val = _rows(x_val, y_val, "x_val")
    features = x.shape[1]
    if x_val.shape[1] != features:
        raise ValueError(f"expected x_val with {features} features, got {x_val.shape[1]}; mend by the columns of x")
    log_penalty = np.asarray(log_penalty, np.float64)
    if log_penalty.shape not in ((), (features,)) or not (np.abs(log_penalty) < 700).all():
        raise ValueError(
            f"expected log_penalty between −700 and 700, a number or ({features},), got shape {log_penalty.shape} "
            f"with {log_penalty.min():.4g} to {log_penalty.max():.4g}; mend by np.log(penalty) of penalties above 0"
        )
    penalty = np.broadcast_to(np.exp(log_penalty), (features,))
    h = x.T @ x / len(x) + np.diag(penalty)
    solve = _solver(h)
    weights = solve(x.T @ y / len(x))
    residual = x_val @ weights - y_val
    adjoint = solve(2 / len(x_val) * x_val.T @ residual)
    slopes = -penalty * weights * adjoint
    slope = float(slopes.sum()) if log_penalty.ndim == 0 else slopes
    return HyperGradient(float(np.mean(residual**2)), slope, weights)


def _solver(h: np.ndarray):
    """b → H⁻¹b, in units in which the diagonal is 1: penalties that are far apart do no harm then."""
    unit = 1 / np.sqrt(np.diag(h))
    scaled = unit[:, None] * h * unit
    try:
        factor = cho_factor(scaled)
        nearness, _ = lapack.dpocon(factor[0], np.abs(scaled).sum(axis=0).max())
    except np.linalg.LinAlgError:
        nearness = 0.0
    if nearness < _SINGULAR:
        raise ValueError(
            f"expected weights that the rows and penalties determine, got a system {nearness:.0e} from a singular one; "
            "mend by a larger log_penalty"
        )
    return lambda b: unit * cho_solve(factor, unit * b)


def _rows(x, y, name: str) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if x.ndim != 2 or y.shape != (len(x),) or not x.size:
        raise ValueError(
            f"expected {name} as (rows, features) and a value for each row, got {x.shape} and {y.shape}; "
            "mend by x.reshape(len(x), -1) and y.ravel()"
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError(f"expected finite numbers in {name} and its values, got others; mend by leaving rows out")
    return x, y
