"""How far the members of an ensemble differ, and what that is worth."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from textbook.ensembles.probability import labels


@dataclass(frozen=True)
class Diversity:
    """What `diversity` finds.

    Attributes:
        disagreement: share of samples on which two members name different classes, mean over all pairs; NaN for a
            regression's values.
        ambiguity: mean over members and samples of |p_m − p̄|², the spread of the members around their mean.
        member_error: mean over members and samples of |p_m − t|²; NaN without y. Of probabilities, the Brier score.
        ensemble_error: mean over samples of |p̄ − t|²; NaN without y.
    """

    disagreement: float
    ambiguity: float
    member_error: float = float("nan")
    ensemble_error: float = float("nan")


def diversity(predictions, y=None) -> Diversity:
    """Disagreement of members, and the ambiguity decomposition of their squared error.

    ensemble error = mean member error − ambiguity, exactly, whatever y is: the mean of several answers is better than
    a single one on average by just as much as they differ.

    Args:
        predictions: (members, samples, classes) probabilities, as `Ensemble.member_predictions` gives them;
            (members, samples, 1) of class 1 with whole numbers y; (members, samples) or (members, samples, values) of
            a regression, with floats y.
        y: (samples,) classes, or values in the shape of one member's predictions; None leaves the errors out.

    Raises: ValueError for fewer than two members, and for a y that does not fit.

    Source: Krogh & Vedelsby (1995), Neural network ensembles, cross validation, and active learning.

    >>> found = diversity([[[0.9, 0.1], [0.6, 0.4]], [[0.7, 0.3], [0.4, 0.6]]], [0, 0])
    >>> found.disagreement, round(found.ambiguity, 6)
    (0.5, 0.02)
    >>> round(found.member_error - found.ambiguity - found.ensemble_error, 12)
    0.0
    """
    predictions = np.asarray(predictions, np.float64)
    if predictions.ndim < 2 or len(predictions) < 2:
        raise ValueError(
            f"expected predictions of two members or more, (members, samples, …), got shape {predictions.shape}; "
            "mend by Ensemble.member_predictions(x)"
        )
    # ambiguity first: it needs no y
    of_members = predictions if predictions.ndim > 2 else predictions[..., None]
    mean = of_members.mean(axis=0)
    ambiguity = _squared(of_members - mean)
    values = y is not None and np.asarray(y).dtype.kind == "f"
    apart = float("nan") if predictions.ndim == 2 or values else disagreement(predictions)
    if y is None:
        return Diversity(apart, ambiguity)
    target = _target(np.asarray(y), mean.shape)
    return Diversity(apart, ambiguity, _squared(of_members - target), _squared(mean - target))


def disagreement(predictions) -> float:
    """Share of samples on which two members name different classes, mean over all pairs of (members, samples, …)."""
    named = labels(predictions)
    return float(np.mean([np.mean(one != other) for one, other in combinations(named, 2)]))


def _squared(errors) -> float:
    """Σ over values, mean over members and samples."""
    return float(np.mean(np.sum(errors**2, axis=-1)))


def _target(y, shape: tuple):
    """Classes as rows of 0 and 1; values as they are."""
    if y.dtype.kind == "f":
        if y.size != np.prod(shape):
            raise ValueError(f"expected y of shape {shape}, got {y.shape}; mend by the values that are predicted")
        return y.reshape(shape)
    y = y.reshape(-1)
    if len(y) != shape[0] or y.min() < 0 or y.max() >= max(shape[1], 2):
        raise ValueError(
            f"expected {shape[0]} classes from 0 to {max(shape[1], 2) - 1}, got {len(y)} from {y.min()} to {y.max()}; "
            "mend by the labels of the samples that were predicted"
        )
    return y[:, None].astype(float) if shape[1] == 1 else np.eye(shape[1])[y]
