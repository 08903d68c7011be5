"""Small images, packed pixels and nearest neighbours made by hand."""

import numpy as np

from chapters.ch8 import image_augmentation as section
from textbook.augmentation import rotate


def test_a_gallery_holds_the_pixels_it_was_given():
    picture = np.random.default_rng(0).random((4, 6, 3))
    table = section._gallery({"a": picture}, 20.0)
    shown = table[table["transform"] == section._SMALL].sort_values("line")
    wanted = np.rint(255 * rotate(picture[None], 20)[0])
    assert np.array_equal(section._unpacked(shown.drop(columns="line")), wanted)
    grey = section._gallery({"b": picture[..., 0]}, 20.0)
    pixels = section._unpacked(grey[grey["transform"] == section._HALF])
    assert np.array_equal(pixels[..., 0], pixels[..., 2])
    assert np.array_equal(pixels[..., 1], np.rint(255 * picture[::-1, ::-1, 0]))


def test_the_nearest_image_gives_the_label():
    known = np.array([[[0.0, 0.0]], [[1.0, 1.0]], [[5.0, 0.0]]])
    new = np.array([[[0.8, 0.9]], [[4.0, 1.0]], [[-3.0, 0.0]]])
    assert section._nearest(known, np.array([7, 8, 9]), new).tolist() == [8, 9, 7]


def test_the_typical_image_is_the_one_nearest_to_the_mean():
    images = np.array([np.zeros((2, 2)), np.full((2, 2), 0.5), np.full((2, 2), 1.2)])
    assert np.array_equal(section._typical(images), images[1])


def test_photographs_are_in_colour_and_of_one_size():
    for picture in section._photographs().values():
        assert picture.shape == (section._HEIGHT, section._WIDTH, 3) and picture.min() >= 0 and picture.max() <= 1
