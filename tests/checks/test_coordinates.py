"""Every tensor is among the weights to check."""

import numpy as np
import pytest

from textbook.checks.coordinates import stratified


def test_some_of_every_tensor_without_repetition():
    chosen = stratified([4096, 64, 640, 10], 20)
    assert [len(part) for part in chosen] == [20, 20, 20, 10]
    for part, size in zip(chosen, [4096, 64, 640, 10], strict=True):
        assert len(set(part.tolist())) == len(part)
        assert part.max() < size


def test_the_seed_chooses_and_equal_tensors_differ():
    one, again, other = (stratified([500, 500], 10, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert (one[0] != other[0]).any()
    assert (one[0] != one[1]).any()


def test_all():
    np.testing.assert_array_equal(stratified([3, 2], "all")[1], [0, 1])


@pytest.mark.parametrize("number", [0, -1, 2.5, True, "most"])
def test_other_numbers_are_refused(number):
    with pytest.raises(ValueError, match="whole number from 1, or 'all'"):
        stratified([3], number)
