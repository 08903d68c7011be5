"""Equal means equal in every value."""

import numpy as np
import pandas as pd
import pytest

from textbook.datasets.equal_rows import group_equal_rows


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.uint8, bool])
def test_against_comparing_all_pairs(kind):
    x = np.random.default_rng(0).integers(0, 2, (60, 2, 2)).astype(kind)
    groups = group_equal_rows(x)
    same = (x[:, None] == x[None]).all(axis=(2, 3))
    assert np.array_equal(groups[:, None] == groups[None], same)


def test_zeros_of_both_signs_are_equal_and_the_next_number_is_not():
    x = np.array([[0.0], [-0.0], [np.nextafter(0, 1)], [np.nan], [np.nan]])
    assert group_equal_rows(x).tolist() == [0, 0, 1, 2, 2]


def test_data_frames_of_any_columns():
    frame = pd.DataFrame({"a": [1, 1, 1, 2], "b": ["x", "x", "y", "x"], "c": [None, None, 0.5, None]})
    assert group_equal_rows(frame).tolist() == [0, 0, 1, 2]


def test_columns_in_memory_order_do_not_matter():
    x = np.random.default_rng(0).integers(0, 2, (50, 3)).astype(np.float32)
    assert np.array_equal(group_equal_rows(np.asfortranarray(x)), group_equal_rows(x))
