"""Which epoch the comparison at equal training loss takes."""

import pandas as pd

from chapters.ch5 import accuracy_gap


def curves(name, losses):
    rows = {"condition": name, "seed": 1, "epoch": range(1, len(losses) + 1), "clean_loss": losses}
    return pd.DataFrame(rows).assign(val_accuracy=[0.1 * k for k in range(len(losses))])


def test_it_is_the_first_epoch_at_or_below_the_target_also_where_the_loss_comes_back_up():
    found = accuracy_gap._at_target(curves("a", [1.0, 0.2, 0.5, 0.1]), 0.2)
    assert found.epoch.tolist() == [2] and found.arrived.tolist() == [True]


def test_a_run_that_never_gets_there_counts_with_its_last_epoch_and_says_so():
    table = pd.concat([curves("a", [1.0, 0.5, 0.3]), curves("b", [0.9, 0.1, 0.05])]).sample(frac=1, random_state=0)
    found = accuracy_gap._at_target(table, 0.2).set_index("condition")
    assert found.epoch.to_dict() == {"a": 3, "b": 2}
    assert found.arrived.to_dict() == {"a": False, "b": True}
