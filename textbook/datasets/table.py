"""The cells of a CSV file, and where in the file they stand."""

import csv
import hashlib
import io
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_MISSING = {"", "na", "n/a", "nan", "null", "none", "?"}


@dataclass(frozen=True)
class Table:
    """The cells of a file, as text."""

    name: str
    names: tuple[str, ...]
    header: bool
    separator: str
    cells: tuple[tuple[str, ...], ...]  # row by row, without the header
    lines: tuple[int, ...]  # where each row ends in the file, from 1
    sha256: str

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def found(self) -> str:
        """What reading the file found out."""
        heading = "with a header" if self.header else "without a header"
        return f"{self.name}: {len(self)} rows {heading}, separated by {_SEPARATORS[self.separator]}"

    def label(self, column: int) -> str:
        """How messages call a column."""
        return repr(self.names[column]) if self.header else self.names[column]

    def column(self, column: int) -> list[str]:
        """A column's cells; raises ValueError at the first that is missing."""
        cells = [row[column] for row in self.cells]
        for row, cell in enumerate(cells):
            if cell.lower() in _MISSING:
                raise ValueError(self.fault(column, row, "a value", "a missing one", "fill it or drop the row"))
        return cells

    def numbers(self, column: int) -> np.ndarray:
        """A column as float64; raises ValueError at the first cell that is no finite number."""
        cells = self.column(column)
        values = as_numbers(cells)
        for row in np.flatnonzero(~np.isfinite(values))[:1]:
            mend = "encode text as numbers first, or drop the column"
            if not self.header and row == 0:
                mend += "; if this line is a header, none of its fields may be a number"
            raise ValueError(self.fault(column, row, "a finite number", repr(cells[row]), mend))
        # what float32 cannot hold would turn into infinity further on
        for row in np.flatnonzero(np.abs(values) > np.finfo(np.float32).max)[:1]:
            raise ValueError(self.fault(column, row, "at most 3.4e38", repr(cells[row]), "rescale the column"))
        return values

    def fault(self, column: int, row: int, expected: str, got: str, mend: str) -> str:
        """A message that points at a cell."""
        name = f"column {self.label(column)}" if self.header else self.label(column)
        line = f"line {self.lines[row]} of {self.name}"
        return f"expected {expected} in {name}, row {row + 1} ({line}), got {got}; {mend}"


def as_numbers(cells: list[str]) -> np.ndarray:
    """Text as float64, NaN where it is no number."""
    return pd.to_numeric(pd.Series(cells, dtype=object), errors="coerce").to_numpy(dtype=np.float64)


def read_table(path: Path) -> Table:
    """All cells of a file. Raises: ValueError for one that is unreadable, empty, or uneven."""
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")  # spreadsheets put a mark before the first character
    except OSError as error:
        raise ValueError(f"expected a file that can be read, got {path} ({error.strerror}); check the path") from error
    except UnicodeDecodeError as error:
        raise ValueError(
            f"expected a text file in UTF-8, got {path} with byte {content[error.start]:#04x} at {error.start}; "
            "save it as CSV in UTF-8"
        ) from error
    separator = _separator(text)
    rows, lines = _rows(text, separator, path.name)
    header = _has_header(rows)
    names = tuple(rows[0]) if header else tuple(f"column {i}" for i in range(len(rows[0])))
    names = tuple(name or f"column {i}" for i, name in enumerate(names))
    if header:
        rows, lines = rows[1:], lines[1:]
    if not rows:
        raise ValueError(f"expected rows below the header of {path.name}, got none; check the file")
    return Table(path.name, names, header, separator, tuple(rows), tuple(lines), hashlib.sha256(content).hexdigest())


def _separator(text) -> str:
    """The separator that cuts most of the first lines like the very first; of several, the one with more fields."""

    def agreement(separator):
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        try:
            counts = [len(row) for row in islice(reader, 50) if row]
        except csv.Error:
            return 0.0, 0
        cut = bool(counts) and counts[0] > 1
        return (counts.count(counts[0]) / len(counts), counts[0]) if cut else (0.0, 0)

    return max(_SEPARATORS, key=agreement)


def _rows(text, separator, name):
    """Rows of stripped fields, and the line where each ends; blank lines are left out."""
    rows, lines = [], []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for row in reader:
            if any(field.strip() for field in row):
                rows.append(tuple(field.strip() for field in row))
                lines.append(reader.line_num)
    except csv.Error as error:
        raise ValueError(f"expected a CSV file, got {name} with {error} in line {reader.line_num}; mend it") from error
    if not rows:
        raise ValueError(f"expected rows of numbers in {name}, got an empty file; check the path")
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(rows[0]):
            raise ValueError(
                f"expected {len(rows[0])} fields in line {line} of {name}, as in its first line, got {len(row)}; "
                "mend the line"
            )
    return rows, lines


def _has_header(rows) -> bool:
    if np.isfinite(as_numbers(list(rows[0]))).any():
        return False
    if len(rows) == 1:
        return True
    return any(np.isfinite(as_numbers(column)).any() for column in zip(*rows[1:], strict=True))
