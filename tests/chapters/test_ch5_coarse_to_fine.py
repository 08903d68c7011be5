"""The up-down game, and the range that a stage leaves."""

import numpy as np
import pandas as pd

from chapters.ch5 import coarse_to_fine as section


def test_the_game_finds_every_number_and_takes_seven_questions_at_most():
    game = section._game(100)
    assert len(game) == 100
    assert game.questions.max() == 7
    # by a game's tree: one number after one question, two after two, four after three, …
    assert game.questions.value_counts().sort_index().tolist() == [1, 2, 4, 8, 16, 32, 37]


def test_above_fifty_are_51_to_100():
    assert section._left(range(1, 101), 50) == (51, 100)


def stage(best):
    rates = np.logspace(-4, 0, 16)
    return pd.DataFrame({
        "arm": "coarse to fine", "seed": 3, "trial": range(16), "learning_rate": rates,
        "val_loss": np.log10(rates / best) ** 2,
    })  # fmt: skip


def test_a_range_narrows_around_the_best_and_passes_an_end_that_has_it():
    low, high = section._narrower(stage(1e-2), "coarse to fine", 3, (1e-4, 1.0))
    assert 1e-4 < low < 1e-2 < high < 1.0
    assert np.log10(high / low) < 2
    low, high = section._narrower(stage(1.0), "coarse to fine", 3, (1e-4, 1.0))
    assert high > 1.0
