"""Which rows each update sees."""

from collections.abc import Iterator

import numpy as np

from textbook.schedules.arguments import whole


def minibatches(rows: int, batch_size: int, *, generator: np.random.Generator) -> Iterator[np.ndarray]:
    """Row indices of one update after another without end: each epoch is a fresh order, cut into ⌈rows / batch_size⌉.

    Every row comes once an epoch; the last batch of an epoch holds what is left. `batch_size=1` is the text's SGD,
    `batch_size=rows` its batch gradient descent.
    """
    rows = whole("rows", rows, least=1, mend="mend by the number of samples")
    size = whole("batch_size", batch_size, least=1, mend="mend by 1 for SGD, rows for the full batch")
    if size > rows:
        raise ValueError(f"expected batch_size up to the {rows} rows, got {size}; mend by batch_size={rows}")

    def endless():
        while True:
            order = generator.permutation(rows)
            for first in range(0, rows, size):
                yield order[first : first + size]

    return endless()
