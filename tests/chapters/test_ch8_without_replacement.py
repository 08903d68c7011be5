"""What was dealt again, and draws with replacement: by hand."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from chapters.ch8 import without_replacement as section
from textbook import splits


def test_an_update_counts_as_dealt_again_only_with_all_its_rows():
    dealt = section._listed("x", [[0, 1], [2, 3], [1, 0], [2, 4]], per_epoch=2)
    assert dealt.epoch.tolist() == [1] * 4 + [2] * 4 and dealt["update"].tolist() == [1, 1, 2, 2, 3, 3, 4, 4]
    again = section._again(dealt)
    assert again["update"].tolist() == [1, 2] and again.again.tolist() == [True, False]


def test_draws_come_from_the_training_rows_which_also_stand_for_validation():
    splitter = splits.Splitter((np.arange(40.0)[:, None], np.arange(40) % 2), sizes=(20, 10, 10))
    plain = splitter(3)
    drawn = section._Watched(splitter, draws=300)(3)
    assert len(drawn.train) == 300 and set(drawn.train.indices) == set(plain.train.indices)
    np.testing.assert_array_equal(drawn.validation.indices, plain.train.indices)
    np.testing.assert_array_equal(drawn.test.indices, plain.test.indices)
    np.testing.assert_array_equal(section._Watched(splitter)(3).train.indices, plain.train.indices)


def test_a_diverged_run_counts_as_a_guess(monkeypatch):
    rows = []
    for condition, epochs, updates in ((section.WITHOUT, (0, 1, 2), 2), ("1", (0, 1), 2), ("2", (0, 1), 4)):
        for epoch in epochs:
            made = updates * epoch if condition == section.WITHOUT else updates * (epoch > 0)
            rows.append((condition, 3, epoch, made, 9.0, 9.0, condition == "2", 0.7))
    names = ["condition", "seed", "epoch", "updates", "val_loss", "test_loss", "diverged", "chance_loss"]
    monkeypatch.setattr(section, "train_replicas", lambda *_, **__: pd.DataFrame(rows, columns=names))
    splitter = splits.Splitter((np.arange(40.0)[:, None], np.arange(40) % 2), sizes=(20, 10, 10))
    run = SimpleNamespace(seeds=(3,), splits=lambda _: splitter)
    curves, coverage = section._train(run, 2, 10, 0.1, 0.9)
    assert sorted(zip(curves.condition, curves.epoch, curves.train_loss, strict=True)) == [
        (section.WITH, 1, 9.0), (section.WITH, 2, 0.7), (section.WITHOUT, 1, 9.0), (section.WITHOUT, 2, 9.0),
    ]  # fmt: skip
    assert coverage.closed_form.item() == 1 - 0.95**20
