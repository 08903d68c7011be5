"""Rules that divide the gradient by the curvature: Newton's, damped, and kept from running into saddles."""

from dataclasses import dataclass

import numpy as np

from textbook.schedules.arguments import nonnegative, positive
from textbook.update_rules.rule import UpdateRule


class _SecondOrder(UpdateRule):
    """A rule without a rate, whose step is −M⁻¹g for a matrix M made of the Hessian."""

    needs_hessian = True

    def init(self, w):
        return ()

    def update(self, gradient, state, *, hessian):
        """(change, state) from the gradient (…, weights) and the Hessian (…, weights, weights) at the same points.

        Raises: ValueError for a Hessian of another shape, or one that cannot be divided by.
        """
        gradient, hessian = np.asarray(gradient, dtype=np.float64), np.asarray(hessian, dtype=np.float64)
        weights = gradient.shape[-1]
        if hessian.shape[-2:] != (weights, weights):
            raise ValueError(
                f"expected a Hessian (…, {weights}, {weights}), got shape {hessian.shape}; mend by surface.hessian(w)"
            )
        # a path that has diverged goes on as NaN: the solvers below refuse what is not finite
        finite = np.isfinite(hessian).all(axis=(-2, -1)) & np.isfinite(gradient).all(axis=-1)
        usable = np.where(finite[..., None, None], hessian, np.eye(weights))
        step = -self._divided(np.where(finite[..., None], gradient, 0.0), usable)
        return np.where(finite[..., None], step, np.nan), state

    def _divided(self, gradient, hessian):
        raise NotImplementedError


def _solved(matrix, gradient):
    """M⁻¹g, for points (…, weights) as well as for one."""
    try:
        return np.linalg.solve(matrix, gradient[..., None])[..., 0]
    except np.linalg.LinAlgError as error:
        raise ValueError(
            "expected an invertible Hessian, got a singular one; mend by DampedNewton(1e-3) or another damping"
        ) from error


@dataclass(frozen=True)
class Newton(_SecondOrder):
    """w ← w − H⁻¹g: one update reaches a quadratic's minimum, where a single rate needs equal curvatures for that.

    It goes to the stationary point of the quadratic that touches the surface at w, be that a minimum, a maximum or a
    saddle: g·H⁻¹g has the sign of the curvature, so that at a negative one it climbs. Source: chapter 5, 5.9.

    >>> change, _ = Newton().update(np.array([2.0, 50.0]), (), hessian=np.diag([1.0, 25.0]))
    >>> change.tolist()
    [-2.0, -2.0]
    """

    def _divided(self, gradient, hessian):
        return _solved(hessian, gradient)


@dataclass(frozen=True)
class DampedNewton(_SecondOrder):
    """w ← w − (H + δI)⁻¹g: Newton for small δ, gradient descent at rate 1/δ for large ones.

    Args:
        damping: δ, above 0. It descends for certain only where δ exceeds the most negative curvature; short of that it
            still runs to maxima and saddles. Source: Levenberg (1944); also called regularised. (Textbooks of
            optimization call Newton with a shortened step "damped", too.)

    >>> change, _ = DampedNewton(3.0).update(np.array([2.0]), (), hessian=np.array([[1.0]]))
    >>> change.tolist()
    [-0.5]
    """

    damping: float

    def __post_init__(self):
        positive("damping", self.damping)

    def _divided(self, gradient, hessian):
        return _solved(hessian + self.damping * np.eye(gradient.shape[-1]), gradient)


@dataclass(frozen=True)
class SaddleFreeNewton(_SecondOrder):
    """w ← w − (|H| + δI)⁻¹g, |H| being H with the absolute values of its eigenvalues: downhill at any curvature.

    Args:
        damping: δ, 0 or more. With 0 a direction without curvature is refused, being infinitely long.

    Near a saddle it leaves along the negative curvature, where Newton is drawn in: the step's length is the same, its
    direction turned. Only the direction is sure: where a curvature is near 0 the step is long, and may end higher up.
    Source: Dauphin et al. (2014), Identifying and attacking the saddle point problem, arXiv 1406.2572.

    >>> change, _ = SaddleFreeNewton().update(np.array([2.0, -0.002]), (), hessian=np.diag([2.0, -2.0]))
    >>> change.round(6).tolist()
    [-1.0, 0.001]
    """

    damping: float = 0.0

    def __post_init__(self):
        nonnegative("damping", self.damping)

    def _divided(self, gradient, hessian):
        curvatures, directions = np.linalg.eigh(hessian)
        sizes = np.abs(curvatures) + self.damping
        # rounding turns a curvature of 0 into one of about 1e-16 of the largest
        if np.any(sizes <= np.finfo(np.float64).eps * np.max(sizes, axis=-1, keepdims=True)):
            raise ValueError(
                "expected curvature in every direction, got 0 in one; mend by SaddleFreeNewton(damping=1e-3)"
            )
        along = np.swapaxes(directions, -1, -2) @ gradient[..., None]
        return (directions @ (along / sizes[..., None]))[..., 0]
