"""A larger data set made of warped copies, for learners that have no layers."""

import numpy as np

from textbook.augmentation.images import flip, warp
from textbook.seeding import stream


def augmented_copies(
    images,
    labels,
    *,
    copies: int,
    seed: int,
    pixels: float = 0.0,
    degrees: float = 0.0,
    flip_share: float = 0.0,
    fill: float | str = 0.0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Warped copies of all images, each with amounts of its own, and the labels of the images that they come from.

    The amounts are distributed as those of `RandomWarp` and `RandomFlip`; a flipped image is flipped first. Split the
    data before: a copy must not stand in another part than its image.

    Args:
        images: (images, height, width) or (images, height, width, channels).
        labels: (images, …).
        copies: of each image, from 1 up; the images themselves are not among them.
        seed: a whole number from 0 up; the same gives the same copies, and more copies begin with the fewer.
        pixels, degrees: largest shift and rotation, to either side.
        flip_share: of the copies that are flipped left to right.
        fill: beyond the border: a value, or "edge".

    Returns: (images, labels, source): (copies · images, …), all images once, then all again; `source` (copies ·
        images,) is the number of the image that each comes from.
    Raises: ValueError for no copies, amounts below 0 or not finite, and labels of another number.

    >>> x, y, source = augmented_copies(np.ones((2, 4, 4)), np.array([5, 6]), copies=2, seed=0, pixels=1)
    >>> x.shape, y.tolist(), source.tolist()
    ((4, 4, 4), [5, 6, 5, 6], [0, 1, 0, 1])
    """
    images, labels = np.asarray(images, dtype=float), np.asarray(labels)
    if isinstance(copies, bool) or not isinstance(copies, int | np.integer) or copies < 1:
        raise ValueError(f"expected copies as a whole number from 1 up, got {copies!r}")
    if not (0 <= pixels < np.inf and 0 <= degrees < np.inf and 0 <= flip_share <= 1):
        raise ValueError(
            f"expected pixels and degrees from 0 up and flip_share from 0 to 1, got {pixels!r}, {degrees!r} and "
            f"{flip_share!r}; amounts are drawn on both sides of 0"
        )
    if len(labels) != len(images):
        raise ValueError(f"expected a label for each of {len(images)} images, got {len(labels)}")
    random = stream(seed, "masks")
    made = [_copy(images, random, pixels, degrees, flip_share, fill) for _ in range(copies)]
    source = np.tile(np.arange(len(images)), copies)
    return np.concatenate(made), labels[source], source


def _copy(images, random, pixels, degrees, flip_share, fill) -> np.ndarray:
    drawn = random.uniform(-1, 1, size=(3, len(images)))
    flipped = random.random(len(images)) < flip_share
    if flip_share:
        images = images.copy()
        images[flipped] = flip(images[flipped])
    if not (pixels or degrees):
        return images
    return warp(images, down=pixels * drawn[0], across=pixels * drawn[1], degrees=degrees * drawn[2], fill=fill)
