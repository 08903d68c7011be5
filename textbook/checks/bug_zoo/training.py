"""Trainings with one planted mistake each, and which check should say so.

`plant` compiles a model with one of `TRAINING_BUGS` in it. The tests of `check_initial_loss` and `overfit_tiny_batch`
hold both against all of them, the ones that they cannot see included.
"""

from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np

from textbook.seeding import stream


class TrainingBug(NamedTuple):
    """What a check should say of a mistake; None where it cannot see it."""

    tiny_batch: str | None
    initial_loss: str | None


# A sound network of 64 hidden units learns any twenty labels, so shuffled ones show nowhere here. A frozen layer may
# or may not leave enough to learn them: `tiny_batch.notes` names it either way.
TRAINING_BUGS = {
    "shuffled labels": TrainingBug(None, None),
    "softmax applied twice": TrainingBug("softmax applied twice", "softmax applied twice"),
    "learning rate 0": TrainingBug("learning rate is 0", None),
    "frozen layer": TrainingBug("never moved", None),
    "summed loss": TrainingBug("summed over the batch", "summed over the batch"),
    "inputs zeroed": TrainingBug("inputs zeroed", "inputs zeroed"),
}


@keras.saving.register_keras_serializable(package="textbook")
class Probabilities(keras.layers.Layer):
    """Softmax over the last axis, without what lets Keras on TensorFlow find the logits behind `layers.Softmax`."""

    def call(self, inputs):
        powers = keras.ops.exp(inputs - keras.ops.max(inputs, axis=-1, keepdims=True))
        return powers / keras.ops.sum(powers, axis=-1, keepdims=True)


def ending_in_probabilities(model):
    """A new model, of the layers of one that ends in logits and a softmax; with a loss from logits there are two."""
    return keras.Sequential([keras.Input(model.input_shape[1:]), *model.layers, Probabilities()])


def first_layer_frozen(model):
    """The same model, whose first layer with weights does not train any more."""
    next(layer for layer in model.layers if layer.weights).trainable = False
    return model


def shuffled(y, *, seed: int = 0) -> np.ndarray:
    """The labels in an order of chance, which no longer belong to their rows."""
    return stream(seed, "shuffled labels").permutation(np.asarray(y))


def plant(bug: str, build: Callable, x, y, *, learning_rate: float = 0.1, momentum: float = 0.9, seed: int = 0):
    """A compiled classifier with a mistake in it, and its data.

    Args:
        bug: one of `TRAINING_BUGS`, or "none".
        build: returns a new, uncompiled Keras model that ends in logits.
        x, y: data (rows, …) and class numbers (rows,).
        learning_rate, momentum: of its SGD.
        seed: of shuffled labels.

    Returns: (model, x, y), ready for `overfit_tiny_batch` or `fit`.

    Raises: ValueError for an unknown bug.
    """
    if bug not in ("none", *TRAINING_BUGS):
        raise ValueError(f"expected 'none' or one of {', '.join(map(repr, TRAINING_BUGS))}, got {bug!r}")
    changes = {"softmax applied twice": ending_in_probabilities, "frozen layer": first_layer_frozen}
    model = changes[bug](build()) if bug in changes else build()
    reduction = "sum" if bug == "summed loss" else "sum_over_batch_size"
    model.compile(
        keras.optimizers.SGD(0.0 if bug == "learning rate 0" else learning_rate, momentum=momentum),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=reduction),
    )
    x, y = np.asarray(x), np.asarray(y)
    return model, 0 * x if bug == "inputs zeroed" else x, shuffled(y, seed=seed) if bug == "shuffled labels" else y
