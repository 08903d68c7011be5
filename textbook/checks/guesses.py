"""What a guess loses: the value that a loss should have before anything was learnt."""

import math
from typing import NamedTuple

import keras
import numpy as np

from textbook.checks.loss_parts import loss_of_constant

CLASSES, BINARY, HINGE, REGRESSION, OTHER = "classes", "binary", "hinge", "regression", "other"

# name of a Keras loss function → what its outputs mean
_KINDS = {
    "categorical_crossentropy": CLASSES,
    "sparse_categorical_crossentropy": CLASSES,
    "binary_crossentropy": BINARY,
    "categorical_hinge": HINGE,
    "hinge": HINGE,
    "squared_hinge": HINGE,
    "WestonWatkins": HINGE,
    "mean_squared_error": REGRESSION,
    "mean_absolute_error": REGRESSION,
    "huber": REGRESSION,
    "log_cosh": REGRESSION,
}
_EQUAL = 1e-3  # how closely probabilities of a row must add up to 1


class Guess(NamedTuple):
    """The loss of a guess, in words what is guessed, what kind of loss it is, and the largest loss to begin with."""

    loss: float
    words: str
    kind: str
    highest: float


def kind_of(loss) -> str:
    """What a loss's outputs mean: `CLASSES`, `BINARY`, `HINGE`, `REGRESSION`, or `OTHER` for a loss unknown here."""
    return _KINDS.get(name_of(loss), OTHER)


def name_of(loss) -> str:
    """The name of the function that a loss computes, or of its class: of a Keras loss, its name, or a function."""
    found = keras.losses.get(loss)
    function = getattr(found, "fn", found)
    return getattr(function, "__name__", type(found).__name__)


def takes_logits(loss) -> bool | None:
    """Whether a cross-entropy was told from_logits=True; None for other losses."""
    if kind_of(loss) not in (CLASSES, BINARY):
        return None
    return bool(getattr(keras.losses.get(loss), "_fn_kwargs", {}).get("from_logits", False))


def are_probabilities(outputs: np.ndarray, kind: str) -> bool:
    """Whether all outputs (rows, …, classes) lie in 0…1 and, of several classes, add up to 1."""
    inside = bool((outputs >= 0).all() and (outputs <= 1).all())
    return inside and (kind == BINARY or bool((np.abs(outputs.sum(axis=-1) - 1) < _EQUAL).all()))


def guess_of(model, y: np.ndarray, outputs: np.ndarray, *, tolerance: float) -> Guess:
    """What a compiled model should lose on labels y before it has learnt anything.

    | loss | guess | value |
    | --- | --- | --- |
    | (sparse) categorical cross-entropy | C classes equally likely | ln C |
    | binary cross-entropy | even odds | ln 2 |
    | Keras's `CategoricalHinge`, `Hinge`, `SquaredHinge` | equal scores | 1 |
    | `textbook.losses.weston_watkins()` | equal scores | C − 1 |
    | squared error, Huber, log cosh; absolute error | the mean of y; its median | the loss of that constant |
    | any other | equal scores, or equal probabilities | the loss of that constant |

    Args:
        y: labels (rows, …), all of those a loss can read.
        outputs: of the model (rows, …, classes).
        tolerance: how far above the guess a first loss may lie: in nats for a cross-entropy, in multiples of the guess
            for hinges and others, of five times the guess in a regression, where a fresh network's outputs vary more
            than standardised targets do.
    """
    loss, classes = model.loss, outputs.shape[-1]
    kind, name = kind_of(loss), name_of(loss)
    if kind == CLASSES:
        value, words = math.log(classes), f"ln {classes} = {math.log(classes):.4g} (equal probabilities)"
    elif kind == BINARY:
        value, words = math.log(2), "ln 2 = 0.6931 (even odds)"
    elif name == "WestonWatkins":
        value = loss.margin * (classes - 1)
        words = f"{value:g} ({classes} − 1 wrong classes, equal scores)"
    elif kind == HINGE:
        value, words = 1.0, "1 (equal scores)"
    elif kind == REGRESSION:
        middle = np.median if name == "mean_absolute_error" else np.mean
        constant = middle(y.reshape(outputs.shape), axis=0)
        value = loss_of_constant(model, y, outputs.shape, constant)
        words = f"{value:.3g} (always the {middle.__name__} of y)"
        return Guess(value, words, kind, (1 + 5 * tolerance) * value)
    else:
        probable = are_probabilities(outputs, OTHER)
        value = loss_of_constant(model, y, outputs.shape, 1 / classes if probable else 0.0)
        words = f"{value:.3g} (equal {'probabilities' if probable else 'scores'})"
    unit = 1.0 if kind in (CLASSES, BINARY) else value
    return Guess(float(value), words, kind, float(value + tolerance * unit))
