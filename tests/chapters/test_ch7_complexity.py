"""Ladders of complexity: marks on the way, random features through the threshold, polynomials."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from chapters.ch7 import complexity as section


def part(rows, seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(3, size=rows)
    return Rows(
        x=rng.normal(size=(rows, 4, 2)) + 2 * np.eye(3)[y][:, :, None].repeat(2, axis=2).sum(axis=1)[:, None], y=y
    )


class Rows(SimpleNamespace):
    def __len__(self):
        return len(self.y)


@pytest.fixture(scope="module")
def features():
    def splits(seed):
        return SimpleNamespace(train=part(40, seed), test=part(200, seed + 50), classes=3)

    return section._features((0, 1), {"clean labels": splits}, 24)


def test_random_features_fit_every_row_from_the_threshold_on(features):
    assert set(features.rows) == {24}
    train = features.groupby("ratio").train_error.max()
    assert (train[train.index > 1.2] < 1e-12).all() and (train[train.index < 0.8] > 1e-3).all()


def test_the_error_on_other_rows_peaks_at_the_threshold(features):
    test = np.exp(np.log(features.test_error).groupby(features.ratio).mean())
    assert 0.75 <= test.idxmax() <= 1.25
    assert test.max() > 3 * test[8.0]


def test_polynomials_of_higher_degree_fit_better_and_three_bends_suffice():
    table = section._polynomials(range(5)).groupby("degree")
    assert (np.diff(table.train_error.mean()) < 0).all()
    assert table.test_error.median().idxmin() == 3


def test_the_marks_are_a_sixth_of_the_epochs_and_the_last():
    curves = pd.DataFrame({"epoch": [*range(1, 13)] * 2, "width": [64] * 12 + [16] * 12})
    curves = curves.assign(labels="clean labels", seed=1, val_loss=1.0, chance_loss=2.3, diverged=False)
    marked = section._progress(curves)
    assert len(marked) == 12
    assert marked[marked.when != ""].set_index("epoch").when.to_dict() == {2: "a sixth of the epochs", 12: "all epochs"}
    one = section._progress(curves[curves.epoch <= 2])
    assert one.when.tolist() == ["a sixth of the epochs", "all epochs"]


def test_a_diverged_network_counts_as_a_guess():
    curves = pd.DataFrame({"epoch": [1, 2, 2], "width": 16, "labels": "clean labels", "seed": [1, 1, 2]})
    curves = curves.assign(clean_loss=[1.0, np.nan, 0.5], test_loss=[1.0, 9.0, 0.6], chance_loss=2.3)
    ends = section._ends(curves.assign(diverged=[False, True, False])).set_index("seed")
    assert ends.loc[1, ["train_loss", "test_loss"]].tolist() == [2.3, 2.3]
    assert ends.loc[2, ["train_loss", "test_loss"]].tolist() == [0.5, 0.6]
