"""What stands behind a dropout layer, under each of its masks: the exact mean and spread that drawing approaches."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from textbook.dropout.masks import INVERTED, at_inference, dropped, every_mask, mask_probabilities


@dataclass(frozen=True, eq=False)
class MaskedOutputs:
    """What `over_every_mask` finds.

    Attributes:
        masks: (2ⁿ, n) truth values, True where a unit is kept.
        probabilities: (2ⁿ,), of each mask; their sum is 1.
        outputs: (2ⁿ, …), the function under each mask.
        scaled: (…), the function without a mask, as at inference.
    """

    masks: np.ndarray
    probabilities: np.ndarray
    outputs: np.ndarray
    scaled: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Σ P(mask)·output, the mean that dropout has in training."""
        return np.tensordot(self.probabilities, self.outputs, 1)

    @property
    def spread(self) -> np.ndarray:
        """√Σ P(mask)·(output − mean)², the standard deviation over the masks."""
        return np.sqrt(np.tensordot(self.probabilities, (self.outputs - self.mean) ** 2, 1))


def over_every_mask(function: Callable, values, *, rate: float, form: str = INVERTED) -> MaskedOutputs:
    """A function of a layer's values under all 2ⁿ masks of dropout on its n units.

    Where the function is linear (affine), its mean over the masks is its value at inference, exactly. Where it is not,
    the two differ: E[ReLU(z)] ≥ ReLU(E[z]).

    Args:
        function: takes (masks, units), returns (masks, …).
        values: (units,), up to 20.
        rate: p, the probability that a unit is dropped, 0 ≤ p < 1.
        form: "inverted" or "classic"; see `dropped` and `at_inference`.

    Raises: ValueError for values that are no vector, and for a function that returns other rows.

    >>> found = over_every_mask(lambda v: v @ [1.0, -2.0, 3.0], [1.0, 1.0, 1.0], rate=0.5)
    >>> found.outputs.tolist()
    [0.0, 2.0, -4.0, -2.0, 6.0, 8.0, 2.0, 4.0]
    >>> float(found.mean), float(found.scaled)
    (2.0, 2.0)
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or not values.size:
        raise ValueError(f"expected values (units,) of one sample, got {values.shape}; mend by one sample at a time")
    masks = every_mask(len(values))
    outputs = np.asarray(function(dropped(values, masks, rate=rate, form=form)), np.float64)
    if not outputs.ndim or len(outputs) != len(masks):
        raise ValueError(
            f"expected a function (masks, units) → (masks, …), got {outputs.shape} for {masks.shape}; mend by one "
            "that works row by row"
        )
    scaled = np.asarray(function(at_inference(values, rate=rate, form=form)[None]), np.float64)[0]
    return MaskedOutputs(masks, mask_probabilities(masks, rate), outputs, scaled)
