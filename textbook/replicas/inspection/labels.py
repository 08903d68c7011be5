"""Labels that do not fit a model's outputs and its loss, refused in words: Keras trains many of them silently.

It broadcasts y of shape (rows, 1) against three outputs, rounds 0.7 down to class 0, and takes 2 for a binary label. On
JAX it trains classes that have no output; on TensorFlow's CPU these stop the program.
"""

from dataclasses import dataclass

import keras
import numpy as np

_CLASSES = keras.losses.SparseCategoricalCrossentropy
_SHARES = (
    keras.losses.CategoricalCrossentropy,
    keras.losses.CategoricalFocalCrossentropy,
    keras.losses.CategoricalHinge,
    keras.losses.KLDivergence,
)
_BINARY = (keras.losses.BinaryCrossentropy, keras.losses.BinaryFocalCrossentropy)
_SIGNS = (keras.losses.Hinge, keras.losses.SquaredHinge)
# What Keras takes as one number for each output.
_VALUES = (
    *_BINARY,
    *_SIGNS,
    keras.losses.MeanSquaredError,
    keras.losses.MeanAbsoluteError,
    keras.losses.MeanAbsolutePercentageError,
    keras.losses.MeanSquaredLogarithmicError,
    keras.losses.CosineSimilarity,
    keras.losses.Huber,
    keras.losses.LogCosh,
    keras.losses.Poisson,
    keras.losses.Dice,
    keras.losses.Tversky,
)


@dataclass(frozen=True)
class Labels:
    """What has to be known of the labels of one output.

    Attributes:
        name: what messages call them, such as y['age'].
        shape: of one sample, () where each has one label.
        classes: whether they are stored as whole numbers (or bool).
        low, high: smallest and largest label.
        whole: whether all values are whole numbers, however stored.
    """

    name: str
    shape: tuple[int, ...]
    classes: bool
    low: float
    high: float
    whole: bool

    @classmethod
    def of(cls, y: np.ndarray, name: str = "y") -> "Labels":
        """Look at the labels, which takes a pass over them.

        Raises: ValueError for anything but finite numbers.
        """
        if y.dtype.kind not in "biuf":
            raise ValueError(
                f"expected numbers in {name}, got {y.dtype}; np.unique({name}, return_inverse=True)[1] numbers classes"
            )
        low, high = y.min(), y.max()
        if not (np.isfinite(low) and np.isfinite(high)):
            raise ValueError(f"expected finite numbers in {name}, got NaN or infinity; drop those rows first")
        classes = y.dtype.kind != "f"
        return cls(name, y.shape[1:], classes, float(low), float(high), classes or bool((y == np.rint(y)).all()))


def check_labels(labels: Labels, output, loss) -> None:
    """Refuse labels that do not fit one output and its loss.

    Args:
        labels: of all rows.
        output: shape of the output, with the batch axis; None for an axis of any length.
        loss: a Keras loss. Of one outside Keras nothing is known, so it gets what it is given.

    Raises: ValueError for classes without an output, labels out of the loss's range, and shapes that do not meet.
    """
    output, name = tuple(output), type(loss).__name__
    if type(loss) is not getattr(keras.losses, name, None):
        return
    if isinstance(loss, _CLASSES) or (isinstance(loss, _SHARES) and labels.classes):
        _check_classes(labels, output, name, ignored=loss._fn_kwargs.get("ignore_class"))
    elif isinstance(loss, _SHARES):
        _check_range(labels, 0, 1, f"shares from 0 to 1 in {labels.name} for {name}", "divide each row by its sum")
        _check_shape(labels, output[1:], name)
    elif isinstance(loss, _VALUES):
        _check_values(labels, loss)
        _check_shape(labels, output[1:], name)


def _check_classes(labels: Labels, output, name: str, *, ignored: int | None) -> None:
    if not labels.classes:
        raise ValueError(
            f"expected classes as whole numbers in {labels.name} for {name}, got floats from {labels.low:g} to "
            f"{labels.high:g}; convert them with .astype(int), or leave loss out for a regression"
        )
    if labels.low < 0:
        raise ValueError(
            f"expected classes 0, 1, … in {labels.name} for {name}, got {labels.low:g}; "
            f"np.unique({labels.name}, return_inverse=True)[1] numbers them"
        )
    outputs = output[-1] if len(output) > 1 else 1
    if outputs is not None and labels.high >= outputs and ignored is None:
        two = labels.high == outputs == 1
        binary = ", or pass loss=keras.losses.BinaryCrossentropy(from_logits=True)" if two else ""
        raise ValueError(
            f"expected at least {labels.high + 1:g} outputs for the classes in {labels.name}, got {outputs}; "
            f"let the builder take it, as in build(input_shape, outputs){binary}"
        )
    _check_shape(labels, output[1:-1], name)


def _check_values(labels: Labels, loss) -> None:
    name = type(loss).__name__
    if isinstance(loss, _BINARY):
        _check_range(labels, 0, 1, f"labels 0 and 1 in {labels.name} for {name}", "use a loss for several classes")
    elif isinstance(loss, _SIGNS):
        wanted = f"labels −1 and 1, or 0 and 1, in {labels.name} for {name}"
        _check_range(labels, -1, 1, wanted, "number two classes so")
        if not labels.whole:
            raise ValueError(f"expected {wanted}, got fractions; use a loss for a regression")
    elif isinstance(loss, keras.losses.Poisson):
        _check_range(labels, 0, np.inf, f"counts from 0 up in {labels.name} for {name}", "use another loss")
    elif isinstance(loss, keras.losses.MeanSquaredLogarithmicError):
        _check_range(labels, 0, np.inf, f"values from 0 up in {labels.name} for {name}", "use another loss")


def _check_range(labels: Labels, low: float, high: float, wanted: str, mend: str) -> None:
    if not low <= labels.low <= labels.high <= high:
        raise ValueError(f"expected {wanted}, got {labels.low:g} to {labels.high:g}; {mend}")


def _check_shape(labels: Labels, wanted, name: str) -> None:
    """Refuse labels unlike the output in shape; axes of length 1 do not count."""
    have, need = ([n for n in shape if n != 1] for shape in (labels.shape, wanted))
    if len(have) == len(need) and all(n in (None, m) for n, m in zip(need, have, strict=True)):
        return
    mend = "use a loss for classes, or" if labels.classes else "give y a column for each output, or"
    raise ValueError(
        f"expected {labels.name} of shape {_shape(wanted)} for {name}, as the model's output, "
        f"got {_shape(labels.shape)}; {mend} build the model with an output for each number in a row"
    )


def _shape(of_sample) -> str:
    return f"(rows{''.join(f', {n}' for n in of_sample) or ','})"
