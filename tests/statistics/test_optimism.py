"""The winner's luck against simulation and by hand, and choices from a table of scores."""

import numpy as np
import pytest

from textbook.statistics import choice_optimism, winners_luck


def test_luck_by_hand():
    # two models, one row, accuracy ½: the best is right with ¾
    assert winners_luck(2, 1, accuracy=0.5) == pytest.approx(0.25)
    # three models, two rows, accuracy ½: P(count > 0) = 1 − ¼³, P(count > 1) = 1 − ¾³
    assert winners_luck(3, 2, accuracy=0.5) == pytest.approx((1 - 1 / 64 + 1 - 27 / 64) / 2 - 0.5)


def test_luck_as_simulated():
    best = np.random.default_rng(0).binomial(200, 0.9, (20_000, 20)).max(axis=1) / 200
    assert winners_luck(20, 200, accuracy=0.9) == pytest.approx(best.mean() - 0.9, abs=2e-4)


def test_luck_grows_with_models_and_falls_with_rows():
    lucks = [winners_luck(m, 300, accuracy=0.9) for m in (1, 2, 5, 20, 100)]
    assert lucks[0] == pytest.approx(0, abs=1e-12) and (np.diff(lucks) > 0).all()
    assert winners_luck(20, 1200, accuracy=0.9) == pytest.approx(lucks[3] / 2, rel=0.05)
    assert winners_luck(5, 10, accuracy=1.0) == pytest.approx(0)


def test_equal_models_with_independent_errors_have_the_formulas_optimism():
    right = np.random.default_rng(1).random((20, 40_000)) < 0.9
    found = choice_optimism(right, 200, repeats=400)
    assert found.apparent - 0.9 == pytest.approx(winners_luck(20, 200, accuracy=0.9), abs=0.003)
    assert found.optimism == pytest.approx(found.apparent - 0.9, abs=0.003)


def test_models_that_err_on_the_same_rows_have_no_optimism():
    row = np.random.default_rng(2).random(1000) < 0.9
    found = choice_optimism(np.tile(row, (10, 1)), 200, repeats=300)
    assert found.optimism == pytest.approx(0, abs=0.003)
    # ties go to the first
    assert found.share == (1.0, *[0.0] * 9)


def test_a_model_far_ahead_is_always_chosen():
    right = np.zeros((3, 50))
    right[1] = 1
    found = choice_optimism(right, 10, repeats=20)
    assert (found.apparent, found.fresh, found.best_mean, found.share) == (1, 1, 1, (0, 1, 0))


def test_the_same_seed_draws_the_same_rows():
    scores = np.random.default_rng(3).random((4, 30))
    assert choice_optimism(scores, 9, seed=5) == choice_optimism(scores, 9, seed=5)
    assert choice_optimism(scores, 9, seed=5) != choice_optimism(scores, 9, seed=6)


def test_bad_input_is_refused():
    for arguments in ((0, 10), (2.5, 10), (True, 10), (2, 0)):
        with pytest.raises(ValueError, match="whole number"):
            winners_luck(*arguments, accuracy=0.9)
    with pytest.raises(ValueError, match="for 90 %"):
        winners_luck(2, 10, accuracy=90)
    with pytest.raises(ValueError, match="fewer than 30"):
        choice_optimism(np.ones((2, 30)), 30)
    with pytest.raises(ValueError, match="finite"):
        choice_optimism([[1.0, np.nan]], 1)
    with pytest.raises(ValueError, match="repeats"):
        choice_optimism(np.ones((2, 30)), 3, repeats=0)
    with pytest.raises(ValueError, match="rows as a whole"):
        choice_optimism(np.ones((2, 30)), 0.5)
