"""Rules of choice on tables whose answers are known."""

import numpy as np
import pytest

from chapters.ch8 import what_the_test_decides as section


def test_equal_algorithms_have_the_winners_luck_only_where_the_test_set_chose():
    drawn = np.random.default_rng(0).random((8, 20_000)) < 0.9
    found = section.choose([[row] for row in drawn], 100, np.random.default_rng(1))
    reported, vault = found[section.BY_TEST]
    # eight independent ones
    assert reported - vault == pytest.approx(section.winners_luck(8, 100, accuracy=0.9), abs=0.004)
    reported, vault = found[section.BY_VALIDATION]
    assert reported - vault == pytest.approx(0, abs=0.006)


def test_hyperparameters_are_chosen_by_validation_before_the_test_set_chooses():
    good, bad = np.ones(400, bool), np.zeros(400, bool)
    half = np.arange(400) % 2 == 0
    found = section.choose([[bad, half], [good, bad]], 50, np.random.default_rng(0), repeats=20)
    assert found[section.BY_TEST] == (1, 1) == found[section.BY_VALIDATION]
    # one algorithm alone: the test set has nothing to decide, and says what the vault says
    alone = section.choose([[bad, half]], 50, np.random.default_rng(0), repeats=200)
    assert alone[section.BY_TEST] == alone[section.BY_VALIDATION]
    assert alone[section.BY_TEST] == pytest.approx((0.5, 0.5), abs=0.02)


def test_one_model_has_no_luck_and_more_have_more():
    drawn = np.random.default_rng(2).random((20, 5000)) < 0.9
    luck = section.luck_by_models(drawn, 100, np.random.default_rng(3))
    assert luck[1] == pytest.approx(0, abs=0.007)
    assert luck[20] > luck[5] > luck[2] > luck[1]
    assert list(section.luck_by_models(drawn[:4], 100, np.random.default_rng(3), repeats=2)) == [1, 2]


def test_the_simulation_agrees_with_the_formula():
    found = section._simulated((1, 2), 100, 0.95)
    assert (found.optimism_accuracy - found.expected_optimism).abs().max() < 0.004
    assert found.groupby("size").test_rows.first().to_dict() == {"few": 100, "many": 1000}
