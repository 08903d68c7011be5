"""One data set, many splits: a seed names one."""

import dataclasses
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from textbook.seeding import stream
from textbook.splits.allocation import allocate
from textbook.splits.noise import noisy_labels
from textbook.splits.rows import as_rows
from textbook.splits.scaling import SCALES, standard
from textbook.splits.sizes import check_sizes, part_sizes


@dataclass(frozen=True, eq=False)
class Part:
    """Some rows of a split.

    Attributes:
        indices: (rows,) row numbers in the whole data, in random order.
        y: (rows,) labels, with label noise in a training part that asked for it.
    """

    indices: np.ndarray
    y: np.ndarray
    _split: "Split" = dataclasses.field(repr=False)

    @property
    def x(self):
        """The part's samples, gathered and scaled at each access: (rows, *shape), or a DataFrame."""
        return self._split.samples(self.indices)

    def __len__(self) -> int:
        return len(self.indices)


@dataclass(frozen=True, eq=False)
class Split:
    """Training, validation and test part of one resident data set, which is not copied.

    Attributes:
        x, y: the whole data, (rows, *shape) and (rows,), without scaling or label noise.
        rows: row numbers of the training, validation and test part.
        offset, scale: (*shape,) arrays; parts give (x − offset) / scale. None where nothing is scaled.
        classes: number of classes, None for regression.
        seed: what the split was drawn from.
    """

    x: Any
    y: np.ndarray
    rows: tuple[np.ndarray, np.ndarray, np.ndarray]
    _: KW_ONLY
    classes: int | None
    seed: int
    offset: np.ndarray | None = None
    scale: np.ndarray | None = None
    label_noise: float = 0.0

    @cached_property
    def train(self) -> Part:
        """The part to fit: weights, scaling and whatever else is learned."""
        labels = self.y[self.rows[0]]
        if self.label_noise:
            labels = noisy_labels(labels, self.label_noise, classes=self.classes, seed=self.seed)
        return Part(self.rows[0], labels, self)

    @cached_property
    def validation(self) -> Part:
        """The part to choose by: epochs, rates, models."""
        return Part(self.rows[1], self.y[self.rows[1]], self)

    @cached_property
    def test(self) -> Part:
        """The part to judge by, once."""
        return Part(self.rows[2], self.y[self.rows[2]], self)

    def samples(self, indices):
        """Rows of x by number, scaled as the training part asks."""
        x = self.x[indices] if isinstance(self.x, np.ndarray) else self.x.iloc[indices]
        return x if self.offset is None else (x - self.offset) / self.scale

    def __repr__(self) -> str:
        sizes = " + ".join(str(len(rows)) for rows in self.rows)
        return f"Split(seed={self.seed}: {sizes} of {len(self.y)} rows)"


@dataclass(frozen=True, eq=False)
class Splitter:
    """Settings of a split; `splitter(7)` draws the split of seed 7, the same at every call.

    Args:
        data: a `Dataset`, or a pair (x, y) of arrays, or of a DataFrame and its labels. In a pair, whole numbers are
            classes 0, 1, … and floats are a regression's values.
        sizes: rows of the training, validation and test part, exactly; their sum may be below the number of rows. Or
            fractions that sum to 1.
        stratify: True keeps classes in proportion, their counts within 1 unless groups of equal rows forbid it; None
            does so where there are classes; False ignores them.
        scale: "standard" shifts and scales each feature to mean 0 and standard deviation 1 over the training part;
            features that are constant there are only shifted.
        label_noise: share of the training labels, 0…1, replaced by another class drawn at random. Under one seed, a
            larger share changes the same labels and more.

    Exactly equal rows of x are never in two parts.

    Raises: ValueError where a setting makes no sense, or data and settings do not fit together.

    >>> x, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
    >>> splitter = Splitter((x, y), sizes=(12, 4, 4))
    >>> splitter(0)
    Split(seed=0: 12 + 4 + 4 of 20 rows)
    >>> splitter(0).test.x.shape
    (4, 2)
    """

    data: Any
    _: KW_ONLY
    sizes: tuple = (0.7, 0.15, 0.15)
    stratify: bool | None = None
    scale: str | None = None
    label_noise: float = 0.0

    def __post_init__(self):
        object.__setattr__(self, "data", as_rows(self.data))
        object.__setattr__(self, "sizes", check_sizes(self.sizes))
        part_sizes(self.sizes, len(self.data.y))
        if self.scale not in SCALES:
            raise ValueError(f"expected scale as one of {SCALES}, got {self.scale!r}; leave it out for the data as is")
        if isinstance(self.label_noise, bool) or not 0 <= self.label_noise <= 1:
            raise ValueError(f"expected label_noise as a share from 0 to 1, got {self.label_noise!r}")
        if self.data.classes is None and (self.stratify or self.label_noise):
            setting = "stratify=True" if self.stratify else f"label_noise={self.label_noise:g}"
            raise ValueError(f"expected classes for {setting}, got a regression; leave it out, or make y whole numbers")

    def __call__(self, seed: int) -> Split:
        rng = stream(seed, "split")
        labels = self.data.y
        sizes = part_sizes(self.sizes, len(labels))
        stratified = self.data.classes is not None and self.stratify is not False
        strata = labels if stratified else np.zeros(len(labels), dtype=np.int64)
        rows = allocate(self.data.groups, strata, (*sizes, len(labels) - sum(sizes)), rng)[:3]
        offset, scale = standard(self.data.x, rows[0]) if self.scale == "standard" else (None, None)
        return Split(
            self.data.x,
            labels,
            tuple(rows),
            classes=self.data.classes,
            seed=seed,
            offset=offset,
            scale=scale,
            label_noise=self.label_noise,
        )

    def resized(self, sizes) -> "Splitter":
        """The same with other sizes."""
        return dataclasses.replace(self, sizes=sizes)

    def noisy(self, label_noise: float) -> "Splitter":
        """The same with this share of label noise."""
        return dataclasses.replace(self, label_noise=label_noise)

    def scaled(self, scale: str | None = "standard") -> "Splitter":
        """The same with another scaling."""
        return dataclasses.replace(self, scale=scale)

    def __repr__(self) -> str:
        settings = f"sizes={self.sizes}, stratify={self.stratify}, scale={self.scale!r}, label_noise={self.label_noise}"
        return f"Splitter({len(self.data.y)} rows, {settings})"


def split(
    data, *, seed: int, sizes=(0.7, 0.15, 0.15), stratify: bool | None = None, scale=None, label_noise=0.0
) -> Split:
    """Draw one split of the data; the arguments are those of `Splitter`, and `seed` is a whole number from 0 up.

    >>> part = split((np.eye(10), np.arange(10) % 2), seed=0, sizes=(6, 2, 2))
    >>> sorted(int(label) for label in part.test.y)
    [0, 1]
    """
    return Splitter(data, sizes=sizes, stratify=stratify, scale=scale, label_noise=label_noise)(seed)
