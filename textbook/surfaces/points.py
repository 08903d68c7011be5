"""The check that every surface makes of the points that it is given."""

import numpy as np


def points(w, weights: int) -> np.ndarray:
    """`w` as float64 of shape (…, weights); ValueError for any other last axis."""
    given = np.asarray(w, dtype=np.float64)
    if given.ndim == 0 or given.shape[-1] != weights:
        raise ValueError(
            f"expected points of shape (…, {weights}), got {given.shape}; mend by one number per weight, last axis"
        )
    return given


def symmetric(first, mixed, second) -> np.ndarray:
    """The Hessians (…, 2, 2) of a surface of two weights from ∂²f/∂w₁², ∂²f/∂w₁∂w₂ and ∂²f/∂w₂², each (…)."""
    first, mixed, second = np.broadcast_arrays(first, mixed, second)
    return np.stack([np.stack([first, mixed], axis=-1), np.stack([mixed, second], axis=-1)], axis=-2)
