"""Test of an identity, rule R3: a formula, a count, an equality to a stated tolerance."""

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from textbook.experiment.verdicts.base import Rows
from textbook.experiment.verdicts.tables import require_columns
from textbook.statistics import EXACT, VIOLATED, Judgement, exact_verdict


@dataclass(frozen=True, repr=False)
class exact(Rows):
    """R3: a column equals what is expected in every row, to a tolerance.

    Args:
        measured: column of numbers, truth values or words.
        expected: another column's name, or a number or truth value. Words are compared with a column of words.
        tolerance: largest error allowed; of truth values and words, the largest number of rows that may differ.
        relative: whether errors are divided by the size of what is expected, which must then not be 0.

    >>> exact(measured="updates", expected="closed_form")
    exact(measured='updates', expected='closed_form')
    """

    verdicts: ClassVar[tuple[str, ...]] = (EXACT, VIOLATED)

    measured: str = field(kw_only=True)
    expected: object = field(kw_only=True)
    tolerance: float = field(default=0.0, kw_only=True)
    relative: bool = field(default=False, kw_only=True)

    def __post_init__(self):
        super().__post_init__()
        if not isinstance(self.measured, str) or not isinstance(
            self.expected, str | int | float | np.number | np.bool_
        ):
            raise ValueError(
                f"expected a column's name and a column's name or number, got {self.measured!r} and {self.expected!r}"
            )
        exact_verdict(0.0, self.tolerance)  # refuses a tolerance that is none

    @property
    def sentence(self) -> str:
        """The rule applied, in a line."""
        kind = "relative error" if self.relative else "error"
        return f"{self.measured} equals {self.expected} in every row, largest {kind} {self.tolerance:g}"

    def judge(self, tables) -> Judgement:
        """Judges the largest error over the rows; a missing or infinite value that is not expected violates."""
        rows = self.rows(tables, self.measured)
        measured, expected = rows[self.measured], self.expected
        if isinstance(expected, str):
            require_columns(rows, expected)
            expected = rows[expected]
        if is_bool_dtype(measured) or not is_numeric_dtype(measured):
            differ = np.count_nonzero(measured.to_numpy() != np.asarray(expected))
            return replace(exact_verdict(float(differ), self.tolerance), unit="rows differ")
        measured = measured.to_numpy(dtype=float)
        expected = np.broadcast_to(np.asarray(expected, dtype=float), measured.shape)
        return exact_verdict(self._largest_error(measured, expected), self.tolerance)

    def _largest_error(self, measured, expected) -> float:
        # The same infinity on both sides is equal, though ∞ − ∞ is not a number.
        same = measured == expected
        finite = np.isfinite(measured) & np.isfinite(expected)
        if not (same | finite).all():
            return float("nan")
        error = np.zeros(measured.shape)
        differ = finite & ~same
        size = np.abs(expected[differ]) if self.relative else 1.0
        if np.any(size == 0):
            raise ValueError(f"expected {self.expected!r} away from 0 for a relative error, got 0: give relative=False")
        error[differ] = np.abs(measured[differ] - expected[differ]) / size
        return float(error.max())
