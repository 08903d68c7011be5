"""Losses that the book speaks of and Keras lacks."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="textbook")
class WestonWatkins(keras.losses.Loss):
    """Σ_{j≠y} max(0, s_j − s_y + margin) of each sample's scores s: the multiclass hinge that sums over wrong classes.

    Keras's `CategoricalHinge` takes the largest wrong score alone: at zero scores it is 1, where this one is
    (classes − 1)·margin.

    Args:
        margin: by which the true class's score has to exceed every other one.
        others: `name`, `reduction` and `dtype`, as for any `keras.losses.Loss`.

    Called with labels and scores (…, classes): labels are whole numbers (…,) or (…, 1), or one-hot (…, classes). With
    `reduction=None` it gives a value for each sample, (…,).

    Raises: ValueError for a margin that is not above 0, and labels whose shape does not fit the scores.

    Source: Weston and Watkins, "Support vector machines for multi-class pattern recognition", ESANN 1999.

    >>> float(WestonWatkins()([3], [[0.0] * 10]))
    9.0
    >>> [float(value) for value in WestonWatkins(reduction=None)([1, 0], [[0.5, 2.0, -1.0], [0.0, 0.5, -2.0]])]
    [0.0, 1.5]
    """

    def __init__(self, margin: float = 1.0, *, name="weston_watkins", reduction="sum_over_batch_size", dtype=None):
        if not isinstance(margin, int | float) or isinstance(margin, bool) or not 0 < margin < float("inf"):
            raise ValueError(f"expected a margin above 0, got {margin!r}; mend by margin=1.0")
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.margin = margin

    def call(self, y_true, y_pred):
        scores = ops.convert_to_tensor(y_pred)
        true = _one_hot(ops.convert_to_tensor(y_true), scores)
        of_true = ops.sum(true * scores, axis=-1, keepdims=True)
        short = ops.maximum(scores - of_true + self.margin, ops.zeros_like(scores))
        return ops.sum(short * (1 - true), axis=-1)

    def get_config(self):
        return {**super().get_config(), "margin": self.margin}


def weston_watkins(margin: float = 1.0) -> WestonWatkins:
    """The loss `WestonWatkins` with this margin, to compile a model with.

    >>> weston_watkins().margin
    1.0
    """
    return WestonWatkins(margin)


def _one_hot(labels, scores):
    """Labels as floating-point one-hot vectors in the scores' shape."""
    if labels.shape == scores.shape and scores.shape[-1] != 1:
        return ops.cast(labels, scores.dtype)
    if len(labels.shape) == len(scores.shape) and labels.shape[-1] == 1:
        labels = ops.squeeze(labels, axis=-1)
    if len(labels.shape) != len(scores.shape) - 1:
        raise ValueError(
            f"expected labels (…,), (…, 1) or one-hot (…, classes) beside scores {tuple(scores.shape)}, "
            f"got {tuple(labels.shape)}; mend by reshaping them"
        )
    return ops.one_hot(ops.cast(labels, "int32"), scores.shape[-1], dtype=scores.dtype)
