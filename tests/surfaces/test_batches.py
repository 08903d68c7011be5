"""Minibatches: every row once an epoch, in a fresh order."""

import math

import numpy as np
import pytest

from textbook.surfaces import minibatches


@pytest.mark.parametrize("size", (1, 16, 32, 50))
def test_an_epoch_of_batches_takes_every_row_once(size):
    stream = minibatches(50, size, generator=np.random.default_rng(0))
    updates = math.ceil(50 / size)
    epochs = [[next(stream) for _ in range(updates)] for _ in range(3)]
    for epoch in epochs:
        assert sorted(np.concatenate(epoch)) == list(range(50))
        assert [len(batch) for batch in epoch[:-1]] == [size] * (updates - 1)
    orders = {tuple(np.concatenate(epoch)) for epoch in epochs}
    assert len(orders) == 3  # a fresh order each epoch, not one order frozen


def test_batches_that_are_too_large_or_none_are_refused():
    with pytest.raises(ValueError, match=r"expected batch_size up to the 50 rows, got 51; mend by batch_size=50"):
        minibatches(50, 51, generator=np.random.default_rng(0))
    for size in (0, 2.5, True):
        with pytest.raises(ValueError, match=r"expected batch_size as a whole number from 1 up, got .*; mend by"):
            minibatches(50, size, generator=np.random.default_rng(0))
