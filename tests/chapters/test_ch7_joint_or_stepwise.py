"""Three ways of tuning, replayed on small grids whose answers are known."""

import numpy as np
import pandas as pd
import pytest

from chapters.ch7 import joint_or_stepwise as section
from textbook.seeding import stream

SHAPE = (6, 4, 4)
PLACES = np.indices(SHAPE)


@pytest.fixture
def random():
    return stream(0, "replays")


@pytest.mark.parametrize("way", [section._at_random, section._in_turn])
def test_a_search_tries_as_many_different_cells_as_it_was_given(way, random):
    val = random.random(SHAPE)
    for trials in (12, 24, 96):
        tried = way(val, trials, random)
        assert len(tried) == len(set(tried)) == trials
        assert all(0 <= i < n for cell in tried for i, n in zip(cell, SHAPE, strict=True))


def test_the_first_round_tries_whole_lines_each_through_the_best_of_the_last(random):
    val = random.random(SHAPE)
    tried = section._in_turn(val, 12, random)
    rates, momenta, decays = set(tried[:6]), set(tried[6:9]), set(tried[9:])
    best = min(rates, key=lambda at: val[at])
    assert rates == {(i, *best[1:]) for i in range(6)}
    assert momenta | {best} == {(best[0], i, best[2]) for i in range(4)}
    best = min(momenta | {best}, key=lambda at: val[at])
    assert decays | {best} == {(*best[:2], i) for i in range(4)}


def test_one_round_settles_knobs_that_do_not_depend_on_each_other(random):
    additive = (PLACES[0] - 4.0) ** 2 + (PLACES[1] - 1.0) ** 2 + PLACES[2]
    for _ in range(20):
        tried = section._in_turn(additive, 12, random)
        assert section._best_so_far(tried, additive, additive)[-1] == 0
        assert section._each_alone(additive, random) == (4, 1, 0)


def test_on_a_diagonal_valley_values_tuned_alone_do_not_fit_together(random):
    valley = (PLACES[0] + PLACES[1] - 4.0) ** 2
    alone = np.mean([valley[section._each_alone(valley, random)] for _ in range(100)])
    in_turn = [section._best_so_far(section._in_turn(valley, 12, random), valley, valley)[-1] for _ in range(100)]
    assert alone > 1 and np.max(in_turn) == 0


def test_the_best_so_far_is_chosen_on_validation_and_scored_on_test():
    val, test = np.array([0.5, 0.3, 0.4, 0.1]), np.array([1.0, 2.0, 3.0, 4.0])
    assert section._best_so_far([(0,), (1,), (2,), (3,)], val, test).tolist() == [1.0, 2.0, 2.0, 4.0]


def test_the_rate_is_chosen_on_validation_for_each_schedule_and_weight_decay():
    rows = [
        ("constant", 0.0, 3, 0.1, 0.5, 9.0),
        ("constant", 0.0, 3, 0.3, 0.4, 7.0),
        ("constant", 0.0, 3, 1.0, 0.6, 1.0),
    ]
    names = ["schedule", "weight_decay", "seed", "learning_rate", "val_loss", "test_loss"]
    chosen = section._at_chosen_rates(pd.DataFrame(rows, columns=names))
    assert chosen.test_loss.tolist() == [7.0] and chosen.on_border.tolist() == [False]
