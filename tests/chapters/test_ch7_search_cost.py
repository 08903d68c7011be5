"""The settings that are tried, and what is trained after a recipe that found nothing, without any training."""

import types

import numpy as np
import pandas as pd

from chapters.ch7 import search_cost as section
from textbook.schedules import OneCycle


def test_random_settings_fill_their_ranges_and_do_not_depend_on_how_many_there_are():
    table = section._random([1, 2], 400, 1e-6, 10.0)
    assert table.rate.between(1e-6, 10).all() and (table.rate < 1e-5).any() and (table.rate > 1).any()
    assert np.median(np.log10(table.rate)) < -1.5  # even on the log scale: the middle of -6 and 1 is -2.5
    assert table.momentum.between(0.8, 0.99).all() and table.weight_decay.between(1e-5, 1e-2).all()
    few = section._random([2], 10, 1e-6, 10.0)
    assert few.rate.tolist() == table[table.seed == 2].rate.tolist()[:10]


def test_the_grid_has_every_combination_once_a_seed_and_numbers_of_its_own():
    table = section._grid([1, 2], (0.1, 1.0), (0.9, 0.99), (0.0, 1e-3), first=32)
    assert len(table) == 16 and not table.duplicated(["seed", "rate", "momentum", "weight_decay"]).any()
    assert sorted(table[table.seed == 1].trial) == list(range(32, 40))


def test_a_recipe_without_a_rate_is_trained_at_the_lowest_and_each_momentum_with_its_cycle():
    recipes = {
        1: types.SimpleNamespace(schedule=OneCycle(0.2, total=8, momentum_range=(0.89, 0.99))),
        2: types.SimpleNamespace(schedule=None),
        3: types.SimpleNamespace(schedule=OneCycle(0.1, total=8, momentum_range=(0.8, 0.9))),
    }
    columns = {"seed": [1, 2, 3], "maximum": [0.2, np.nan, 0.1], "momentum": [0.99, np.nan, 0.9]}
    table = pd.DataFrame(columns | {"weight_decay": [1e-3, np.nan, 0.0]})
    found = types.SimpleNamespace(table=table, recipes=recipes, updates_per_epoch=32)
    trained = []

    def train(rows, *, momentum):
        trained.append(rows.assign(highest=float(momentum(0))))
        return rows[["seed", "trial"]]

    ends = section._follow(train, found, 1e-6, 8)
    assert sorted(ends.seed) == [1, 2, 3]
    rows = pd.concat(trained).set_index("seed")
    assert rows.rate.to_dict() == {1: 0.2, 2: 1e-6, 3: 0.1}
    assert rows.weight_decay.to_dict() == {1: 1e-3, 2: 0.0, 3: 0.0}
    np.testing.assert_allclose(rows.highest.sort_index(), [0.99, 0.95, 0.9], rtol=1e-6)
    np.testing.assert_allclose(rows.highest, rows.momentum, rtol=1e-6)
