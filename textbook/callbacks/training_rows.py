"""The training data, or some rows of them, in batches that are the same every time they are read."""

import math
import numbers
import sys
from collections.abc import Iterator

import keras
import numpy as np

from textbook.schedules.arguments import whole
from textbook.seeding import stream

# "auto" reads a quarter of the rows, and never fewer than this many
_SHARE, _FEWEST = 0.25, 1000
# a batch without `batch_size` holds as many rows as fit both bounds
_MOST_ROWS, _MOST_BYTES = 1024, 8 * 2**20


def batches_of(x, y=None, *, sample_weight=None, subset="auto", batch_size: int | None = None, seed: int = 0):
    """An object whose `batches()` yields (x, y, sample_weight) as tensors of the backend, anew at each call.

    Args:
        x, y, sample_weight: as for `fit`: arrays, rows first, or nests of them; or x alone as a `PyDataset`, a
            `torch.utils.data.DataLoader` over indexed rows, or a `tf.data.Dataset`.
        subset: rows, share of the rows above 0 and up to 1, None for all, or "auto": a quarter, but at least 1,000
            rows. Of arrays and of a DataLoader rows are drawn, of a PyDataset batches; a tf.data.Dataset is read from
            its front. What comes in batches is read in whole batches.
        batch_size: rows a batch of arrays; by default 1,024 rows or 8 MiB of x, whichever is less.
        seed: of the draw.

    Raises: ValueError for arguments that do not fit, for generators, and for datasets without end.
    """
    _check_subset(subset)
    if _is_loader(x):
        _alone(y, sample_weight, batch_size, "DataLoader")
        return _LoaderRows(x, subset, seed)
    if isinstance(x, keras.utils.PyDataset):
        _alone(y, sample_weight, batch_size, "PyDataset")
        return _IndexedBatches(x, subset, seed)
    if hasattr(x, "element_spec"):
        _alone(y, sample_weight, batch_size, "tf.data.Dataset")
        return _DatasetBatches(x, subset)
    if isinstance(x, Iterator):
        raise ValueError(
            f"expected data that can be read every epoch, got a {type(x).__name__}, which can be read once; "
            "mend by arrays, a PyDataset, a tf.data.Dataset or a DataLoader"
        )
    return _ArrayRows(x, y, sample_weight, subset, batch_size, seed)


