"""Spread of disjoint test sets, and the binomial by counting."""

import numpy as np
import pytest

from chapters.ch8 import test_set as section


def test_disjoint_sets_spread_as_sets_of_new_rows_would():
    right = (np.arange(1600) < 1440).astype(float)
    found = [section.spread_of_test_sets(right, np.random.default_rng(seed)) for seed in range(20)]
    sizes, sets = np.array(found)[0, :, 0], np.array(found)[0, :, 1]
    assert sizes.tolist() == [25, 50, 100, 200, 400] and (sizes * sets == 1600).all()
    spread = np.sqrt((np.array(found)[:, :, 2] ** 2).mean(axis=0))
    assert spread == pytest.approx(np.sqrt(0.09 / sizes), rel=0.06)


def test_the_formula_is_within_a_row_of_counting():
    widths = section._widths(0.9).set_index("test_rows")
    assert widths.points[300] == pytest.approx(3.4, abs=0.05)
    assert (widths.formula_rows - widths.counted_rows).abs().max() <= 1
    # ± 10 of 300 rows is the nearest that whole rows come to ± 3.4 points
    assert widths.counted_rows[300] == 10
    assert widths.four_times.iloc[0] == pytest.approx(1200, rel=0.01)
