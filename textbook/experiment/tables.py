"""Tables as CSV text and back, bit for bit.

A number is written with as many digits as tell it from its neighbours, and the kinds of the columns are kept beside
the text, so that reading gives the very table that was written.
"""

import io

import pandas as pd

_MISSING = "nan"


def to_csv(table: pd.DataFrame) -> tuple[bytes, dict[str, str]]:
    """The CSV text of a table and {column: kind}, the kind being a NumPy dtype's name or "text".

    Raises: ValueError for what CSV cannot bring back: a named index, columns of mixed or other kinds, missing text.
    """
    if table.index.nlevels > 1 or table.index.name is not None:
        raise ValueError(f"expected a table with plain rows, got an index {table.index.names}; call .reset_index()")
    kinds = {str(column): _kind(table[column]) for column in table.columns}
    if len(kinds) != table.shape[1]:
        raise ValueError(f"expected different names for all columns, got {list(table.columns)}")
    return table.to_csv(index=False, na_rep=_MISSING, lineterminator="\n").encode(), kinds


def from_csv(text: bytes, kinds: dict[str, str]) -> pd.DataFrame:
    """The table that `to_csv` wrote."""
    return pd.read_csv(
        io.BytesIO(text),
        dtype={column: str if kind == "text" else kind for column, kind in kinds.items()},
        keep_default_na=False,
        # a condition may be called "None" or "NA", so only numbers can be missing
        na_values={column: [_MISSING] for column, kind in kinds.items() if kind.startswith("float")},
        float_precision="round_trip",
    )


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
