"""Many claims at once: which of them survive a bound on the share of false discoveries."""

import numpy as np


def keep_discoveries(p_values, rate: float = 0.05) -> np.ndarray:
    """Benjamini and Hochberg's step-up rule: keep the k smallest p-values, k the largest with p(k) ≤ rate·k/m.

    Args:
        p_values: one per claim.
        rate: bound on the expected share of false ones among those kept.

    Returns: booleans in the order of `p_values`.

    Source: Benjamini & Hochberg (1995), Controlling the false discovery rate.

    >>> keep_discoveries([0.01, 0.9, 0.03, 0.02]).tolist()
    [True, False, True, True]
    """
    p_values = np.asarray(p_values, dtype=float)
    if p_values.ndim != 1 or not ((p_values >= 0) & (p_values <= 1)).all():
        raise ValueError(f"expected p-values between 0 and 1, got {p_values}: leave out claims that have none")
    if not 0 < rate < 1:
        raise ValueError(f"expected a rate between 0 and 1, got {rate}: 0.05 is usual")
    if not p_values.size:
        return np.zeros(0, dtype=bool)
    ordered = np.sort(p_values)
    passing = np.flatnonzero(ordered <= rate * np.arange(1, p_values.size + 1) / p_values.size)
    return p_values <= ordered[passing[-1]] if passing.size else np.zeros(p_values.size, dtype=bool)