class _ArrayRows:
    def __init__(self, x, y, sample_weight, subset, batch_size, seed):
        self._data = keras.tree.map_structure(_array, (x, y, sample_weight))
        lengths = {len(leaf) for leaf in keras.tree.flatten(self._data) if leaf is not None}
        if len(lengths) != 1 or lengths == {0}:
            raise ValueError(
                f"expected arrays of one and the same number of rows, at least 1, got {sorted(lengths)}; "
                "mend by passing x, y and sample_weight of the same samples"
            )
        total = lengths.pop()
        self._rows = _drawn(total, subset, seed)
        if batch_size is None:
            row = sum(leaf.nbytes for leaf in keras.tree.flatten(self._data[0])) / total
            batch_size = min(_MOST_ROWS, max(1, int(_MOST_BYTES // max(row, 1))))
        self._batch_size = whole("batch_size", batch_size, least=1, mend="mend by a number of rows such as 1024")

    def batches(self):
        every = len(self._rows) == len(keras.tree.flatten(self._data)[0])
        for start in range(0, len(self._rows), self._batch_size):
            stop = start + self._batch_size
            rows = slice(start, stop) if every else self._rows[start:stop]  # a slice copies nothing
            yield _tensors(keras.tree.map_structure(lambda leaf: None if leaf is None else leaf[rows], self._data))  # noqa: B023


class _LoaderRows:
    """Reads the rows behind a DataLoader: iterating over the loader itself would draw from torch's global generator."""

    def __init__(self, loader, subset, seed):
        if not (hasattr(loader.dataset, "__getitem__") and hasattr(loader.dataset, "__len__")):
            raise ValueError(
                f"expected a DataLoader over indexed rows, got one over {type(loader.dataset).__name__}, which cannot "
                "be read without disturbing its order; mend by a dataset with __getitem__ and __len__, or by arrays"
            )
        self._loader = loader
        self._rows = _drawn(len(loader.dataset), subset, seed)

    def batches(self):
        size = self._loader.batch_size or 1
        for start in range(0, len(self._rows), size):
            rows = [self._loader.dataset[int(row)] for row in self._rows[start : start + size]]
            yield _tensors(_triple(self._loader.collate_fn(rows)))


class _IndexedBatches:
    def __init__(self, dataset, subset, seed):
        total = dataset.num_batches
        if total is None:
            raise ValueError("expected a PyDataset of known length, got one without; mend by a __len__ of batches")
        self._dataset, self._rows, self._least = dataset, None, 0
        self._order = np.arange(total)
        if subset is None:
            return
        # the rows of a batch are known once it was read, so batches are drawn until there are enough
        self._order = stream(seed, "clean train loss rows").permutation(total)
        if isinstance(subset, numbers.Integral):
            self._rows = int(subset)
        else:
            self._rows = _FEWEST if subset == "auto" else 1
            self._least = math.ceil((_SHARE if subset == "auto" else subset) * total)

    def batches(self):
        yield from _until((_triple(self._dataset[int(index)]) for index in self._order), self._rows, self._least)


class _DatasetBatches:
    def __init__(self, dataset, subset):
        total = int(dataset.cardinality())
        if total == -1:
            raise ValueError(
                "expected a dataset that ends, got one that repeats for ever; mend by the dataset before its .repeat()"
            )
        if total == -2 and not (subset is None or isinstance(subset, numbers.Integral)):
            raise ValueError(
                f"expected a dataset of known length for subset={subset!r}, got one of unknown length; mend by "
                "subset=4096, a number of rows, or by dataset.apply(tf.data.experimental.assert_cardinality(batches))"
            )
        self._dataset, self._rows, self._least = dataset, None, 0
        if isinstance(subset, numbers.Integral):
            self._rows = int(subset)
        elif subset is not None:
            self._rows = _FEWEST if subset == "auto" else 1
            self._least = math.ceil((_SHARE if subset == "auto" else subset) * total)

    def batches(self):
        yield from _until((_triple(batch) for batch in self._dataset), self._rows, self._least)


def rows_in(x) -> int:
    """Rows of a batch's x."""
    return int(next(leaf for leaf in keras.tree.flatten(x) if leaf is not None).shape[0])


def _until(triples, rows: int | None, batches: int):
    """Batches until so many rows and so many batches were read; all of them for `rows=None`."""
    seen = 0
    for count, triple in enumerate(triples, start=1):
        tensors = _tensors(triple)
        yield tensors
        seen += rows_in(tensors[0])
        if rows is not None and seen >= rows and count >= batches:
            return


def _drawn(total: int, subset, seed: int) -> np.ndarray:
    """Positions of the rows to read, in order."""
    if subset is None:
        count = total
    elif subset == "auto":
        count = min(total, max(_FEWEST, math.ceil(_SHARE * total)))
    elif isinstance(subset, numbers.Integral):
        count = int(subset)
        if count > total:
            raise ValueError(f"expected subset up to the {total} rows there are, got {count}; mend by subset=None")
    else:
        count = math.ceil(subset * total)
    if count == total:
        return np.arange(total)
    return np.sort(stream(seed, "clean train loss rows").choice(total, count, replace=False))


def _check_subset(subset) -> None:
    number = isinstance(subset, numbers.Real) and not isinstance(subset, bool)
    fits = number and (subset >= 1 if isinstance(subset, numbers.Integral) else 0 < subset <= 1)
    if not (subset is None or (isinstance(subset, str) and subset == "auto") or fits):
        raise ValueError(
            f"expected subset as rows, a share above 0 and up to 1.0, None or 'auto', got {subset!r}; "
            "mend by subset=2000, for instance"
        )


def _alone(y, sample_weight, batch_size, what: str) -> None:
    given = {"y": y, "sample_weight": sample_weight, "batch_size": batch_size}
    extra = [name for name, value in given.items() if value is not None]
    if extra:
        raise ValueError(
            f"expected a {what} alone, got {', '.join(extra)} too; mend by leaving them out: its batches hold them"
        )


def _is_loader(x) -> bool:
    torch_data = sys.modules.get("torch.utils.data")  # nobody has a DataLoader who has not imported it
    return torch_data is not None and isinstance(x, torch_data.DataLoader)


def _triple(batch) -> tuple:
    parts = tuple(batch) if isinstance(batch, tuple | list) else (batch,)
    return (*parts, None, None)[:3]


def _array(leaf):
    """A leaf as Keras feeds it: floats in Keras's precision, all else as it is."""
    if leaf is None:
        return None
    array = keras.ops.convert_to_numpy(leaf) if keras.ops.is_tensor(leaf) else np.asarray(leaf)
    return array.astype(keras.config.floatx()) if array.dtype.kind == "f" else array


def _tensors(triple):
    def tensor(leaf):
        if leaf is None or keras.ops.is_tensor(leaf):
            return leaf
        return keras.ops.convert_to_tensor(_array(leaf))

    return keras.tree.map_structure(tensor, triple)
