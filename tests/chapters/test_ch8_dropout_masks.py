"""Counts of masks: what fits a binomial and what does not."""

import numpy as np
import pytest

from chapters.ch8 import dropout_masks as section

RANDOM = np.random.default_rng(0)


def fits(dropped, rate=0.4):
    return section._fits(section._counted(dropped, rate).assign(seed=0)).iloc[0]


def test_independent_coins_fit():
    found = fits(RANDOM.random((4096, 20)) < 0.4)
    assert found.units_fit and found.count_fits


def test_always_the_same_number_does_not():
    """Eight of twenty, chosen by chance: every node is dropped as often as it should, but the number never varies."""
    found = fits(RANDOM.permuted(np.tile(np.arange(20) < 8, (4096, 1)), axis=1))
    assert found.units_fit and not found.count_fits


@pytest.mark.parametrize("wrong", [0.45, 0.35])
def test_another_rate_does_not(wrong):
    found = fits(RANDOM.random((4096, 20)) < wrong)
    assert not found.units_fit and not found.count_fits


def test_one_mask_for_a_batch_of_64_does_not():
    assert not fits(np.repeat(RANDOM.random((64, 20)) < 0.4, 64, axis=0)).count_fits


def test_different_masks_are_counted():
    assert section._different(np.array([[True, False], [True, False], [False, False]])) == 2
