"""What groups of seeds conclude, from differences made by hand."""

import numpy as np
import pandas as pd

from chapters.ch7.how_many_seeds import CONTRASTS, FEW, _grouped, _reordered, _together
from textbook.experiment import Run


def test_groups_are_judged_beside_the_word_of_all_seeds():
    values = np.array([0.05, 0.051, 0.049, -0.05, -0.051, -0.049, 0.3, -0.2, 0.1, 7.0])
    groups = _grouped(values, "holds", 3)
    assert groups.word.tolist() == ["holds", "reversed", "inconclusive"]
    assert groups.flips.tolist() == [False, True, True]
    assert groups.contradicts.tolist() == [False, True, False]
    assert groups.wrong_way.tolist() == [False, True, False]  # the mean of all ten is above 0
    assert groups.seed.tolist() == [0, 1, 2]


def test_a_winner_is_named_from_delta_on():
    groups = _grouped(np.array([0.012, -0.012, 0.009, 0.0]), "no difference", 1)
    assert groups.names_a_winner.tolist() == [True, True, False, False]
    assert set(groups.word) == {"inconclusive"}


def test_most_of_four_contrasts_are_three():
    rows = [
        {"contrast": name, "group": FEW, "seed": seed, "flips": number < flips, "contradicts": number == 0 == seed}
        for seed, flips in enumerate((4, 3, 2, 0))
        for number, name in enumerate(CONTRASTS)
    ]
    together = _together(pd.DataFrame(rows))
    assert together.flips.tolist() == [4, 3, 2, 0]
    assert together.flips_on_most.tolist() == [True, True, False, False]
    assert together.contradicts_once.tolist() == [True, False, False, False]


def test_the_twin_has_the_same_samples_in_another_order():
    run = Run(seeds=(3,))
    plain, twin = run.splits("digits")(3), _reordered(run)(3)
    assert sorted(plain.rows[0]) == sorted(twin.rows[0]) and list(plain.rows[0]) != list(twin.rows[0])
    np.testing.assert_array_equal(plain.test.x, twin.test.x)
    np.testing.assert_array_equal(plain.validation.y, twin.validation.y)
