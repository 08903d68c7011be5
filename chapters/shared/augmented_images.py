"""Digits and warped copies of them in one array, so that arms with and without augmentation train in one stack.

A layer that augments is a graph of its own, and each graph is traced for seconds. Here the copies are made beforehand,
many of each image, and an arm is a choice of rows: the training images again and again, or a copy of each drawn anew at
every pass.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from textbook.seeding import stream, word
from textbook.splits import Split

AS_THEY_ARE = "as they are"
_DIRECTIONS = 8


@dataclass(frozen=True, eq=False)
class AugmentedImages:
    """Images and their copies.

    Attributes:
        x: (rows, pixels) float32: the images, the copies of one policy after the other, the images moved by one pixel
            in each of eight directions.
        y: (rows,) labels.
        classes: number of classes.
        images: how many there are.
        copies: of each image in each policy.
        policies: their names, in order.
    """

    x: np.ndarray
    y: np.ndarray
    classes: int
    images: int
    copies: int
    policies: tuple[str, ...]

    def passes(self, policy: str, rows: np.ndarray, *, count: int, seed: int) -> np.ndarray:
        """(count · rows,) row numbers of so many passes over some images, as they are or each time another copy.

        Args:
            policy: one of `policies`, or `AS_THEY_ARE`.
            rows: (rows,) numbers of images.
            seed: of the replica, whose stream of masks draws the copies.
        """
        drawn = stream(seed, "masks").integers(self.copies, size=(count, len(rows)))
        if policy == AS_THEY_ARE:
            return np.tile(rows, count)
        if policy not in self.policies:
            raise ValueError(f"expected a policy among {', '.join(self.policies)}, got {policy!r}")
        start = self.images * (1 + self.copies * self.policies.index(policy))
        return (start + drawn * self.images + rows).ravel()

    def moved(self, rows: np.ndarray, *, seed: int) -> np.ndarray:
        """(rows,) row numbers of some images, each moved by a pixel in a direction drawn by chance."""
        drawn = stream(seed, "moved").integers(_DIRECTIONS, size=len(rows))
        return self.images * (1 + self.copies * len(self.policies) + drawn) + rows

    def split(self, train, validation, test, *, seed: int) -> Split:
        """A split of rows given by number, of images or copies."""
        return Split(self.x, self.y, (train, validation, test), classes=self.classes, seed=seed)


def with_copies(dataset, policies: Mapping[str, Mapping], *, copies: int, seed: int = 0) -> AugmentedImages:
    """Make copies of all images of a data set with the layers of `textbook.augmentation`.

    Args:
        dataset: of square images, flat.
        policies: name → arguments of `RandomWarp`, or {"share": …} for `RandomFlip`.
        copies: of each image; a replica draws among them.
        seed: of the copies.
    """
    from textbook.augmentation import RandomFlip, RandomWarp, neighbours  # here, because a cached run loads no Keras

    x = np.asarray(dataset.x, np.float32)
    side = round(x.shape[1] ** 0.5)
    tiled = np.tile(x.reshape(-1, side, side, 1), (copies, 1, 1, 1))
    made = [x]
    for name, settings in policies.items():
        layer = (RandomFlip if "share" in settings else RandomWarp)(**settings, seed=word(seed, name))
        made.append(np.asarray(layer(tiled, training=True)).reshape(len(tiled), -1))
    made += [one.reshape(x.shape).astype(np.float32) for one in neighbours(x.reshape(-1, side, side))]
    blocks = 1 + copies * len(policies) + _DIRECTIONS
    return AugmentedImages(
        np.concatenate(made), np.tile(dataset.y, blocks), dataset.classes, len(x), copies, tuple(policies)
    )
