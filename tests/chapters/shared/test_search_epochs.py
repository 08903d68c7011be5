"""What searches cost, on hand-made trials."""

import itertools

import numpy as np
import pandas as pd
import pytest

from chapters.shared.search_epochs import arrivals, best_so_far, trials_until, with_equal_epochs

LOSSES = {"random": [0.9, 0.3, 0.5, 0.29], "grid": [0.7, 0.6]}


def ends(**losses):
    tables = [
        pd.DataFrame({"search": name, "seed": 1, "trial": range(len(v)), "val_loss": v, "test_loss": np.add(v, 1)})
        for name, v in (losses or LOSSES).items()
    ]
    return pd.concat(tables).assign(epochs=8)


def own(loss=0.29, spent=20.0):
    return pd.DataFrame({"seed": [1], "val_loss": loss, "test_loss": 5.0, "epochs_spent": spent, "epochs": 8})


def arrived(target, **losses):
    names = {"procedure": "recipe", "fallback": "random"}
    table = arrivals(ends(**losses), own(), targets={"t": pd.Series({1: target})}, tolerance=0.01, **names)
    return table.set_index("search")


@pytest.mark.parametrize(("good", "trials"), [(1, 1), (1, 4), (2, 5), (5, 5)])
def test_trials_until_the_first_good_one_are_the_mean_over_all_orders(good, trials):
    marks = [True] * good + [False] * (trials - good)
    firsts = [order.index(True) + 1 for order in itertools.permutations(marks)]
    assert trials_until(good, trials) == pytest.approx(np.mean(firsts))


def test_within_the_tolerance_counts_as_there():
    table = arrived(0.29)  # 0.29 and 0.3 are near enough, two of four random trials
    assert table.epochs["random"] == pytest.approx(8 * 5 / 3)
    assert table.epochs["recipe"] == 28 and table.arrived["recipe"]


def test_what_does_not_arrive_goes_on_with_the_fallback_and_pays_for_both():
    table = arrived(0.29)
    assert not table.arrived["grid"] and table.epochs["grid"] == pytest.approx(2 * 8 + 8 * 5 / 3)
    table = arrived(0.1, random=[0.1, 0.5, 0.6], grid=[0.7])
    assert not table.arrived["recipe"] and table.epochs["recipe"] == pytest.approx(28 + 8 * 2)


def test_a_fallback_without_a_good_trial_counts_with_all_of_them():
    table = arrived(0.05)
    assert table.epochs.to_dict() == {"random": 32, "grid": 16 + 32, "recipe": 28 + 32}
    assert not table.arrived.any()


def test_a_way_without_trials_at_a_seed_goes_on_with_the_fallback_at_once():
    two = pd.concat([ends(), ends(random=[0.2], grid=[0.2]).assign(seed=2)])
    two = two[(two.seed == 1) | (two.search == "random")]
    both = pd.concat([own(), own().assign(seed=2)])
    table = arrivals(
        two, both, targets={"t": pd.Series({1: 1.0, 2: 0.2})}, tolerance=0, procedure="recipe", fallback="random"
    )
    assert table[(table.seed == 2) & (table.search == "grid")].epochs.tolist() == [8]


def test_the_best_so_far_is_the_mean_over_all_searches():
    table = best_so_far(ends()).set_index(["search", "epochs"]).val_loss
    pairs = [min(pair) for pair in itertools.combinations(LOSSES["random"], 2)]
    assert table["random", 8] == pytest.approx(np.mean(LOSSES["random"]))
    assert table["random", 16] == pytest.approx(np.mean(pairs))
    assert table["random", 32] == 0.29


def test_equal_epochs_buy_as_many_trainings_as_fit():
    table = with_equal_epochs(ends(), own(spent=10.0), procedure="recipe").set_index("search")
    assert table.trials.to_dict() == {"recipe": 1, "random": 2, "grid": 2}  # 18 epochs
    pairs = [min(pair) + 1 for pair in itertools.combinations(LOSSES["random"], 2)]
    assert table.test_loss["random"] == pytest.approx(np.mean(pairs))
    assert table.test_loss["recipe"] == 5.0
    most = with_equal_epochs(ends(), own(spent=1000.0), procedure="recipe").set_index("search")
    assert most.trials["random"] == 4 and most.test_loss["random"] == pytest.approx(1.29)
