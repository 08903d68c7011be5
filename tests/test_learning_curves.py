"""Learning curves with known answers."""

import numpy as np
import pandas as pd

from textbook.learning_curves import epochs_to_target


def curves(**runs):
    return pd.concat(
        pd.DataFrame({"condition": name, "seed": 0, "epoch": np.arange(1, len(values) + 1), "val_loss": values})
        for name, values in runs.items()
    )


def test_the_first_epoch_below_counts_even_where_the_curve_rises_again():
    table = epochs_to_target(curves(wobbly=[0.5, 0.1, 0.4, 0.1]), metric="val_loss", target=0.15)
    assert table.to_dict("records") == [{"condition": "wobbly", "seed": 0, "epochs": 2, "arrived": True}]


def test_the_target_itself_is_not_below_the_target():
    table = epochs_to_target(curves(touching=[0.5, 0.15]), metric="val_loss", target=0.15)
    assert (table.epochs.item(), table.arrived.item()) == (3, False)


def test_diverged_and_slow_runs_count_one_epoch_more_than_they_had():
    table = epochs_to_target(curves(diverged=[np.nan, np.inf], slow=[0.4, 0.3, 0.2]), metric="val_loss", target=0.15)
    assert table.epochs.tolist() == [3, 4]
    assert not table.arrived.any()


def test_order_of_the_rows_does_not_matter():
    table = curves(a=[0.3, 0.2, 0.1, 0.05], b=[0.1, 0.1, 0.1, 0.1])
    shuffled = table.sample(frac=1, random_state=0)
    found = epochs_to_target(shuffled, metric="val_loss", target=0.15).set_index("condition").epochs
    assert found.to_dict() == {"a": 3, "b": 1}
