"""Dicts and tuples of arrays."""

import numpy as np
import pandas as pd
import pytest

from textbook.splits.structure import is_structure, leaves, map_leaves, map_named, map_pairs

A, B = np.zeros(3), np.ones((3, 2))


@pytest.mark.parametrize(
    "value", [{}, {"a": [1, 2]}, (A,), (A, B), ({"a": A}, B), ((A, B), [1, 2, 3]), (pd.DataFrame(B), A)]
)
def test_several_arrays_are_a_structure(value):
    assert is_structure(value)


@pytest.mark.parametrize(
    "value", [A, [A, B], (), (1, 2), ((1, 2), (3, 4)), ([1, 2], [3, 4]), (np.float32(1), np.float32(2)), "ab", None]
)
def test_one_array_in_any_spelling_is_not(value):
    assert not is_structure(value)


def test_the_structure_and_the_order_given_are_kept():
    nested = {"z": 1, "a": (2, {"m": 3, "b": 4})}
    doubled = map_leaves(lambda leaf: 2 * leaf, nested)
    assert doubled == {"z": 2, "a": (4, {"m": 6, "b": 8})} and list(doubled) == ["z", "a"]
    assert leaves(nested) == [1, 2, 3, 4] and leaves(None) == [None]


def test_leaves_are_named_as_one_writes_them():
    found = map_named(lambda leaf, name: name, {"z": A, 7: ({"b": A}, B)}, "x")
    assert found == {"z": "x['z']", 7: ({"b": "x[7][0]['b']"}, "x[7][1]")}


def test_pairs_become_a_pair_of_structures():
    sums, shapes = map_pairs(lambda leaf, name: (leaf.sum(), leaf.shape), {"z": A, "a": (B, A)}, "x")
    assert sums == {"z": 0, "a": (6, 0)} and shapes == {"z": (3,), "a": ((3, 2), (3,))}
    assert map_pairs(lambda leaf, name: (leaf.sum(), name), B, "x") == (6, "x")


def test_an_empty_dict_is_refused_by_name():
    with pytest.raises(ValueError, match=r"expected at least one array in y\['a'\], got an empty dict; pass"):
        map_named(lambda leaf, name: leaf, {"a": {}}, "y")
