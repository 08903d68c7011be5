"""Training, validation and test parts of a data set: exact sizes, classes in proportion, equal rows never apart.

`split(data, seed=0)` gives one `Split`; a `Splitter` holds the settings and gives one for each seed; `FixedTest` does
the same with one test part for all seeds; a `TestVault` hands a split's test part out once. Data are (x, y) or
(x, y, sample_weight); several inputs, or outputs, are a dict or a tuple of arrays.

>>> import numpy as np
>>> x = {"tokens": np.arange(60).reshape(20, 3), "age": np.linspace(0, 1, 20)}
>>> y = {"kind": np.arange(20) % 2, "price": np.linspace(2, 3, 20)}
>>> part = split((x, y), seed=0, sizes=(10, 6, 4), scale="standard")
>>> part.classes
{'kind': 2, 'price': None}
>>> part.train.x["tokens"].shape, part.validation.y["price"].shape
((10, 3), (6,))
"""

from textbook.splits.fixed_test import FixedTest
from textbook.splits.part import Part, Split
from textbook.splits.splitter import Splitter, split
from textbook.splits.vault import TestVault

__all__ = ["FixedTest", "Part", "Split", "Splitter", "TestVault", "split"]
