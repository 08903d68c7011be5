"""How many rows a test set needs: the interval of an accuracy by the number of rows."""

import math

from scipy import stats


def accuracy_half_width(accuracy: float, rows: int, *, confidence: float = 0.95) -> float:
    """Half the width of the interval of an accuracy measured on so many rows: z·√(a(1 − a)/n).

    The normal approximation, made for planning. It is too narrow with fewer than about ten right or wrong rows, and 0
    wide at an accuracy of 0 or 1; for a measured accuracy near these, and for few rows, use `wilson_interval`. It is
    the luck of the test rows alone: another training would move the accuracy as well.

    Args:
        accuracy: expected share of right answers, 0…1.
        rows: n of the test set.
        confidence: coverage, between 0 and 1.

    Returns: a share, 0.034 for ± 3.4 points.

    >>> round(accuracy_half_width(0.9, 300), 4)
    0.0339
    """
    if isinstance(rows, bool) or rows < 1:
        raise ValueError(f"expected rows as a number from 1 up, got {rows!r}")
    return _z(accuracy, confidence) * math.sqrt(accuracy * (1 - accuracy) / rows)


def rows_for_half_width(half_width: float, *, accuracy: float, confidence: float = 0.95) -> int:
    """The fewest test rows that give an accuracy's interval this half-width: ⌈z²·a(1 − a)/w²⌉.

    Half the width costs four times the rows.

    Args:
        half_width: a share, 0.01 for ± one point.
        accuracy: expected, above 0 and below 1; 0.5 is the dearest case.
        confidence: coverage, between 0 and 1.

    Raises: ValueError for an accuracy of 0 or 1 too, at which the formula would be content with a single row.

    >>> rows_for_half_width(0.01, accuracy=0.9)
    3458
    """
    if not half_width > 0:
        raise ValueError(f"expected half_width above 0, got {half_width!r}; mend by 0.01 for one point each way")
    z = _z(accuracy, confidence)
    if accuracy in (0, 1):
        raise ValueError(
            f"expected an accuracy between 0 and 1, got {accuracy!r}; mend by the lowest that you want to tell "
            "from it, such as 0.99"
        )
    # a whole number of rows that meets the width exactly must not be rounded up by its last bits
    return max(1, math.ceil(z**2 * accuracy * (1 - accuracy) / half_width**2 - 1e-9))


def _z(accuracy: float, confidence: float) -> float:
    if not 0 <= accuracy <= 1:
        raise ValueError(f"expected accuracy as a share from 0 to 1, got {accuracy!r}; mend by 0.9 for 90 %")
    if not 0 < confidence < 1:
        raise ValueError(f"expected confidence between 0 and 1, got {confidence!r}; mend by 0.95")
    return float(stats.norm.ppf((1 + confidence) / 2))
