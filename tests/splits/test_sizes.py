"""Sizes as numbers of rows."""

import numpy as np
import pytest

from textbook.splits.sizes import part_sizes


@pytest.mark.parametrize("rows", [5, 10, 99, 100, 101, 1797, 70_000])
@pytest.mark.parametrize("fractions", [(0.6, 0.2, 0.2), (0.5, 0.25, 0.25), (1 / 3, 1 / 3, 1 / 3), (0.4, 0.3, 0.3)])
def test_fractions_use_every_row_and_are_off_by_less_than_one(rows, fractions):
    counts = part_sizes(fractions, rows)
    assert sum(counts) == rows
    assert np.abs(np.array(counts) - np.array(fractions) * rows).max() < 1


def test_a_part_may_be_left_out_on_purpose():
    assert part_sizes((0.8, 0.2, 0.0), 10) == (8, 2, 0)
    assert part_sizes((np.int64(5), 0, 3), 10) == (5, 0, 3)


def test_whole_numbers_are_not_fractions():
    with pytest.raises(ValueError, match=r"sum to 101\.5"):
        part_sizes((100, 1, 0.5), 200)
