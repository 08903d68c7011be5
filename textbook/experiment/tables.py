"""Tables as CSV text and back, bit for bit.

A number is written with as many digits as tell it from its neighbours, and the kinds of the columns are kept beside
the text, so that reading gives the very table that was written.
"""

import io

import numpy as np
import pandas as pd

_MISSING = "nan"


def to_csv(table: pd.DataFrame) -> tuple[bytes, dict[str, str]]:
    """The CSV text of a table and {column: kind}, the kind being a NumPy dtype's name or "text".

    Raises: ValueError for what CSV cannot bring back: a named index, columns of mixed or other kinds, missing text.
    """
    if table.index.nlevels > 1 or table.index.name is not None:
        raise ValueError(f"expected a table with plain rows, got an index {table.index.names}; call .reset_index()")
    names = list(table.columns)
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise ValueError(f"expected different words as the columns' names, got {names}; rename the columns")
    kinds = {name: _kind(table[name]) for name in names}
    return table.to_csv(index=False, na_rep=_MISSING, lineterminator="\n").encode(), kinds


def from_csv(text: bytes, kinds: dict[str, str]) -> pd.DataFrame:
    """The table that `to_csv` wrote. Raises: ValueError for text that is none of its making."""
    # a condition may be called "None" or "NA", and a section's words may be empty: pandas is to guess nothing
    words = pd.read_csv(io.BytesIO(text), dtype=str, keep_default_na=False, na_filter=False, skip_blank_lines=False)
    if list(words.columns) != list(kinds):
        raise ValueError(f"expected the columns {', '.join(kinds)}, got {', '.join(words.columns)}")
    return pd.DataFrame({column: _values(words[column], kind) for column, kind in kinds.items()})


def _values(words: pd.Series, kind: str) -> pd.Series | np.ndarray:
    if kind == "text":
        return words
    if kind == "bool":
        return words.to_numpy(dtype=object) == "True"
    # Python reads a number as the nearest float, always; which of pandas's parsers do depends on its version
    return words.to_numpy(dtype=object).astype(kind)


def _kind(column: pd.Series) -> str:
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if column.dtype.kind in "iufb" and not pd.api.types.is_extension_array_dtype(column.dtype):
        return column.dtype.name
    types = sorted({type(value).__name__ for value in column})
    if types == ["str"] or not len(column):
        return "text"
    raise ValueError(
        f"expected numbers, true/false or text in column {column.name!r}, got {' and '.join(types)} ({column.dtype}); "
        "convert it with .astype(float) or .astype(str), and fill what is missing"
    )
