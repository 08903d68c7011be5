"""Exact sizes, disjoint parts, whole groups and proportional classes, over many random shapes."""

import numpy as np
import pytest

from textbook.splits import allocation
from textbook.splits.allocation import allocate, round_table


def draw_problem(number):
    """Random classes, duplicates and sizes, the last of which is what stays unused."""
    rng = np.random.default_rng(number)
    rows = int(rng.integers(40, 400))
    strata = rng.choice(int(rng.integers(1, 12)), size=rows, p=None)
    groups = np.arange(rows)
    for first in rng.choice(rows // 2, size=int(rng.integers(0, rows // 10)), replace=False):
        groups[first : first + int(rng.integers(2, 5))] = groups[first]
    train, validation = rng.integers(1, rows // 3, size=2)
    test = rng.integers(1, rows // 4)
    return groups, strata, (train, validation, test, rows - train - validation - test), rng


@pytest.mark.parametrize("number", range(200))
def test_parts_are_exact_disjoint_and_keep_groups(number):
    groups, strata, sizes, rng = draw_problem(number)
    parts = allocate(groups, strata, sizes, rng)
    assert [len(part) for part in parts] == list(sizes)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(len(groups)))
    for i, part in enumerate(parts):
        for other in parts[i + 1 :]:
            assert not np.intersect1d(groups[part], groups[other]).size


@pytest.mark.parametrize("number", range(200))
def test_classes_are_within_one_of_proportional_without_groups(number):
    groups, strata, sizes, rng = draw_problem(number)
    parts = allocate(np.arange(len(groups)), strata, sizes, rng)
    exact = np.outer(np.bincount(strata), sizes) / len(strata)
    found = np.column_stack([np.bincount(strata[part], minlength=len(exact)) for part in parts])
    assert np.abs(found - exact).max() < 1


@pytest.mark.parametrize("number", range(50))
def test_classes_are_within_one_of_proportional_where_pairs_fit_into_the_quotas(number):
    rng = np.random.default_rng(number)
    strata = np.repeat(np.arange(4), 50)
    groups = np.arange(200)
    for first in rng.choice(100, size=15, replace=False) * 2:
        groups[first + 1] = groups[first]  # 15 pairs, each within a class, every quota a multiple of two and more
    parts = allocate(groups, strata, (120, 40, 40, 0), rng)
    for part, size in zip(parts, (30, 10, 10, 0), strict=True):
        assert np.abs(np.bincount(strata[part], minlength=4) - size).max() <= 1


def test_rounding_is_unbiased_and_keeps_every_sum():
    table = np.outer([7, 2, 1], [5, 3, 2])  # over 10
    rng = np.random.default_rng(0)
    rounded = np.array([round_table(table, 10, rng) for _ in range(4000)])
    assert (rounded.sum(axis=1) == [5, 3, 2]).all()
    assert (rounded.sum(axis=2) == [7, 2, 1]).all()
    assert np.abs(rounded - table / 10).max() < 1
    assert np.abs(rounded.mean(axis=0) - table / 10).max() < 4 * 0.5 / np.sqrt(4000)


def test_every_row_is_equally_likely_in_every_part():
    rng = np.random.default_rng(1)
    strata = np.repeat([0, 1, 2], [21, 12, 7])
    seen = np.zeros(40)
    for _ in range(3000):
        seen[allocate(np.arange(40), strata, (24, 8, 8, 0), rng)[2]] += 1
    assert np.abs(seen / 3000 - 0.2).max() < 4.5 * np.sqrt(0.2 * 0.8 / 3000)


def test_groups_that_no_part_can_hold_are_refused():
    groups = np.zeros(10, dtype=int)
    with pytest.raises(ValueError, match=r"expected sizes that groups of equal rows can fill.*largest has 10.*drop"):
        allocate(groups, groups, (6, 2, 2, 0), np.random.default_rng(0))


def test_pairs_alone_fill_even_sizes():
    groups = np.repeat(np.arange(50), 2)
    for seed in range(20):
        parts = allocate(groups, groups % 3, (60, 20, 20, 0), np.random.default_rng(seed))
        assert [len(part) for part in parts] == [60, 20, 20, 0]


def test_classes_mixed_within_groups_still_give_exact_sizes():
    groups = np.repeat(np.arange(10), 10)  # ten copies of each row, under ten different labels
    strata = np.tile(np.arange(10), 10)
    parts = allocate(groups, strata, (60, 20, 20, 0), np.random.default_rng(0))
    assert [len(part) for part in parts] == [60, 20, 20, 0]


def test_a_group_spread_over_parts_would_be_noticed(monkeypatch):
    """The planted failure: forget the groups, and the first test fails."""
    monkeypatch.setattr(allocation, "_members_of_larger_groups", lambda groups: [])
    with pytest.raises(AssertionError):
        for number in range(20):
            test_parts_are_exact_disjoint_and_keep_groups(number)


def test_plain_random_rows_would_be_noticed(monkeypatch):
    """The planted failure: ignore the classes' quotas, and the second test fails."""

    def careless(table, unit, rng):
        counts, room = np.zeros_like(table), table.sum(axis=0) // unit
        for row, rows in enumerate(table.sum(axis=1) // unit):
            counts[row] = rng.multivariate_hypergeometric(room, rows)
            room = room - counts[row]
        return counts

    monkeypatch.setattr(allocation, "round_table", careless)
    with pytest.raises(AssertionError):
        for number in range(20):
            test_classes_are_within_one_of_proportional_without_groups(number)
