"""What outputs and losses of a compiled model give away about a bug: each a sentence, or None where nothing is odd."""

import keras
import numpy as np

from textbook.checks.guesses import CLASSES, are_probabilities, kind_of, name_of, takes_logits
from textbook.checks.loss_parts import outputs_of


def labels_off(loss, y, classes: int) -> str | None:
    """Labels that the loss does not take: some backends raise then, others return a number without meaning."""
    name = name_of(loss)
    numbered = name in ("sparse_categorical_crossentropy", "WestonWatkins")
    if numbered and not (y.min() >= 0 and y.max() < classes):
        return (
            f"they run from {y.min():g} to {y.max():g}, and {classes} outputs are counted from 0 to {classes - 1}; "
            "number the classes from 0, or give the model more outputs"
        )
    if name in ("categorical_crossentropy", "categorical_hinge") and not np.allclose(y.sum(axis=-1), 1):
        return "a row of y does not add up to 1; make y one-hot, or use a sparse loss for class numbers"
    allowed = {"binary_crossentropy": (0, 1), "hinge": (-1, 0, 1), "squared_hinge": (-1, 0, 1)}.get(name)
    if allowed and not (min(allowed) <= y.min() and y.max() <= max(allowed)):
        return f"they run from {y.min():g} to {y.max():g}, and {name} wants {allowed[0]} and 1"
    return None


def refuse_labels_off(model, x, y) -> None:
    """Raises: ValueError where the model's loss does not take these labels."""
    text = labels_off(model.loss, y, outputs_of(model, x[:1]).shape[-1])
    if text:
        raise ValueError(f"expected labels that the loss takes, got others: {text}")


def mismatch(loss, outputs) -> str | None:
    """Outputs and loss that disagree on who applies softmax or sigmoid."""
    logits, kind = takes_logits(loss), kind_of(loss)
    if logits is None:
        return None
    probable = are_probabilities(outputs, kind)
    # without any output at 0.5 ± a little, logits of one unit that happen to lie in 0…1 are not mistaken
    if logits and probable and (kind == CLASSES or _all_near_half(outputs)):
        squashed = "softmax" if kind == CLASSES else "sigmoid"
        return (
            f"{squashed} applied twice: the outputs are probabilities already and the loss was told from_logits=True; "
            "leave one of the two out (the loss hardly shows it at the start, and cannot fall to 0, unless Keras on "
            "TensorFlow finds the logits behind an activation and warns)"
        )
    if not logits and not probable:
        return (
            "no softmax or sigmoid: the loss expects probabilities and the outputs are none; "
            "give the loss from_logits=True, or the last layer its activation"
        )
    return None


def _all_near_half(outputs) -> bool:
    return bool(np.abs(outputs.mean() - 0.5) < 0.25)


def blindness(model, x, outputs) -> str | None:
    """Outputs that are the same in every row; an output layer that starts at 0 on purpose is no fault."""
    if len(x) < 2 or np.ptp(outputs, axis=0).max() > 0 or (np.ptp(x, axis=0).max() == 0 and np.any(x)):
        return None
    if not np.any(x):
        return "inputs zeroed: every number of x is 0; look at what prepares it"
    last = next((layer for layer in reversed(model.layers) if layer.weights), None)
    kernels = [] if last is None else [w for w in last.trainable_weights if len(w.shape) > 1]
    if kernels and not any(np.any(keras.ops.convert_to_numpy(kernel.value)) for kernel in kernels):
        return None
    return "outputs that are the same for every row: x does not reach them; look for dead units or zeroed activations"


def summed(loss, data: float, expected: float, rows: int) -> str | None:
    """A loss that is the sum over its rows rather than their mean.

    Args:
        data: the loss of all rows at once.
        expected: what a guess loses, a row.
    """
    how = getattr(keras.losses.get(loss), "reduction", None)
    if rows > 2 and (how == "sum" or (abs(data / rows - expected) < 0.25 * expected and data > 2 * expected)):
        return (
            f"a loss summed over the batch: {data:.4g} is {rows} rows times {data / rows:.3g}; "
            "take the mean, or the learning rate means something else at every batch size"
        )
    return None
