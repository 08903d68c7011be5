"""Which rows an arm trains on: images as they are, or copies of those very images."""

from types import SimpleNamespace

import numpy as np
import pytest

from chapters.shared.augmented_images import AS_THEY_ARE, AugmentedImages, with_copies
from textbook.augmentation import flip, neighbours

ROWS = np.array([4, 1, 3])


@pytest.fixture(scope="module")
def pool() -> AugmentedImages:
    random = np.random.default_rng(0)
    data = SimpleNamespace(x=random.random((5, 9)).astype("float32"), y=np.arange(5), classes=5)
    return with_copies(data, {"moved": {"pixels": 1.0}, "flipped": {"share": 1.0}}, copies=6)


def test_as_they_are_the_same_rows_come_again(pool):
    assert pool.passes(AS_THEY_ARE, ROWS, count=2, seed=0).tolist() == [4, 1, 3, 4, 1, 3]


def test_copies_have_the_labels_of_their_images_and_their_policy(pool):
    rows = pool.passes("flipped", ROWS, count=50, seed=0)
    assert np.array_equal(pool.y[rows], np.tile(ROWS, 50))
    images = pool.x.reshape(-1, 3, 3)
    assert np.array_equal(images[rows], flip(images[np.tile(ROWS, 50)]))
    assert len(np.unique(rows)) == 18, "six copies of three images"
    assert not np.isin(pool.passes("moved", ROWS, count=50, seed=0), rows).any()
    assert not np.array_equal(rows, pool.passes("flipped", ROWS, count=50, seed=1))
    with pytest.raises(ValueError, match="among moved, flipped, got 'turned'"):
        pool.passes("turned", ROWS, count=1, seed=0)


def test_moved_images_are_those_of_a_king_and_never_the_image_itself(pool):
    images = pool.x.reshape(-1, 3, 3)
    every = np.tile(ROWS, 60)
    rows = pool.moved(every, seed=0)
    assert np.array_equal(pool.y[rows], every) and len(np.unique(rows)) == 24
    wanted = np.stack(neighbours(images[:5]))
    for row, image in zip(rows, every, strict=True):
        assert (np.abs(wanted[:, image] - images[row]).max(axis=(1, 2)) < 1e-6).sum() == 1


def test_a_split_holds_the_rows_it_is_given(pool):
    part = pool.split(np.array([0, 0, 7]), np.array([1]), np.array([2]), seed=3)
    assert np.array_equal(part.train.x, pool.x[[0, 0, 7]]) and part.train.y.tolist() == [0, 0, 2]
    assert part.classes == 5
