"""Shift, rotation and flip by given amounts, against SciPy, exact turns and each other."""

import numpy as np
import pytest
from scipy import ndimage

from textbook.augmentation import flip, neighbours, rotate, shift, warp

IMAGES = np.random.default_rng(0).random((3, 6, 9))


def test_nothing_changes_at_amounts_of_zero_and_whole_shifts_are_exact():
    assert np.array_equal(warp(IMAGES), IMAGES)
    moved = shift(IMAGES, 2, across=-3)
    assert np.array_equal(moved[:, 2:, :-3], IMAGES[:, :-2, 3:])
    assert not moved[:, :2].any() and not moved[:, :, -3:].any()


@pytest.mark.parametrize(("fill", "mode"), [(0.0, "grid-constant"), (0.7, "grid-constant"), ("edge", "nearest")])
def test_fractions_of_a_pixel_and_angles_are_those_of_scipy(fill, mode):
    value = 0.0 if fill == "edge" else fill
    for image, ours in zip(IMAGES, shift(IMAGES, 0.4, across=-1.3, fill=fill), strict=True):
        theirs = ndimage.shift(image, (0.4, -1.3), order=1, mode=mode, cval=value)
        np.testing.assert_allclose(ours, theirs, atol=1e-12)
    for image, ours in zip(IMAGES, rotate(IMAGES, 33, fill=fill), strict=True):
        theirs = ndimage.rotate(image, 33, reshape=False, order=1, mode=mode, cval=value)
        np.testing.assert_allclose(ours, theirs, atol=1e-9)


def test_a_quarter_turn_is_anticlockwise_and_each_image_has_its_own_amount():
    square = IMAGES[:, :, :6]
    np.testing.assert_allclose(rotate(square, 90), np.rot90(square, axes=(1, 2)), atol=1e-9)
    turned = rotate(square, [0, 90, 180])
    np.testing.assert_allclose(turned[2], square[2, ::-1, ::-1], atol=1e-9)
    assert np.array_equal(turned[0], square[0])


def test_the_turn_comes_before_the_shift():
    square = IMAGES[:, :, :6]
    np.testing.assert_allclose(warp(square, degrees=90, down=1), shift(rotate(square, 90), 1), atol=1e-9)


def test_channels_are_warped_alike():
    coloured = np.stack([IMAGES, 2 * IMAGES], axis=-1)
    warped = warp(coloured, degrees=20, across=0.5)
    assert warped.shape == coloured.shape
    np.testing.assert_allclose(warped[..., 0], warp(IMAGES, degrees=20, across=0.5))
    np.testing.assert_allclose(warped[..., 1], 2 * warped[..., 0])


def test_a_flip_swaps_the_sides_it_says_and_undoes_itself():
    assert np.array_equal(flip(IMAGES), IMAGES[:, :, ::-1])
    assert np.array_equal(flip(IMAGES, axis="vertical"), IMAGES[:, ::-1])
    assert np.array_equal(flip(flip(IMAGES)), IMAGES)


def test_neighbours_are_eight_moves_of_a_king():
    spot = np.zeros((1, 5, 5))
    spot[0, 2, 2] = 1
    places = {tuple(np.argwhere(one[0])[0] - 2) for one in neighbours(spot, pixels=2)}
    assert places == {(a, b) for a in (-2, 0, 2) for b in (-2, 0, 2)} - {(0, 0)}


def test_bad_input_is_refused_in_words():
    with pytest.raises(ValueError, match=r"reshape\(-1, 8, 8\)"):
        shift(np.zeros((3, 64)))
    with pytest.raises(ValueError, match="one for each of 3 images, got shape"):
        rotate(IMAGES, [1, 2])
    with pytest.raises(ValueError, match="'edge', got 'reflect'"):
        shift(IMAGES, fill="reflect")
    with pytest.raises(ValueError, match="horizontal, vertical, got 'both'"):
        flip(IMAGES, axis="both")
