"""One test part for many splits."""

import numpy as np
import pytest

from textbook.splits import FixedTest, Splitter

X = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
Y = np.arange(60) % 3


def test_only_training_and_validation_are_drawn_again():
    splitter = Splitter((X, Y), sizes=(30, 15, 9))
    draw = FixedTest(splitter, 5)
    splits = [draw(seed) for seed in range(6)]
    for split in splits:
        np.testing.assert_array_equal(split.rows[2], splitter(5).rows[2])
        assert [len(rows) for rows in split.rows] == [30, 15, 9]
        assert len(np.unique(np.concatenate(split.rows))) == 54
        assert np.bincount(split.train.y).tolist() == [10, 10, 10]
    assert len({tuple(sorted(split.rows[0])) for split in splits}) == 6


def test_the_same_seed_gives_the_same_split():
    draw = FixedTest(Splitter((X, Y), sizes=(30, 20, 10)), 5)
    np.testing.assert_array_equal(draw(3).rows[0], draw(3).rows[0])


def test_every_row_outside_the_test_part_can_be_in_training():
    draw = FixedTest(Splitter((X, Y), sizes=(30, 20, 10)), 5)
    seen = np.unique(np.concatenate([draw(seed).rows[0] for seed in range(20)]))
    assert set(seen) == set(range(60)) - set(draw.test_rows)


def test_equal_rows_never_come_apart():
    doubled, labels = np.concatenate([X, X]), np.concatenate([Y, Y])
    draw = FixedTest(Splitter((doubled, labels), sizes=(60, 40, 20)), 1)
    for seed in range(5):
        for rows in draw(seed).rows:
            assert set(rows) == set((rows + 60) % 120)


@pytest.mark.parametrize("stratify", [True, False])
def test_without_classes_in_proportion_their_counts_vary(stratify):
    draw = FixedTest(Splitter((X, Y), sizes=(30, 15, 9), stratify=stratify), 0)
    counts = {tuple(np.bincount(draw(seed).train.y)) for seed in range(10)}
    assert (len(counts) == 1) is stratify


def test_scaling_is_fitted_on_the_new_training_part():
    split = FixedTest(Splitter((X, Y), sizes=(30, 20, 10), scale="standard"), 0)(2)
    np.testing.assert_allclose(split.train.x.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(split.train.x.std(axis=0), 1, atol=1e-5)
