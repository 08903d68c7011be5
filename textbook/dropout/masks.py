"""Dropout in NumPy: masks, how probable each is, and what they make of a layer's values."""

import numpy as np

from textbook.schedules.arguments import weight, whole

CLASSIC, INVERTED = "classic", "inverted"
# 2²⁰ masks of 20 units are 20 MB as truth values; another unit doubles them
_MOST_UNITS = 20


def draw_masks(shape: tuple[int, ...], rate: float, *, random) -> np.ndarray:
    """Masks of truth values: every unit is kept by itself with probability 1 − rate.

    Args:
        shape: (samples, …, units); each sample has a mask of its own.
        rate: p, the probability that a unit is dropped, 0 ≤ p < 1.
        random: a NumPy generator.

    >>> draw_masks((2, 3), 0.0, random=np.random.default_rng(0)).tolist()
    [[True, True, True], [True, True, True]]
    """
    return random.random(shape) >= weight("rate", rate)


def every_mask(units: int) -> np.ndarray:
    """All 2ⁿ masks of n units, (2ⁿ, n), True where a unit is kept; from none kept to all kept.

    Raises: ValueError for more than 20 units.

    >>> every_mask(2).astype(int).tolist()
    [[0, 0], [1, 0], [0, 1], [1, 1]]
    """
    units = whole("units", units, least=1, mend="mend by the number of units that dropout acts on")
    if units > _MOST_UNITS:
        raise ValueError(
            f"expected {_MOST_UNITS} units at most, got {units}, which have 2^{units} masks; mend by draw_masks, which "
            "takes some of them"
        )
    return (np.arange(2**units)[:, None] >> np.arange(units)) % 2 == 1


def mask_probabilities(masks, rate: float) -> np.ndarray:
    """P(mask) = (1 − p)^kept · p^dropped, (masks, units) → (masks,).

    >>> mask_probabilities(every_mask(2), 0.25).tolist()
    [0.0625, 0.1875, 0.1875, 0.5625]
    """
    rate, masks = weight("rate", rate), np.asarray(masks)
    return np.prod(np.where(masks, 1 - rate, rate), axis=-1)


def dropped(values, masks, *, rate: float, form: str = INVERTED) -> np.ndarray:
    """What a dropout layer passes on in training: values·mask/(1 − p) inverted, values·mask in the classic form.

    Args:
        values: (…, units).
        masks: truth values that broadcast against them.
        rate: p, 0 ≤ p < 1.
        form: "inverted", as in Keras and torch, or "classic", as in the paper.

    Source: Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov (2014), section 4; inverted: section 10.

    >>> dropped([1.0, 2.0], [True, False], rate=0.5).tolist()
    [2.0, 0.0]
    """
    kept = np.asarray(values, np.float64) * np.asarray(masks, bool)
    return kept / (1 - weight("rate", rate)) if _checked(form) == INVERTED else kept


def at_inference(values, *, rate: float, form: str = INVERTED) -> np.ndarray:
    """What takes the mask's place at inference: the values as they are, or in the classic form (1 − p)·values.

    Either is the mean of `dropped` over all masks. (1 − p)·values through weights W is values through (1 − p)·W, which
    is how the paper has it.

    >>> at_inference([1.0, 2.0], rate=0.5, form="classic").tolist()
    [0.5, 1.0]
    """
    values = np.asarray(values, np.float64)
    return values if _checked(form) == INVERTED else (1 - weight("rate", rate)) * values


def _checked(form: str) -> str:
    if form not in (CLASSIC, INVERTED):
        raise ValueError(f"expected form as 'inverted' or 'classic', got {form!r}; mend by 'inverted' for Keras")
    return form
