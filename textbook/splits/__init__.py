"""Training, validation and test parts of a data set: exact sizes, classes in proportion, equal rows never apart.

`split(data, seed=0)` gives one `Split`; a `Splitter` holds the settings and gives one for each seed; `FixedTest` does
the same with one test part for all seeds.
"""

from textbook.splits.fixed_test import FixedTest
from textbook.splits.splitter import Part, Split, Splitter, split

__all__ = ["FixedTest", "Part", "Split", "Splitter", "split"]
