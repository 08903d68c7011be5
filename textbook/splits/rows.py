"""What a split needs to know about its data: samples, labels, weights, number of classes, groups of equal rows."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from textbook.datasets.dataset import Dataset
from textbook.datasets.equal_rows import group_equal_rows
from textbook.splits.labels import as_labels, check_shape, shape_fits
from textbook.splits.structure import is_structure, leaves, map_named, map_pairs


@dataclass(frozen=True, eq=False)
class Rows:
    """Samples and labels, each an array or several in a dict or tuple, and the weights of the rows, checked."""

    x: Any
    y: Any
    classes: Any
    sample_weight: np.ndarray | None

    @cached_property
    def groups(self) -> np.ndarray:
        """(rows,) the same number for rows that are exactly equal in every array of x."""
        numbers = [group_equal_rows(leaf) for leaf in leaves(self.x)]
        return numbers[0] if len(numbers) == 1 else group_equal_rows(np.column_stack(numbers))

    def __len__(self) -> int:
        return len(leaves(self.y)[0])


def as_rows(data) -> Dataset | Rows:
    """A data set as it is, or (x, y), or (x, y, sample_weight), checked; whole-number labels are classes."""
    if isinstance(data, Dataset | Rows):
        return data
    if not isinstance(data, tuple | list) or len(data) not in (2, 3):
        raise ValueError(
            f"expected a Dataset or a pair (x, y), got {type(data).__name__}; pass (x, y), or (x, y, sample_weight)"
        )
    x, y, sample_weight = (*data, None)[:3]
    x, y = _several(x, y) if is_structure(x) or is_structure(y) else _single(x, y)
    y, classes = map_pairs(as_labels, y, "y")
    return Rows(x, y, classes, _weights(sample_weight, len(leaves(y)[0])))


def _single(given_x, given_y):
    """One array, or DataFrame, of samples and one array of labels."""
    x, y = _frame_or_array(given_x, "x"), _array(given_y, "y")
    if not shape_fits(y) or x.ndim < 2 or len(x) != len(y) or not len(y):
        _refuse_lists(given_x, given_y)
        raise ValueError(
            f"expected x of shape (rows, features, …) and y of shape (rows,), got {x.shape} and {y.shape}; "
            "reshape x with x.reshape(len(x), -1), y with y.ravel(); one-hot labels with y.argmax(axis=1)"
        )
    return x, y


def _several(given_x, given_y):
    """Samples and labels of which one or both are several arrays."""
    x = map_named(_input, given_x, "x") if is_structure(given_x) else _frame_or_array(given_x, "x")
    if not is_structure(x) and x.ndim < 2:
        raise ValueError(
            f"expected x of shape (rows, features, …), got {x.shape}; reshape x with x.reshape(len(x), -1)"
        )
    y = map_named(_array, given_y, "y")
    map_named(check_shape, y, "y")
    rows = {}
    map_named(lambda leaf, name: rows.update({name: len(leaf)}), x, "x")
    map_named(lambda leaf, name: rows.update({name: len(leaf)}), y, "y")
    if len(set(rows.values())) > 1 or 0 in rows.values():
        _refuse_lists(given_x, given_y)
        raise ValueError(
            f"expected at least one row, and as many in every array, got {', '.join(f'{n}: {rows[n]}' for n in rows)}; "
            "give each array one entry per sample along its first axis"
        )
    return x, y


def _frame_or_array(value, name):
    return value if isinstance(value, pd.DataFrame) else _array(value, name)


def _array(value, name: str) -> np.ndarray:
    try:
        return np.asarray(value)
    except ValueError as error:
        _refuse_list(value, name)
        raise ValueError(f"expected {name} as an array, got {error}; pad rows to one length") from error


def _input(value, name: str) -> np.ndarray:
    """One of several arrays of samples: (rows, …) whole numbers or floats."""
    array = _array(value, name)
    if array.ndim == 0 or (len(array) and not array.size):
        raise ValueError(
            f"expected {name} as an array of shape (rows, …), got shape {array.shape}; give it an entry per sample"
        )
    if array.dtype.kind not in "iuf":
        raise ValueError(
            f"expected whole numbers or floats in {name}, got {array.dtype}; "
            "number categories and words, and turn flags into numbers with .astype(int)"
        )
    return array


def _refuse_lists(x, y) -> None:
    """Say what went wrong for those who write several inputs or outputs as a list, as Keras allows."""
    _refuse_list(x, "x")
    _refuse_list(y, "y")


def _refuse_list(value, name: str) -> None:
    if isinstance(value, list) and value and all(getattr(item, "ndim", 0) > 0 for item in value):
        raise ValueError(
            f"expected {name} as one array, or as a tuple or dict of several, got a list of {len(value)} arrays; "
            f"pass tuple({name}) for several, np.stack({name}) for one"
        )


def _weights(given, rows: int) -> np.ndarray | None:
    """(rows,) float64."""
    if given is None:
        return None
    weights = _array(given, "sample_weight")
    if weights.shape != (rows,) or weights.dtype.kind not in "biuf":
        raise ValueError(
            f"expected sample_weight as numbers of shape ({rows},), got {weights.dtype} of shape {weights.shape}; "
            "a row has one weight, for all outputs; several inputs are a tuple in the place of x: ((a, b), y)"
        )
    weights = weights.astype(np.float64)
    bad = weights[~(np.isfinite(weights) & (weights >= 0))]
    if bad.size:
        raise ValueError(
            f"expected finite values from 0 up in sample_weight, got {bad[0]}; give rows that should not count weight 0"
        )
    return weights
