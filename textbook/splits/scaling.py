"""Offset and scale of each feature, learned from the training part alone."""

import numpy as np
import pandas as pd

from textbook.splits.structure import is_structure, map_pairs

SCALES = (None, "standard")


def scaler(x, rows: np.ndarray) -> tuple:
    """(offset, scale) of `standard`; for several inputs each in the structure of x, None for those of whole numbers."""
    if not is_structure(x):
        return standard(x, rows)
    return map_pairs(lambda leaf, name: standard(leaf, rows, name=name) if is_float(leaf) else (None, None), x, "x")


def is_float(leaf: np.ndarray) -> bool:
    """Whether one of several inputs is measurements; whole numbers are names, such as the ids of tokens."""
    return np.issubdtype(leaf.dtype, np.floating)


def standard(x, rows: np.ndarray, *, name: str = "x") -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of each feature over some rows: (x − offset) / scale has mean 0 and deviation 1 there.

    Args:
        x: (all rows, *shape) array, or a DataFrame of numeric columns.
        rows: row numbers of the training part.
        name: what messages call x.

    Returns: (offset, scale), each (*shape,) in the type of x (float32 for whole numbers). A feature that is constant
    over the rows has scale 1.

    Raises: ValueError for columns that are not numbers, or values that are not finite.
    """
    if isinstance(x, np.ndarray):
        values = x[rows]
    else:
        text = [str(name) for name, kind in x.dtypes.items() if not pd.api.types.is_numeric_dtype(kind)]
        if text:
            raise ValueError(f"expected numeric columns to scale, got {', '.join(text)}; encode or drop them first")
        values = x.iloc[rows].to_numpy()
    exact = values.astype(np.float64)
    constant = exact.min(axis=0) == exact.max(axis=0)
    offset = np.where(constant, exact[0], exact.mean(axis=0))
    scale = np.where(constant, 1.0, exact.std(axis=0))
    if not (np.isfinite(offset).all() and np.isfinite(scale).all()):
        raise ValueError(
            f"expected finite values to scale, got NaN or infinity in {name}; fill or drop those rows first"
        )
    kind = values.dtype if np.issubdtype(values.dtype, np.floating) else np.float32
    return offset.astype(kind), scale.astype(kind)
