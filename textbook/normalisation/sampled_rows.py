"""Some rows of whatever `fit` takes, in batches, kept so that a model can run on the same ones several times."""

from collections.abc import Iterable
from dataclasses import dataclass

import keras
import numpy as np

from textbook.schedules.arguments import whole
from textbook.seeding import stream

_MOST_BATCHES = 64


@dataclass(frozen=True)
class SampledRows:
    """Batches of NumPy arrays (x, y, sample_weight), y and sample_weight possibly None.

    Attributes:
        batches: one tuple a batch.
        rows: in all batches together.
        of: rows that there were to choose from; None where nobody knows, as with a `tf.data.Dataset`.
        drawn: whether the rows were drawn at random here, rather than taken in the order in which they came.
        last: rows of the last batch of an epoch of `fit`; None where nobody knows.
        broken: rows with NaN or infinity among their inputs.
    """

    batches: tuple
    rows: int
    of: int | None
    drawn: bool
    last: int | None

    @property
    def batch_size(self) -> int:
        """Rows of the largest batch."""
        return max(_rows(x) for x, _, _ in self.batches)

    @property
    def broken(self) -> int:
        return sum(
            int(np.any([_bad_rows(part) for part in keras.tree.flatten(x)], axis=0).sum()) for x, _, _ in self.batches
        )

    @property
    def labelled(self) -> bool:
        return all(y is not None for _, y, _ in self.batches)


def sampled_rows(x, y=None, *, batch_size: int = 32, rows: int = 512) -> SampledRows:
    """At most so many rows: of arrays drawn at random without replacement, of batches the first ones that come.

    Args:
        x: inputs as `fit` takes them: an array or a structure of arrays, or an iterable of batches (inputs, or tuples
            that begin with inputs, targets and sample weights).
        y: targets, an array or a structure of arrays; not with an iterable.
        batch_size: rows of a batch of arrays.
        rows: at most, rounded up to whole batches of an iterable; and no more than 64 batches.

    Raises: ValueError for no rows, for x and y of different length, for y beside an iterable, and for batches that are
        no arrays.

    >>> some = sampled_rows(np.arange(10.0)[:, None], np.arange(10), batch_size=4, rows=8)
    >>> [len(y) for x, y, weight in some.batches], some.of, some.last
    ([4, 4], 10, 2)
    """
    batch_size = whole("batch_size", batch_size, least=1, mend="mend by that of training, such as 32")
    rows = whole("rows", rows, least=1, mend="mend by a number such as 512")
    if _is_arrays(x):
        return _of_arrays(x, y, batch_size, rows)
    if not isinstance(x, Iterable | keras.utils.PyDataset):
        raise ValueError(f"expected arrays or an iterable of batches, got {type(x).__name__}; mend by np.asarray(x)")
    if y is not None:
        raise ValueError(
            f"expected y=None beside batches, which bring their own targets, got y as well, and x as "
            f"{type(x).__name__}; mend by np.asarray(x) if x holds all rows, or without y"
        )
    return _of_batches(x, rows)


def _of_arrays(x, y, batch_size: int, rows: int) -> SampledRows:
    if y is not None and not _is_arrays(y):
        raise ValueError(f"expected targets as arrays, got {type(y).__name__}; mend by np.asarray(y)")
    x, y = _arrays(x), None if y is None else _arrays(y)
    lengths = {len(part) for part in keras.tree.flatten((x, y)) if part is not None}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(
            f"expected at least one row, and as many of each array, got {sorted(lengths)}; mend by x[:n], y[:n]"
        )
    (count,) = lengths
    # fit shuffles arrays, so sorted ones must not be cut in their order
    chosen = stream(0, "rows of a report").permutation(count)[: min(rows, _MOST_BATCHES * batch_size)]
    batches = []
    for start in range(0, len(chosen), batch_size):
        at = chosen[start : start + batch_size]
        batches.append((_at(x, at), None if y is None else _at(y, at), None))
    return SampledRows(tuple(batches), len(chosen), count, True, count % batch_size or min(batch_size, count))


def _of_batches(data, rows: int) -> SampledRows:
    batches, count = [], 0
    for batch in _batches(data):
        x, y, weight = keras.utils.unpack_x_y_sample_weight(tuple(batch) if isinstance(batch, list) else batch)
        if not _is_arrays(x):
            raise ValueError(
                f"expected batches of arrays, got {type(x).__name__}; mend by an array, or batches (inputs, targets)"
            )
        batches.append(tuple(None if part is None else _arrays(part) for part in (x, y, weight)))
        count += _rows(x)
        if count >= rows or len(batches) == _MOST_BATCHES:
            break
    if not count:
        raise ValueError("expected at least one row of data, got none; mend by the rows that the model is trained on")
    return SampledRows(tuple(batches), count, None, False, None)


def _batches(data):
    if isinstance(data, keras.utils.PyDataset):  # its iterator never ends
        return (data[index] for index in range(data.num_batches or 0))
    return data


def _is_arrays(data) -> bool:
    if isinstance(data, list) and data and all(isinstance(part, tuple) for part in data):
        return False  # a list of batches (inputs, targets)
    parts = keras.tree.flatten(data)
    return bool(parts) and all(_is_frame(part) or hasattr(part, "shape") for part in parts)


def _is_frame(part) -> bool:
    return hasattr(part, "iloc") and hasattr(part, "to_numpy")  # pandas, which fit takes as well


def _arrays(data):
    return keras.tree.map_structure(_array, data)


def _array(part) -> np.ndarray:
    return part.to_numpy() if _is_frame(part) else keras.ops.convert_to_numpy(part)


def _at(data, at):
    return keras.tree.map_structure(lambda part: part[at], data)


def _bad_rows(part: np.ndarray) -> np.ndarray:
    if part.dtype.kind in "SUO" or part.dtype.kind in "biu":  # text and whole numbers are always there
        return np.zeros(len(part), bool)
    return ~np.isfinite(part.reshape(len(part), -1)).all(axis=1)


def _rows(x) -> int:
    return len(keras.tree.flatten(x)[0])
