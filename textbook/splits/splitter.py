"""One data set, many splits: a seed names one."""

import dataclasses
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from textbook.seeding import stream
from textbook.splits.allocation import allocate
from textbook.splits.part import Split
from textbook.splits.rows import as_rows
from textbook.splits.scaling import SCALES, is_float, scaler
from textbook.splits.sizes import check_sizes, part_sizes
from textbook.splits.structure import is_structure, leaves


@dataclass(frozen=True, eq=False)
class Splitter:
    """Settings of a split; `splitter(7)` draws the split of seed 7, the same at every call.

    Args:
        data: a `Dataset`, or (x, y), or (x, y, sample_weight). x is an array or a DataFrame, or several inputs: a dict
            or a tuple of arrays (rows, …) of whole numbers or floats. y is an array, or several outputs: a dict or a
            tuple of arrays. Labels (rows,) of whole numbers are classes 0, 1, …; floats, (rows,) or (rows, values),
            are a regression's values. sample_weight is (rows,), finite and not negative. A list is one array, so two
            inputs are ((a, b), y), not ([a, b], y).
        sizes: rows of the training, validation and test part, exactly; their sum may be below the number of rows. Or
            fractions that sum to 1.
        stratify: True keeps classes in proportion, their counts within 1 unless groups of equal rows forbid it; None
            does so where there are classes; False ignores them. Of several outputs, the first that has classes counts.
        scale: "standard" shifts and scales each feature to mean 0 and standard deviation 1 over the training part;
            features that are constant there are only shifted. Of several inputs, those of whole numbers are left alone.
        label_noise: share of the training labels, 0…1, replaced by another class drawn at random. Under one seed, a
            larger share changes the same labels and more. Not for several outputs.

    Exactly equal rows of x, which are equal in every input, are never in two parts.

    Raises: ValueError where a setting makes no sense, or data and settings do not fit together.

    >>> x, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
    >>> splitter = Splitter((x, y), sizes=(12, 4, 4))
    >>> splitter(0)
    Split(seed=0: 12 + 4 + 4 of 20 rows)
    >>> splitter(0).test.x.shape
    (4, 2)

    Two inputs, two outputs and a weight for each row:

    >>> inputs = {"word": np.arange(20), "image": np.zeros((20, 8, 8))}
    >>> part = Splitter((inputs, (y, x[:, 0]), np.ones(20)), sizes=(12, 4, 4))(0).train
    >>> part.x["image"].shape, len(part.y), part.sample_weight.shape
    ((12, 8, 8), 2, (12,))
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
        part_sizes(self.sizes, len(self.data))
        if self.scale not in SCALES:
            raise ValueError(f"expected scale as one of {SCALES}, got {self.scale!r}; leave it out for the data as is")
        if isinstance(self.label_noise, bool) or not 0 <= self.label_noise <= 1:
            raise ValueError(f"expected label_noise as a share from 0 to 1, got {self.label_noise!r}")
        if all(classes is None for classes in leaves(self.data.classes)) and (self.stratify or self.label_noise):
            setting = "stratify=True" if self.stratify else f"label_noise={self.label_noise:g}"
            raise ValueError(f"expected classes for {setting}, got a regression; leave it out, or make y whole numbers")
        self._check_structures()

    def _check_structures(self) -> None:
        x, y = self.data.x, self.data.y
        if self.label_noise and is_structure(y):
            raise ValueError(
                f"expected y as one array for label_noise={self.label_noise:g}, got a {type(y).__name__} of outputs; "
                "leave it out, or change labels in y"
            )
        if self.scale and is_structure(x) and not any(is_float(leaf) for leaf in leaves(x)):
            raise ValueError(
                f"expected floats in at least one input for scale={self.scale!r}, got whole numbers alone; leave it "
                "out, or turn measurements into floats with .astype(float)"
            )

    def __call__(self, seed: int) -> Split:
        sizes = part_sizes(self.sizes, len(self.data))
        unused = len(self.data) - sum(sizes)
        drawn = allocate(self.data.groups, self.strata, (*sizes, unused), stream(seed, "split"))
        return self.with_rows(tuple(drawn[:3]), seed)

    @cached_property
    def strata(self) -> np.ndarray:
        """(rows,) classes that are kept in proportion, of the first output that has any; zeros where none are."""
        if self.stratify is not False:
            for labels, classes in zip(leaves(self.data.y), leaves(self.data.classes), strict=True):
                if classes is not None:
                    return labels
        return np.zeros(len(self.data), dtype=np.int64)

    def with_rows(self, rows: tuple, seed: int) -> Split:
        """The split whose parts have these rows, scaled and with label noise as the settings say."""
        data = self.data
        offset, scale = scaler(data.x, rows[0]) if self.scale == "standard" else (None, None)
        return Split(
            data.x,
            data.y,
            rows,
            classes=data.classes,
            seed=seed,
            offset=offset,
            scale=scale,
            label_noise=self.label_noise,
            sample_weight=getattr(data, "sample_weight", None),  # a Dataset has none
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
        return f"Splitter({len(self.data)} rows, {settings})"


def split(
    data, *, seed: int, sizes=(0.7, 0.15, 0.15), stratify: bool | None = None, scale=None, label_noise=0.0
) -> Split:
    """Draw one split of the data; the arguments are those of `Splitter`, and `seed` is a whole number from 0 up.

    >>> part = split((np.eye(10), np.arange(10) % 2), seed=0, sizes=(6, 2, 2))
    >>> sorted(int(label) for label in part.test.y)
    [0, 1]
    """
    return Splitter(data, sizes=sizes, stratify=stratify, scale=scale, label_noise=label_noise)(seed)
