"""What is read off the curves of regularised trainings, on curves made by hand."""

import pandas as pd

from chapters.shared.regularisers import PLAIN, STOPPING, TRIED, WHAT, _epochs_to, _kept


def curves(method, losses, *, selected, diverged=False):
    epochs = range(1, len(losses) + 1)
    return pd.DataFrame(
        {
            "condition": method, "method": method, "setting": 0.1, "seed": 7, "epoch": epochs, "diverged": diverged,
            "selected": [epoch == selected for epoch in epochs], "chance_loss": 2.3, "chance_accuracy": 0.1,
            "clean_ce": losses, "val_ce": [loss + 1 for loss in losses], "test_ce": [loss + 2 for loss in losses],
            "test_accuracy": 0.9,
        }
    )  # fmt: skip


def test_the_weights_that_are_kept_count_and_a_diverged_run_is_a_guess():
    table = pd.concat(
        [curves(PLAIN, [0.5, 0.3, 0.4], selected=2), curves(STOPPING, [0.5, 9.0], selected=2, diverged=True)]
    )
    kept = _kept(table).set_index("method")
    assert kept.loc[PLAIN, ["train_loss", "validation_loss", "test_loss"]].tolist() == [0.3, 1.3, 2.3]
    assert kept.loc[STOPPING, ["train_loss", "validation_loss", "test_loss"]].tolist() == [2.3] * 3


def test_epochs_to_a_target_and_beyond_the_last_where_it_is_missed():
    table = pd.concat([curves("a", [0.5, 0.1, 0.2], selected=3), curves("b", [0.5, 0.4, 0.3], selected=3)])
    found = _epochs_to(table, 0.1, 3).set_index("method").epochs_to_target
    assert found.to_dict() == {"a": 2, "b": 4}


def test_every_method_has_as_many_trials():
    assert {len(tried) for tried in TRIED.values()} == {3} and set(WHAT) < set(TRIED)
