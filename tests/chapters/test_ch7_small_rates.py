"""Comparisons of rates on hand-made curves."""

import numpy as np
import pandas as pd
import pytest

from chapters.ch7 import small_rates as section


def run(training, held_out, *, rate=0.1, labels="clean labels", seed=1):
    epochs = np.arange(1, len(training) + 1)
    columns = {"rate": rate, "labels": labels, "seed": seed, "epoch": epochs}
    return pd.DataFrame(columns | {"clean_loss": training, "val_loss": held_out, "chance_loss": 2.3, "diverged": False})


def test_each_setting_is_matched_at_its_own_training_loss():
    curves = [run([0.8, 0.2, 0.0125], [0.9, 0.5, 0.3], labels=labels) for labels in section._TARGETS]
    matched = section._matched(pd.concat(curves, ignore_index=True)).set_index("labels")
    assert matched.target.to_dict() == section._TARGETS
    assert matched.val_loss.to_dict() == pytest.approx({"clean labels": 0.4, "wrong labels": 0.7})
    assert matched.epochs.to_dict() == pytest.approx({"clean labels": 2.5, "wrong labels": 1.5})


def test_the_best_epoch_is_that_of_the_lowest_validation_loss():
    curves = pd.concat([run([1, 0.5, 0.1], [0.9, 0.4, 0.6]), run([1, 0.5], [0.8, 0.7], rate=0.01)], ignore_index=True)
    best = section._best(curves).set_index("rate")
    assert best.epoch.to_dict() == {0.1: 2, 0.01: 2} and best.val_loss.to_dict() == {0.1: 0.4, 0.01: 0.7}


def test_equal_epochs_leave_out_wrong_labels_and_take_the_end_of_a_run_that_was_done_before():
    curves = pd.concat([
        run([1, 1, 1], [2, 2, 2], labels="wrong labels"),
        run([1.0, 0.5, 0.1], [1.1, 0.9, 0.6]), run([1.0, 0.02], [1.1, 0.3], rate=0.3),
        run([2.4, 2.3, 2.3], [2.4, 2.4, 2.4], rate=3.0),
    ], ignore_index=True)  # fmt: skip
    equal = section._equal(curves, 3).set_index("rate")
    assert equal.gap.to_dict() == pytest.approx({0.1: 0.5, 0.3: 0.28, 3.0: 0.1})
    assert equal.useless.to_dict() == {0.1: False, 0.3: False, 3.0: True}
    assert equal.usual.to_dict() == {0.1: True, 0.3: True, 3.0: False}
    assert section._equal(curves, 2).set_index("rate").gap[0.1] == pytest.approx(0.4)


def test_the_way_has_a_station_at_each_training_loss():
    fast = run([2.0, 1.0, 0.5, 0.3], [2.0, 1.2, 0.8, 0.9], rate=0.01)
    way = section._way(fast).set_index("target")
    assert sorted(way.index) == sorted(section._ON_THE_WAY)
    assert way.val_loss[1.0] == pytest.approx(1.2) and way.val_loss[0.5] == pytest.approx(0.8)
