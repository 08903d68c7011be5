"""Splits that share one test part: what a reader does who draws the training and validation part again."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from textbook.seeding import stream
from textbook.splits.allocation import allocate
from textbook.splits.part import Split
from textbook.splits.sizes import part_sizes
from textbook.splits.splitter import Splitter


@dataclass(frozen=True)
class FixedTest:
    """Callable seed → Split: the test part is the one of `splitter(test_seed)`, the other rows are drawn again.

    Args:
        splitter: the data and the settings, all of which are kept.
        test_seed: seed of the split that the test part comes from.

    Exactly equal rows of x stay together here too: none is in the test part and in another.

    >>> x, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
    >>> draw = FixedTest(Splitter((x, y), sizes=(8, 8, 4)), 0)
    >>> set(draw(1).rows[2]) == set(draw(2).rows[2])
    True
    >>> set(draw(1).rows[0]) == set(draw(2).rows[0])
    False
    """

    splitter: Splitter
    test_seed: int

    @cached_property
    def test_rows(self) -> np.ndarray:
        """Row numbers of the test part."""
        return self.splitter(self.test_seed).rows[2]

    def __call__(self, seed: int) -> Split:
        data, settings = self.splitter.data, self.splitter
        rest = np.setdiff1d(np.arange(len(data)), self.test_rows)
        train, validation, _ = part_sizes(settings.sizes, len(data))
        sizes = (train, validation, len(rest) - train - validation)
        # a purpose of its own: seed 7 must not pair with the split of seed 7 that the test part may come from
        drawn = allocate(data.groups[rest], settings.strata[rest], sizes, stream(seed, "split of what is left"))
        return settings.with_rows((rest[drawn[0]], rest[drawn[1]], self.test_rows), seed)
