"""Drops settled one after another, on a training that is a formula."""

import numpy as np
import pandas as pd
import pytest

from chapters.ch5 import step_and_plateau
from textbook.schedules.plateau import ReduceOnPlateau

EPOCHS = 16


class Formula:
    """A training whose loss falls towards a floor that is in proportion to the rate; counts what it was asked for."""

    def __init__(self):
        self.asked = []

    def __call__(self, schedules, seeds):
        self.asked.append(tuple(seeds))
        tables = []
        for seed in seeds:
            loss, losses, rates = 1.0, [], [schedules[seed](epoch) for epoch in range(EPOCHS)]
            for rate in rates:
                loss = max(loss - 0.1 * seed * rate, rate)
                losses.append(loss)
            epochs = np.arange(1, EPOCHS + 1)
            tables.append(pd.DataFrame({"seed": seed, "epoch": epochs, "val_loss": losses, "learning_rate": rates}))
        return pd.concat(tables)


def test_every_run_ends_with_the_rates_that_the_rule_reads_from_it():
    rule, train = ReduceOnPlateau(0.5, factor=0.5, patience=2), Formula()
    settled = step_and_plateau._settled(rule, train, (1, 2, 5))
    assert sorted(settled.seed.unique()) == [1, 2, 5]
    for seed, run in settled.groupby("seed"):
        assert run.learning_rate.tolist() == rule.rates(run.val_loss), seed
    assert settled[settled.seed == 5].learning_rate.nunique() > 2


def test_what_is_settled_is_not_trained_again():
    train = Formula()
    step_and_plateau._settled(ReduceOnPlateau(0.5, factor=0.5, patience=2), train, (1, 5))
    assert train.asked[0] == (1, 5) and set(train.asked[-1]) < {1, 5}


def test_the_next_round_has_the_drops_up_to_the_first_new_one():
    wanted = np.array([0.1, 0.1, 0.01, 0.01, 0.001, 0.001])
    assert [step_and_plateau._until(wanted, 2)(t) for t in range(6)] == [0.1, 0.1, 0.01, 0.01, 0.01, 0.01]
    assert [step_and_plateau._until(wanted, 4)(t) for t in range(6)] == wanted.tolist()


def test_the_way_before_each_drop_is_a_geometric_series():
    way = step_and_plateau._way(0.5, 3)
    assert way.share.tolist() == pytest.approx([0.5, 0.75, 0.875, 0.9375], abs=1e-12)
    assert way.closed_form.tolist() == pytest.approx(way.share.tolist(), abs=1e-12)
