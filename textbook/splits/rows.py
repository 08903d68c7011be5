"""What a split needs to know about its data: samples, labels, number of classes, groups of equal rows."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from textbook.datasets.dataset import Dataset
from textbook.datasets.equal_rows import group_equal_rows

_MOST_CLASSES = 1000


@dataclass(frozen=True, eq=False)
class Rows:
    """A pair (x, y), checked."""

    x: Any
    y: np.ndarray
    classes: int | None

    @cached_property
    def groups(self) -> np.ndarray:
        """(rows,) the same number for exactly equal rows of x."""
        return group_equal_rows(self.x)


def as_rows(data) -> Dataset | Rows:
    """A data set as it is, or a pair (x, y) checked; whole-number labels are classes, floats a regression."""
    if isinstance(data, Dataset | Rows):
        return data
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise ValueError(f"expected a Dataset or a pair (x, y), got {type(data).__name__}; pass (x, y)")
    x = data[0] if isinstance(data[0], pd.DataFrame) else np.asarray(data[0])
    y = np.asarray(data[1])
    if y.ndim != 1 or x.ndim < 2 or len(x) != len(y) or not len(y):
        raise ValueError(
            f"expected x of shape (rows, features, …) and y of shape (rows,), got {x.shape} and {y.shape}; "
            "reshape x with x.reshape(len(x), -1), y with y.ravel(); one-hot labels with y.argmax(axis=1)"
        )
    if np.issubdtype(y.dtype, np.floating):
        if not np.isfinite(y).all():
            raise ValueError("expected finite values in y, got NaN or infinity; drop those rows first")
        return Rows(x, y, None)
    counts = np.issubdtype(y.dtype, np.integer) or y.dtype == bool
    # numbers above both bounds are years or identifiers; taken as classes they would ask for as many outputs
    if not counts or y.min() < 0 or y.max() >= max(_MOST_CLASSES, len(y)):
        raise ValueError(
            f"expected y as classes 0, 1, … or as floats, got {y.dtype} such as {y[0]!r}; "
            "np.unique(y, return_inverse=True)[1] numbers the classes"
        )
    y = y.astype(np.int64)
    return Rows(x, y, int(y.max()) + 1)
