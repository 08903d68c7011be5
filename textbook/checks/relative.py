"""How far two gradients are from one another, in proportion to their size."""

import numpy as np

_FORMS = ("max", "sum")


def relative_error(analytic, numeric, *, form: str = "max") -> np.ndarray:
    """|a − n| / max(|a|, |n|), elementwise, and 0 where both are 0.

    An absolute difference of 1e-4 is nothing beside gradients of 1 and everything beside gradients of 1e-5. Where both
    are exactly 0, as behind a dead ReLU, they agree, and the quotient 0/0 would hide it.

    Args:
        analytic, numeric: gradients, arrays that broadcast with each other.
        form: "max" (0…2) divides by the larger of the two, "sum" (0…1) by |a| + |n|, as cs231n's notes do today.

    Returns: float64; NaN where either is NaN, and where both are infinite.

    Raises: ValueError for an unknown form.

    Source: cs231n, "Neural Networks Part 3", gradient checks.

    >>> relative_error([1.0, 1e-5, 0.0], [1.0001, 1.1e-4, 0.0]).round(4).tolist()
    [0.0001, 0.9091, 0.0]
    >>> float(relative_error(1.0, -1.0)), float(relative_error(1.0, -1.0, form="sum"))
    (2.0, 1.0)
    """
    if form not in _FORMS:
        raise ValueError(f"expected form as 'max' or 'sum', got {form!r}; mend by passing one of these")
    a, n = np.broadcast_arrays(np.asarray(analytic, dtype=float), np.asarray(numeric, dtype=float))
    with np.errstate(invalid="ignore", over="ignore"):
        # halved, so that neither the difference nor the sum of two large gradients overflows
        half_a, half_n = a / 2, n / 2
        difference, sizes = np.abs(half_a - half_n), (np.abs(half_a), np.abs(half_n))
        size = np.maximum(*sizes) if form == "max" else np.add(*sizes)
        zero = (a == 0) & (n == 0)
        return np.where(zero, 0.0, difference / np.where(zero, 1.0, size))
