"""The column to predict: which it is, and what kind of task it makes."""

import difflib
from dataclasses import dataclass

import numpy as np

from textbook.datasets.table import as_numbers

MOST_CLASSES = 20  # whole numbers with more values than this are taken as amounts


@dataclass(frozen=True)
class Labels:
    """A target understood: y is (rows,) class numbers or values."""

    y: np.ndarray
    task: str
    class_names: tuple[str, ...]
    found: str


def find_target(target, names) -> int:
    """Number of the target column, given its name or number.

    Raises: ValueError if there is none, naming the nearest, or if two columns have the name.

    >>> find_target("quality", ("acid", "quality")), find_target(-2, ("acid", "quality")), find_target("1", ("a", "b"))
    (1, 0, 1)
    """
    if isinstance(target, str) and target in names:
        if names.count(target) > 1:
            raise ValueError(f"expected one column named {target!r}, got {names.count(target)}; pass its number")
        return names.index(target)
    try:
        number = int(target) if not isinstance(target, bool | float) else None
    except (TypeError, ValueError):
        number = None
    if number is None:
        near = difflib.get_close_matches(str(target), names, n=3, cutoff=0.5)
        shown = ", ".join(repr(name) for name in near or names[:10])
        hint = f"did you mean {shown}?" if near else f"the columns are {shown}{' …' if len(names) > 10 else ''}"
        raise ValueError(f"expected the target as a column's name or number, got {target!r}; {hint}")
    if not -len(names) <= number < len(names):
        raise ValueError(
            f"expected a target column from 0 to {len(names) - 1} (or −1 for the last), got {number}; count from 0"
        )
    return number % len(names)


def understand_target(table, column: int, task: str | None) -> Labels:
    """Classes or values of a target column, by the rule that `from_csv` states, or as the task asks.

    Raises: ValueError for missing cells, one class only, text that hardly repeats, or text among numbers.
    """
    if task not in (None, "classification", "regression"):
        raise ValueError(f"expected task as 'classification' or 'regression', got {task!r}; leave it out to find out")
    cells = table.column(column)
    numeric = np.isfinite(as_numbers(cells))
    # a few texts among numbers are slips, a few numbers among texts are names
    if numeric.mean() > 0.5 or task == "regression":
        return _number_labels(table.numbers(column), task, table.label(column))
    return _classes(
        np.array(cells, dtype=object), [str(name) for name in sorted(set(cells))], "text", table.label(column)
    )


def _number_labels(values, task, label) -> Labels:
    different = np.unique(values)
    whole = (different == different.round()).all()
    few = len(different) <= 2 or len(different) <= min(MOST_CLASSES, len(values) / 2)
    if task == "classification" and not whole:
        raise ValueError(f"expected whole numbers or text as classes in {label}, got for instance {values[0]:g}")
    if len(different) == 1:
        raise ValueError(
            f"expected a target that varies, got {values[0]:g} in every row of {label}; choose another column"
        )
    if task == "classification" or (task is None and whole and few):
        return _classes(values, [str(int(value)) for value in different], "whole numbers", label)
    found = f"has {len(different)} different numbers, {values.min():g}…{values.max():g}: regression"
    return Labels(values.astype(np.float32), "regression", (), found)


def _classes(values, names, kind, label) -> Labels:
    if len(names) == 1:
        raise ValueError(f"expected at least 2 classes in {label}, got only {names[0]!r}; choose another column")
    if len(names) > 2 and len(names) > len(values) / 2:
        raise ValueError(
            f"expected classes that come up again and again in {label}, got {len(names)} different ones in "
            f"{len(values)} rows; choose another column"
        )
    shown = ", ".join(names[:MOST_CLASSES]) + (", …" if len(names) > MOST_CLASSES else "")
    found = f"has {len(names)} classes ({kind}: {shown}): classification"
    return Labels(np.unique(values, return_inverse=True)[1].astype(np.int64), "classification", tuple(names), found)
