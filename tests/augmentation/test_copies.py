"""Data sets made of warped copies."""

import numpy as np
import pytest

from textbook.augmentation import augmented_copies, flip, shift

IMAGES = np.random.default_rng(0).random((40, 5, 5))
LABELS = np.arange(40)


def test_copies_come_image_after_image_with_their_labels_and_differ():
    x, y, source = augmented_copies(IMAGES, LABELS, copies=3, seed=1, pixels=1, degrees=10)
    assert x.shape == (120, 5, 5) and np.array_equal(y, LABELS[source])
    assert np.array_equal(source.reshape(3, 40), np.tile(LABELS, (3, 1)))
    assert not np.allclose(x[:40], x[40:80]) and not np.allclose(x[:40], IMAGES)
    fewer, _, _ = augmented_copies(IMAGES, LABELS, copies=2, seed=1, pixels=1, degrees=10)
    assert np.array_equal(fewer, x[:80])


def test_amounts_stay_in_their_range_on_both_sides():
    ramp = np.tile(np.arange(9.0), (500, 9, 1))  # a pixel's value is its column
    x, _, _ = augmented_copies(ramp, np.zeros(500), copies=1, seed=0, pixels=2)
    moved = 4 - x[:, 4, 4]
    assert moved.min() < -1.8 and moved.max() > 1.8 and abs(moved).max() <= 2
    assert abs(moved.mean()) < 0.2


def test_flips_are_as_frequent_as_asked_and_come_before_the_shift():
    x, _, source = augmented_copies(IMAGES, LABELS, copies=20, seed=0, flip_share=0.25)
    flipped = (x == flip(IMAGES)[source]).all(axis=(1, 2))
    assert flipped.mean() == pytest.approx(0.25, abs=0.05)
    assert np.array_equal(x[~flipped], IMAGES[source][~flipped])
    moved, _, _ = augmented_copies(IMAGES, LABELS, copies=1, seed=0, pixels=1, flip_share=1.0)
    plain, _, _ = augmented_copies(flip(IMAGES), LABELS, copies=1, seed=0, pixels=1)
    assert np.array_equal(moved, plain)
    assert not np.array_equal(moved, flip(plain)) and np.allclose(shift(IMAGES), IMAGES)


def test_bad_input_is_refused_in_words():
    with pytest.raises(ValueError, match="from 1 up, got 0"):
        augmented_copies(IMAGES, LABELS, copies=0, seed=0)
    with pytest.raises(ValueError, match="both sides of 0"):
        augmented_copies(IMAGES, LABELS, copies=1, seed=0, pixels=-1)
    with pytest.raises(ValueError, match="got nan"):
        augmented_copies(IMAGES, LABELS, copies=1, seed=0, pixels=np.nan)
    with pytest.raises(ValueError, match="a label for each of 40 images, got 39"):
        augmented_copies(IMAGES, LABELS[:-1], copies=1, seed=0)
