"""A table of one's own, from a CSV file."""

from pathlib import Path

import numpy as np

from textbook.datasets.dataset import Card, Dataset
from textbook.datasets.table import read_table
from textbook.datasets.target import find_target, understand_target


def from_csv(path, *, target, task: str | None = None) -> Dataset:
    """Read a data set from a text file of columns separated by commas, semicolons, tabs or bars.

    The first line is a header if none of its fields is a number while some column below it has numbers. The task is
    classification if the target is text, or whole numbers of 2 to 20 different values, each found twice or more on
    average (two values are always classes); otherwise it is regression. Classes are numbered in sorted order;
    `card.class_names` has their names. `card.found` says in a sentence what was found out.

    Args:
        path: a UTF-8 file.
        target: name of the column to predict, or its number from 0; −1 is the last. A number may come as text ("11").
        task: "classification" or "regression" where the rule should not decide.

    Raises: ValueError for a file that cannot be read, is empty or uneven, lacks the target, has text or nothing where a
    number belongs, or has one class only.
    """
    table = read_table(Path(path))
    column = find_target(target, table.names)
    features = [i for i in range(len(table.names)) if i != column]
    if not features:
        raise ValueError(
            f"expected a column beside the target in {table.name}, got one column; bring at least one feature"
        )
    labels = understand_target(table, column, task)
    plural = "" if len(features) == 1 else "s"
    card = Card(
        name=table.name,
        title=f"the file {table.name}",
        task=labels.task,
        rows=len(table),
        shape=(len(features),),
        units="as in the file",
        target=table.names[column],
        class_names=labels.class_names,
        features=tuple(table.names[i] for i in features),
        origin="a file of one's own",
        licence="not stated",
        sha256=table.sha256,
        found=f"{table.found}; {len(features)} feature{plural}; the target, {table.label(column)}, {labels.found}",
    )
    return Dataset(np.column_stack([table.numbers(i) for i in features]), labels.y, card)
