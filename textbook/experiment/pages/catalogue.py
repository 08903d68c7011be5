"""What the catalogue of the sources says of an entry: its flags, such as WRONG or OUTDATED."""

import csv
import functools
from pathlib import Path

FLAGS = ("WRONG", "IMPRECISE", "CONTESTED", "OUTDATED", "FRAMEWORK", "INTERNAL", "CODE-BUG", "TERM")


@functools.cache
def _flags() -> dict[str, tuple[str, ...]]:
    # beside the package, in a checkout and installed alike; importing it could find a reader's own folder `data`
    path = Path(__file__).parents[3] / "data" / "catalogue.csv"
    with open(path, encoding="utf-8", newline="") as file:
        return {row["id"]: tuple(row["flags"].split()) for row in csv.DictReader(file)}


def flags(entry: str) -> tuple[str, ...]:
    """The flags of an entry; none for an entry that the catalogue does not flag, or a claim of ours ("").

    >>> flags("4.6-c")
    ('CONTESTED',)
    """
    return _flags().get(entry, ())
