"""Wrong labels, on purpose."""

import numpy as np

from textbook.seeding import stream


def noisy_labels(labels: np.ndarray, share: float, *, classes: int, seed: int) -> np.ndarray:
    """A copy in which round(share × labels) labels are another class, each other class equally likely.

    Args:
        labels: (rows,) classes 0…classes − 1.
        share: 0…1.
        seed: its stream "label noise" decides which rows and which classes; a larger share adds to a smaller one.

    Raises: ValueError if there is no other class.
    """
    if classes < 2:
        raise ValueError(f"expected at least 2 classes for label noise, got {classes}")
    rng = stream(seed, "label noise")
    order = rng.permutation(len(labels))
    shift = rng.integers(1, classes, size=len(labels))
    changed = order[: round(share * len(labels))]
    noisy = labels.copy()
    noisy[changed] = (noisy[changed] + shift[changed]) % classes
    return noisy
