"""A data set: samples, labels, and a card that says what they are."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from textbook.datasets.equal_rows import group_equal_rows


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a reader should know of a data set before using it.

    Attributes:
        name: what `load` calls it, or a file's name.
        title: what it is, in a few words.
        task: "classification" or "regression".
        rows: number of samples.
        shape: of one sample, such as (64,).
        units: what the numbers in x are measured in.
        target: what y is, with its unit where it has one.
        class_names: in the order of the labels 0, 1, …; empty for regression.
        features: names of the columns of x; empty for images.
        image: (height, width, channels) that a sample can be reshaped to, or None.
        origin, licence: where it comes from, and on what terms.
        sha256: of the values (equal to `Dataset.digest`), or for downloaded and own files of those files.
        found: what reading a file found out, in a sentence.
    """

    name: str
    title: str
    task: str
    rows: int
    shape: tuple[int, ...]
    units: str
    target: str
    class_names: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    image: tuple[int, int, int] | None = None
    origin: str
    licence: str
    sha256: str
    found: str = ""

    @property
    def classes(self) -> int | None:
        """Number of classes, None for regression."""
        return len(self.class_names) or None


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples x, (rows, *shape) float32, and labels y, (rows,) int64 classes or float32 values; neither can be changed.

    Raises: ValueError where x, y and the card disagree, or a value is not finite.
    """

    x: np.ndarray
    y: np.ndarray
    card: Card

    def __post_init__(self):
        card = self.card
        kind = np.int64 if card.task == "classification" else np.float32
        x, y = np.asarray(self.x, dtype=np.float32), np.asarray(self.y, dtype=kind)
        if x.shape != (card.rows, *card.shape) or y.shape != (card.rows,):
            raise ValueError(
                f"expected x {(card.rows, *card.shape)} and y {(card.rows,)} as the card of {card.name!r} says, "
                f"got {x.shape} and {y.shape}"
            )
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            raise ValueError(f"expected finite values in {card.name!r}, got NaN or infinity")
        for name, values in (("x", x), ("y", y)):
            values = values.view()
            values.flags.writeable = False
            object.__setattr__(self, name, values)

    @property
    def classes(self) -> int | None:
        """Number of classes, None for regression."""
        return self.card.classes

    @cached_property
    def digest(self) -> str:
        """sha256 of shapes and values of x and y, as 64 hexadecimal digits."""
        found = hashlib.sha256()
        for values in (self.x, self.y):
            found.update(f"{values.dtype.str} {values.shape}".encode())
            found.update(np.ascontiguousarray(values).data)
        return found.hexdigest()

    @cached_property
    def groups(self) -> np.ndarray:
        """(rows,) the same number for exactly equal rows of x."""
        return group_equal_rows(self.x)

    def __len__(self) -> int:
        return len(self.y)

    def __repr__(self) -> str:
        return f"Dataset({self.card.name!r}: {self.card.rows} rows, {self.card.task})"
