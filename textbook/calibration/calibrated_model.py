"""A Keras model whose predictions are as sure as they should be."""

import keras
import numpy as np

from textbook.calibration.temperature import Temperature, fit_temperature
from textbook.schedules.arguments import whole

# float32 has no smaller numbers of full precision, and some machines round those to 0
_SMALLEST = 1.2e-38


def calibrate(model, x, y, *, logits: bool, batch_size: int = 256) -> tuple[Temperature, keras.Model]:
    """Fit a temperature on validation rows, and give a model that divides its logits by it.

    The new model shares the layers of the old one, which is not changed: train no further with either, or fit again.
    It is uncompiled, ends as the old one does, in logits or in probabilities, and can be saved; its file needs Keras
    alone.

    Args:
        model: a built Keras model with one output, (…, classes), or (…, 1) for two classes.
        x, y: validation rows, which neither trained the model nor judge it; y as classes from 0.
        logits: whether the model ends in logits. False is for softmax, or sigmoid of one column.

    Returns: (what was fitted, the calibrated model).
    Raises: ValueError for a subclassed model, several outputs, and as `fit_temperature` does.

    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2, kernel_initializer="zeros")])
    >>> _ = model.layers[0].bias.assign([0.0, np.log(99.0)])
    >>> found, calibrated = calibrate(model, np.ones((4, 1)), np.array([1, 1, 1, 0]), logits=True)
    >>> keras.ops.softmax(calibrated(np.ones((1, 1)))).numpy().round(4).tolist()
    [[0.25, 0.75]]
    """
    whole("batch_size", batch_size, least=1, mend="mend by 256")
    if not isinstance(model, keras.Model) or not model.built:
        raise ValueError(f"expected a built Keras model, got {model!r}; mend by model.build(shape) or a call")
    if getattr(model, "inputs", None) is None or len(model.outputs) != 1:
        raise ValueError(
            f"expected a sequential or functional model with one output, got {type(model).__name__} {model.name!r}; "
            "mend by fit_temperature on its predictions"
        )
    if not np.size(y):
        raise ValueError("expected validation rows, got no classes; mend by rows that did not train the model")
    outputs = model.predict(x, batch_size=batch_size, verbose=0)
    found = fit_temperature(outputs, y, logits=logits)
    structure = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    inputs = keras.tree.map_structure(lambda one: keras.Input(one.shape[1:], dtype=one.dtype, name=one.name), structure)
    scaled = keras.layers.Rescaling(1 / found.temperature, name="temperature")
    z = model(inputs)
    if logits:
        z = scaled(z)
    elif z.shape[-1] == 1:
        odds = _logarithm(z) - _logarithm(1 - z)
        z = keras.layers.Activation("sigmoid")(scaled(odds))
    else:
        z = keras.layers.Softmax()(scaled(_logarithm(z)))
    return found, keras.Model(inputs, z, name=f"{model.name}_calibrated")


def _logarithm(p):
    return keras.ops.log(keras.ops.maximum(p, _SMALLEST))
