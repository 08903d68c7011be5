"""Clues and fates on hand-made curves."""

import numpy as np
import pandas as pd
import pytest

from chapters.ch7 import early_clues as section


def pool(curves, seed=1, **columns):
    """A row per trial and epoch; the test loss is the last validation loss."""
    rows = [
        {"seed": seed, "trial": trial, "epoch": epoch, "val_loss": loss, "test_loss": curve[-1]}
        for trial, curve in enumerate(curves)
        for epoch, loss in enumerate(curve, start=1)
    ]
    return pd.DataFrame(rows).assign(**columns)


def test_an_early_order_is_compared_with_the_final_one_a_quarter_of_the_way():
    rising = [[9, a, 9, 9, 9, 9, 9, b] for a, b in ((1, 1), (2, 2), (3, 3))]
    falling = [[9, a, 9, 9, 9, 9, 9, b] for a, b in ((1, 3), (2, 2), (3, 1))]
    both = pd.concat([pool(rising, seed=1), pool(falling, seed=2)])
    found = section._foretold(both, "all rates").set_index("seed")
    assert found.rho.tolist() == pytest.approx([1.0, -1.0])
    assert (found.after == 2).all() and (found.epochs == 8).all() and (found.trials == 3).all()


def test_the_good_sign_is_low_early_and_level_late_neither_falling_nor_rising():
    falls, level, rises = [1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.1], [1, 0.5] + [0.4] * 6, [1, 0.5] + [0.4] * 5 + [2.0]
    slow = [[2.0] * 8, [1.9] * 8, [1.8] * 8, [1.7] * 8]
    signs = section._with_signs(pool([falls, level, rises, *slow]))
    # of seven trials, four are steep; of those, the two that change least are level
    assert signs[signs["look"] == "steep, then level"].trial.tolist() == [1, 6]
    assert signs.set_index("trial").loc[1, "test_loss"] == 0.4


def test_a_clue_that_is_the_same_for_all_tells_nothing():
    same = [[9, 1, 9, 9, 9, 9, 9, end] for end in (1, 2, 3)]
    assert section._foretold(pool(same), "all rates").rho.tolist() == [0.0]


def test_each_seed_has_its_own_median():
    curves = [[a, a] for a in (0.1, 0.2, 0.3, 0.4)]
    signs = section._with_signs(pd.concat([pool(curves, seed=1), pool((10 * np.array(curves)).tolist(), seed=2)]))
    good = signs[signs["look"] == "steep, then level"]
    assert good.groupby("seed").trial.apply(list).to_dict() == {1: [0, 1], 2: [0, 1]}


def test_traits_are_the_fall_so_far_and_the_rise_to_come():
    losses = np.linspace(1.0, 0.5, 20)
    held = np.concatenate([np.linspace(1.2, 0.8, 10), np.linspace(0.8, 1.1, 10)])
    curves = pool([held, held + 1]).assign(clean_loss=np.tile(losses, 2), chance_loss=2.3, learning_rate=0.1)
    traits = section._traits(curves).set_index("trial")
    assert traits.after.tolist() == [2, 2] and traits.epochs.tolist() == [20, 20]
    assert traits.early_fall.tolist() == pytest.approx([2.3 - losses[1]] * 2)
    assert traits.later_rise.tolist() == pytest.approx([0.3, 0.3])
    assert traits.early_loss.tolist() == pytest.approx([held[1], held[1] + 1])
