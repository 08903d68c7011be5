"""A user's data, refused in words where replicas would silently train on nonsense."""

from collections.abc import Mapping
from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd

from textbook.replicas.inspection.labels import Labels, check_labels
from textbook.splits.structure import map_named

# Rows of one input that are looked at together: a temporary array of this many rows beside the resident one.
_ROWS = 65_536


def check_equal_sizes(name: str, sizes: Mapping[int, tuple[int, int, int]]) -> None:
    """Refuse seeds whose parts differ in size: they would not make updates of the same batches.

    Args:
        name: of the condition.
        sizes: seed → rows of the training, validation and test part.
    """
    first, *others = sizes.items()
    for seed, rows in others:
        if tuple(rows) != tuple(first[1]):
            raise ValueError(
                f"expected splits of equal sizes for all seeds of {name!r}, got {_parts(first[1])} rows for seed "
                f"{first[0]} and {_parts(rows)} for seed {seed}; a Splitter with sizes=(…) gives every seed the same"
            )


def _parts(rows) -> str:
    return " + ".join(str(count) for count in rows)


@dataclass(frozen=True)
class _Broken:
    """Rows of one input with a value that is not finite in single precision, and the columns of a table with such."""

    rows: np.ndarray
    columns: list[str]


class DataCheck:
    """Looks at splits of many seeds, and at each array that they share once."""

    def __init__(self):
        self._seen = {}

    def split(self, split, name: str) -> None:
        """Refuse rows in use that hold NaN or infinity, inputs that are no numbers, bad weights, no training rows.

        Args:
            split: a `Split`.
            name: of the condition.
        """
        if not len(split.rows[0]):
            raise ValueError(
                f"expected training rows for {name!r}, got an empty training part; make it larger with sizes="
            )
        for leaf_name, leaf in _named(split.x, "x"):
            broken = self._once(leaf, _broken, leaf_name)
            if broken is not None:
                _refuse_broken(broken, split.rows, leaf_name, name)
        if split.sample_weight is not None:
            self._weights(split, name)

    def labels(self, split, outputs, losses, *, order=None) -> None:
        """Refuse labels that do not fit the model's outputs and losses, see `check_labels`.

        Args:
            split: a `Split`.
            outputs: shapes of the model's outputs, with the batch axis.
            losses: a Keras loss for each output, not wrapped.
            order: for each output, the leaf of y, as `keras.tree` lists them, that belongs to it; None is their order.
        """
        named = _named(split.y, "y")
        places = range(len(named)) if order is None else order
        for shape, loss, place in zip(outputs, losses, places, strict=True):
            name, leaf = named[place]
            check_labels(self._once(leaf, Labels.of, name), shape, loss)

    def _once(self, array, function, name: str):
        """function(array, name), computed once as long as the array lives, which is as long as this does."""
        key = (id(array), function)
        if key not in self._seen:
            self._seen[key] = (array, function(array, name))
        return self._seen[key][1]

    def _weights(self, split, name: str) -> None:
        weights = split.sample_weight
        bad = self._once(weights, _bad_weights, "sample_weight")
        used = np.concatenate(split.rows)
        if bad is not None and bad[used].any():
            row = used[bad[used]].min()
            raise ValueError(
                f"expected sample_weight finite and not negative for {name!r}, got {weights[row]} in row {row}; "
                "a row of weight 0 is left out of the training loss"
            )
        if not weights[split.rows[0]].any():
            raise ValueError(
                f"expected sample_weight above 0 for some training row of {name!r}, got 0 for all; raise some of them"
            )


def _named(value, name: str) -> list[tuple[str, object]]:
    """(name, leaf) of every leaf, in the order of `keras.tree`, in which models and losses take them."""
    names, leaves = (map_named(which, value, name) for which in (lambda leaf, name: name, lambda leaf, name: leaf))
    return list(zip(keras.tree.flatten(names), keras.tree.flatten(leaves), strict=True))


def _broken(x, name: str) -> _Broken | None:
    """What of an input is not finite; None where all is."""
    rows, columns = np.zeros(len(x), bool), []
    if isinstance(x, pd.DataFrame):
        _refuse_text(x, name)
        for position, column in enumerate(x.columns):
            bad = ~_finite(x.iloc[:, position].to_numpy(np.float64, na_value=np.nan))
            rows |= bad
            columns += [str(column)] if bad.any() else []
    else:
        if x.dtype.kind not in "biuf":
            raise ValueError(
                f"expected numbers in {name}, got {x.dtype}; number categories and words, and make floats of the rest "
                f"with {name}.astype('float32')"
            )
        if x.dtype.kind == "f":
            for start in range(0, len(x), _ROWS):
                some = x[start : start + _ROWS]
                rows[start : start + _ROWS] = ~_finite(some).reshape(len(some), -1).all(axis=1)
    return _Broken(rows, columns) if rows.any() else None


def _refuse_text(x: pd.DataFrame, name: str) -> None:
    text = [str(column) for column, kind in x.dtypes.items() if not pd.api.types.is_numeric_dtype(kind)]
    if text:
        raise ValueError(f"expected numbers in {name}, got other columns: {', '.join(text)}; encode or drop them first")


def _finite(values: np.ndarray) -> np.ndarray:
    """Where values are finite once they are single precision, as models take them."""
    with np.errstate(over="ignore"):  # too large a value is what is looked for
        return np.isfinite(values.astype(np.float32, copy=False))


def _bad_weights(weights: np.ndarray, name: str) -> np.ndarray | None:
    bad = ~(np.isfinite(weights) & (weights >= 0))
    return bad if bad.any() else None


def _refuse_broken(broken: _Broken, parts, name: str, condition: str) -> None:
    used = np.concatenate(parts)
    bad = used[broken.rows[used]]
    if len(bad):
        columns = f" (columns {', '.join(broken.columns)})" if broken.columns else ""
        raise ValueError(
            f"expected finite numbers in {name}{columns} for {condition!r}, got NaN or infinity in {len(bad)} of the "
            f"{len(used)} rows in use, the first of them row {bad.min()}; fill or drop them first"
        )
