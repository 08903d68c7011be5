"""Batches for a range test, from arrays or from whatever yields batches, for as many updates as it takes."""

import itertools
import sys
from collections.abc import Iterator

import keras
import numpy as np

from textbook.schedules.arguments import whole


class Batches:
    """Yields (x, y, sample_weight) without end; data that run out begin again.

    Arrays are drawn in a shuffled order of its own, and only full batches, since a smaller one has a noisier loss. Data
    that come in batches are taken as they come.

    Args:
        x: an array, or a dict or list of arrays, with samples along the first axis; a `tf.data.Dataset`, a
            `keras.utils.PyDataset` or a torch `DataLoader`.
        y, sample_weight: with arrays, the targets and the weights of the samples, (samples, …) and (samples,).
        batch_size: samples in a batch, with arrays.
        seed: of the order, with arrays.
    """

    def __init__(self, x, y=None, *, sample_weight=None, batch_size: int = 32, seed: int = 0):
        self._batch_size = whole("batch_size", batch_size, least=1, mend="mend by 32, for instance")
        self._seed, self._data, self._generators = seed, x, []
        if _instance(x, "tensorflow", "data.Dataset"):
            self._kind = "a tf.data.Dataset"
        elif isinstance(x, keras.utils.PyDataset):
            self._kind = "a PyDataset"
        elif _instance(x, "torch", "utils.data.DataLoader"):
            self._kind = "a torch DataLoader"
            self._generators = _generators(x)
        elif isinstance(x, Iterator):
            raise ValueError(
                f"expected arrays, a tf.data.Dataset, a PyDataset or a DataLoader, got a {type(x).__name__}, whose "
                "batches would be missing from the training after; mend by one of those"
            )
        else:
            self._kind = "arrays"
            self._data = keras.tree.map_structure(_array, (x, y, sample_weight))
            self.rows = _rows(self._data)
        if self._kind != "arrays" and not (y is None and sample_weight is None):
            given = "y" if y is not None else "sample_weight"
            raise ValueError(
                f"expected {given}=None with {self._kind}, whose batches bring their own, got "
                f"{type(y if y is not None else sample_weight).__name__}; mend by leaving {given} out"
            )

    @property
    def of_arrays(self) -> bool:
        return self._kind == "arrays"

    def first(self):
        """A batch that shows shapes and types; the first one, in no particular order."""
        batch = next(iter(self))
        self.rewind()
        return batch

    def __iter__(self):
        if self.of_arrays:
            yield from self._of_arrays()
        while True:
            before = True
            for batch in self._pass():
                before = False
                yield tuple(
                    keras.tree.map_structure(_native, part) if part is not None else None
                    for part in keras.utils.unpack_x_y_sample_weight(batch)
                )
            if before:
                raise ValueError(f"expected batches, got {self._kind} that yields none; mend by giving it some")

    def rewind(self) -> None:
        """Put the generators of a DataLoader back to where they were."""
        for generator, state in self._generators:
            generator.set_state(state)

    def _pass(self):
        if self._kind != "a PyDataset":
            return iter(self._data)
        # by number, and without on_epoch_end: the data set stays in the order in which it was handed over
        count = self._data.num_batches
        return (self._data[i] for i in (range(count) if count else itertools.count()))

    def _of_arrays(self):
        order, size = np.random.default_rng(self._seed), min(self._batch_size, self.rows)
        while True:
            shuffled = order.permutation(self.rows)
            for begin in range(0, self.rows - size + 1, size):
                rows = shuffled[begin : begin + size]
                yield tuple(
                    None if part is None else keras.tree.map_structure(lambda a, rows=rows: a[rows], part)
                    for part in self._data
                )


def _instance(value, package: str, path: str) -> bool:
    """Whether it is an object of a package's class, without importing the package."""
    kind = sys.modules.get(package)
    for name in path.split("."):
        kind = getattr(kind, name, None)
    return kind is not None and isinstance(value, kind)


def _array(values):
    if values is None:
        return None
    array = np.asarray(keras.ops.convert_to_numpy(values) if keras.ops.is_tensor(values) else values)
    # as `fit` does: floats in the precision that Keras computes in
    return array.astype(keras.config.floatx()) if np.issubdtype(array.dtype, np.floating) else array


def _rows(data) -> int:
    leaves = [leaf for leaf in keras.tree.flatten(data) if leaf is not None]
    sizes = {leaf.shape[0] if leaf.ndim else 0 for leaf in leaves}
    if len(sizes) != 1 or 0 in sizes:
        raise ValueError(
            f"expected arrays with the same number of samples, at least one, got {sorted(sizes)}; "
            "mend by cutting x, y and sample_weight to the same length"
        )
    return sizes.pop()


def _native(leaf):
    """A tensor as the backend at work takes it: its own tensors as they are, others as arrays."""
    if leaf is None or keras.ops.is_tensor(leaf):
        return leaf
    if hasattr(leaf, "detach"):
        return leaf.detach().cpu().numpy()
    return leaf.numpy() if hasattr(leaf, "numpy") else np.asarray(leaf)


def _generators(loader) -> list:
    """The generators that a DataLoader draws its order from, with their states."""
    holders = (loader, getattr(loader, "sampler", None), getattr(loader, "batch_sampler", None))
    found = {id(g): g for g in (getattr(holder, "generator", None) for holder in holders) if g is not None}
    return [(generator, generator.get_state()) for generator in found.values()]
