"""The registry of data sets, `data/registry.toml`: what each is, where it comes from, how to know its values."""

import difflib
import tomllib
from functools import cache
from pathlib import Path

from textbook.datasets.dataset import Card


@cache
def entries() -> dict[str, dict]:
    """All entries by name, as they stand in the file."""
    # beside this package, in a checkout and installed alike; importing it could find a reader's own folder `data`
    return tomllib.loads((Path(__file__).parents[2] / "data" / "registry.toml").read_text(encoding="utf-8"))


def names() -> tuple[str, ...]:
    """Names that `load` knows.

    >>> names()[0]
    'digits'
    """
    return tuple(entries())


def entry(name: str) -> dict:
    """One entry. Raises: ValueError for a name that is not there."""
    if name not in entries():
        near = difflib.get_close_matches(str(name), names(), n=1)
        hint = f"did you mean {near[0]!r}?" if near else "a file of your own goes through from_csv"
        raise ValueError(f"expected a data set among {', '.join(names())}, got {name!r}; {hint}")
    return entries()[name]


@cache
def card(name: str) -> Card:
    """The card of a registered data set, without loading it.

    >>> card("digits").shape
    (64,)
    """
    fields = {key: tuple(value) if isinstance(value, list) else value for key, value in entry(name).items()}
    for key in ("source", "settings", "files", "url"):  # how to load it, not what it is
        fields.pop(key, None)
    task = "classification" if "class_names" in fields else "regression"
    return Card(name=name, task=task, **fields)
