"""The parts of one split: some rows of data that stay where they are."""

import dataclasses
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from textbook.splits.noise import noisy_labels
from textbook.splits.structure import leaves, map_leaves


@dataclass(frozen=True, eq=False)
class Part:
    """Some rows of a split.

    Attributes:
        indices: (rows,) row numbers in the whole data, in random order.
        y: (rows,) labels, with label noise in a training part that asked for it; (rows, values) for a regression of
            several values; several outputs in their dict or tuple.
    """

    indices: np.ndarray
    y: Any
    _split: "Split" = dataclasses.field(repr=False)

    @property
    def x(self):
        """The part's samples, gathered and scaled at each access: (rows, *shape), or a DataFrame, or several inputs."""
        return self._split.samples(self.indices)

    @property
    def sample_weight(self) -> np.ndarray | None:
        """(rows,) weights of the part's rows, None where the data have none."""
        weights = self._split.sample_weight
        return None if weights is None else weights[self.indices]

    def __len__(self) -> int:
        return len(self.indices)


@dataclass(frozen=True, eq=False)
class Split:
    """Training, validation and test part of one resident data set, which is not copied.

    Attributes:
        x, y: the whole data, (rows, *shape) and (rows,), without scaling or label noise. Several inputs or outputs are
            in their dict or tuple.
        rows: row numbers of the training, validation and test part.
        offset, scale: (*shape,) arrays; parts give (x − offset) / scale. None where nothing is scaled. For several
            inputs in the structure of x, with None for each input of whole numbers.
        classes: number of classes, None for regression. For several outputs in the structure of y.
        seed: what the split was drawn from.
        sample_weight: (rows,) float64 weights of the whole data, None where there are none.
    """

    x: Any
    y: Any
    rows: tuple[np.ndarray, np.ndarray, np.ndarray]
    _: KW_ONLY
    classes: Any
    seed: int
    offset: Any = None
    scale: Any = None
    label_noise: float = 0.0
    sample_weight: np.ndarray | None = None

    @cached_property
    def train(self) -> Part:
        """The part to fit: weights, scaling and whatever else is learned."""
        labels = self._labels(self.rows[0])
        if self.label_noise:
            labels = noisy_labels(labels, self.label_noise, classes=self.classes, seed=self.seed)
        return Part(self.rows[0], labels, self)

    @cached_property
    def validation(self) -> Part:
        """The part to choose by: epochs, rates, models."""
        return Part(self.rows[1], self._labels(self.rows[1]), self)

    @cached_property
    def test(self) -> Part:
        """The part to judge by, once."""
        return Part(self.rows[2], self._labels(self.rows[2]), self)

    def samples(self, indices):
        """Rows of x by number, scaled as the training part asks."""
        x = map_leaves(lambda leaf: leaf[indices] if isinstance(leaf, np.ndarray) else leaf.iloc[indices], self.x)
        return x if self.offset is None else map_leaves(_scaled, x, self.offset, self.scale)

    def _labels(self, indices):
        return map_leaves(lambda leaf: leaf[indices], self.y)

    def __repr__(self) -> str:
        sizes = " + ".join(str(len(rows)) for rows in self.rows)
        return f"Split(seed={self.seed}: {sizes} of {len(leaves(self.y)[0])} rows)"


def _scaled(x, offset, scale):
    return x if offset is None else (x - offset) / scale
