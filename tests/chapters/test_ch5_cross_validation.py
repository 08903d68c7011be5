"""Folds, their errors, and a planted leak."""

import numpy as np
import pandas as pd
import pytest

from chapters.ch5 import cross_validation as section
from textbook.experiment import EXACT, VIOLATED
from textbook.splits import Splitter


@pytest.fixture
def part():
    return Splitter((np.arange(80.0).reshape(40, 2), np.arange(40) % 2), sizes=(22, 6, 12))(0)


def test_every_row_is_judged_once_by_a_network_that_did_not_see_it(part):
    folds = section._folds(part, 5)
    held = np.concatenate([fold[1] for fold in folds])
    assert sorted(held) == sorted(part.rows[0][:20])  # two rows are left over
    for train, fold, unseen in folds:
        assert set(train) | set(fold) == set(part.rows[0][:20])
        assert not set(train) & set(fold)
        assert set(unseen) == set(part.rows[1]) | set(part.rows[2])


def test_a_leak_is_seen(part):
    test = next(claim.test for claim in section.CLAIMS if claim.id == "5.11-c/leak")
    folds = section._folds(part, 5)
    assert test.judge({"overlap": section._overlap({0: folds})}).verdict == EXACT
    train, held, unseen = folds[2]
    folds[2] = (np.append(train, held[0]), held, unseen)
    assert test.judge({"overlap": section._overlap({0: folds})}).verdict == VIOLATED


def test_errors_are_against_the_network_of_all_rows():
    each = pd.DataFrame({"seed": [1, 1, 2, 2], "fold": [0, 1, 0, 1], "val_accuracy": [0.8, 1.0, 0.7, 0.9]})
    errors = section._errors(each, pd.Series({1: 0.85, 2: 0.85}), 2).set_index(["estimator", "seed"]).error
    assert errors.to_dict() == pytest.approx({
        ("5 folds", 1): 0.05, ("5 folds", 2): -0.05, ("one hold-out", 1): -0.05, ("one hold-out", 2): -0.15,
    })  # fmt: skip
