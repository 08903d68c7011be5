"""How often answers stay when images change, on answers made by hand."""

import numpy as np
import pytest

from textbook.augmentation import consistency

IMAGES = np.array([[0.0, 1.0], [1.0, 0.0], [0.2, 0.9]])


def scores(images):
    return np.asarray(images)  # the larger pixel is the class


def test_answers_that_stay_are_counted_over_images_and_changes():
    swapped, same = IMAGES[:, ::-1], 3 * IMAGES
    half = IMAGES.copy()
    half[0] = half[0, ::-1]
    found = consistency(scores, IMAGES, changed=[swapped, same, half])
    assert found.by_change.tolist() == pytest.approx([0, 1, 2 / 3])
    assert found.share == pytest.approx(5 / 9) and found.steadfast == 0
    assert consistency(scores, IMAGES, changed=[same, half]).steadfast == pytest.approx(2 / 3)


def test_class_numbers_will_do_and_a_constant_answer_is_consistent():
    assert consistency(lambda x: np.argmax(x, axis=1), IMAGES, changed=[IMAGES[:, ::-1]]).share == 0
    assert consistency(lambda x: np.zeros(len(x)), IMAGES, changed=[IMAGES[:, ::-1]]).share == 1


def test_a_change_must_have_the_images_shape():
    with pytest.raises(ValueError, match=r"shape \(3, 2\), as the images are, got \(3, 1, 2\)"):
        consistency(scores, IMAGES, changed=[IMAGES[:, None]])
    with pytest.raises(ValueError, match="got none"):
        consistency(scores, IMAGES, changed=[])


def test_one_score_an_image_names_no_class():
    with pytest.raises(ValueError, match=r"got shape \(3, 1\); mend one probability"):
        consistency(lambda x: x[:, :1], IMAGES, changed=[IMAGES[:, ::-1]])
    assert consistency(lambda x: x[:, 0] > 0.5, IMAGES, changed=[IMAGES[:, ::-1]]).share == 0
