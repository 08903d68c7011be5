"""How often a classifier keeps its answer when its input is changed in a way that should not matter."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Consistency:
    """Answers before and after changes.

    Attributes:
        agrees: (changes, images), whether the answer stayed.
    """

    agrees: np.ndarray

    @property
    def share(self) -> float:
        """Of all changed images, those with the same answer as before, 0…1."""
        return float(self.agrees.mean())

    @property
    def by_change(self) -> np.ndarray:
        """(changes,) the same of each change."""
        return self.agrees.mean(axis=1)

    @property
    def steadfast(self) -> float:
        """Share of the images whose answer no change turns over, 0…1."""
        return float(self.agrees.all(axis=0).mean())


def consistency(predict, images, *, changed: Sequence) -> Consistency:
    """Compare the classes that a classifier names for images with those that it names for changed ones.

    An answer that stays may be wrong both times, and one that never changes is consistent: read it beside accuracy.

    Args:
        predict: a function images → scores (images, classes), logits or probabilities, such as `model.predict`; or
            → class numbers (images,), such as a scikit-learn classifier's `predict`.
        images: what `predict` takes.
        changed: a sequence of the same images, changed: `neighbours(images)`, or [flip(images)].

    Raises: ValueError where nothing is changed, a change has another shape than the images, or there is one score an
        image, as behind a single sigmoid, which names no class by itself.

    Source: the "consistency" of Zhang (2019), arXiv:1904.11486, section 4.1.

    >>> above = lambda x: np.stack([x[:, 0] < 1, x[:, 0] >= 1], axis=1)
    >>> consistency(above, np.array([[0.2], [0.8]]), changed=[np.array([[0.4], [1.2]])]).share
    0.5
    """
    shapes = {np.shape(one) for one in changed}
    if shapes != {np.shape(images)}:
        raise ValueError(
            f"expected at least one change of shape {np.shape(images)}, as the images are, got "
            f"{', '.join(map(str, sorted(shapes))) or 'none'}; mend by flattening both or neither"
        )
    before = _classes(predict(images))
    return Consistency(np.stack([_classes(predict(one)) == before for one in changed]))


def _classes(answer) -> np.ndarray:
    answer = np.asarray(answer)
    if answer.ndim not in (1, 2) or answer.shape[1:] == (1,):
        raise ValueError(
            f"expected scores (images, classes) or class numbers (images,), got shape {answer.shape}; mend one "
            "probability an image by lambda x: model.predict(x)[:, 0] > 0.5"
        )
    return answer.argmax(axis=1) if answer.ndim == 2 else answer
