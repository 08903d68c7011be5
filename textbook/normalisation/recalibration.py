"""Batch norm's statistics taken from new inputs, without labels: what helps when data shift, and what undoes dropout's.

A network with batch norm carries the means and variances of its training data into inference. Where the inputs have
moved since, by another lamp, scanner or contrast, those no longer fit, and the statistics of the new inputs do.
"""

import contextlib
from collections.abc import Iterator

import keras
import numpy as np

from textbook.batch_statistics import estimate_batch_statistics
from textbook.checks.switched_off import at_inference, draws, lent_attribute
from textbook.schedules.arguments import nonnegative


def recalibrate(model, data, *, prior: float = 0.0, batch_size: int = 256) -> int:
    """Set the moving mean and variance of every batch norm to those of new inputs; returns how many rows these have.

    statistic ← (prior·old + n·new)/(prior + n), for n rows of data. Dropout and noise are off, unlike in
    `estimate_batch_statistics`: the statistics are those that a layer meets at inference. Each layer sees what the
    ones before it give with the batch's own statistics. Frozen batch norms are set as well. γ, β and all other weights
    stay as they are.

    Args:
        model: a built `keras.Model` with batch norm.
        data: inputs as `predict` takes them (an array or a structure of arrays), or anything that gives batches
            whenever it is iterated. Whose statistics they have, in classes too, matters: rows of one class alone set
            the statistics of that class.
        prior: how many rows the old statistics count for, from 0 (AdaBN: forget them) up. With few rows some 8 to 128
            keep their chance variation small.
        batch_size: rows of a batch, for arrays; the variance is the mean within batches, so take all rows if they fit.

    Raises: ValueError for a model without batch norm, one with renorm=True, no data, a model that is not
        built, and a prior below 0.

    Source: Li, Wang, Shi, Hou, Liu (2016), AdaBN, arXiv:1603.04779; with a prior, Schneider, Rusak, Eck, Bringmann,
    Brendel, Bethge (2020), arXiv:2006.16971.

    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization()])
    >>> recalibrate(model, np.array([[4.0], [6.0]]), prior=2.0)
    2
    >>> [float(keras.ops.squeeze(v)) for v in (model.layers[0].moving_mean, model.layers[0].moving_variance)]
    [2.5, 1.0]
    """
    prior = nonnegative("prior", prior)
    layers = _all_batch_norms(model)
    before = _read(layers)
    with contextlib.ExitStack() as stack:
        for layer in layers:
            if not layer.trainable:  # a frozen one never looks at its batch
                stack.enter_context(lent_attribute(layer, "trainable", True))
        for layer in model._flatten_layers():
            if layer is not model and draws(layer):
                stack.enter_context(at_inference(layer))
        rows = estimate_batch_statistics(model, data, batch_size=batch_size)
    if prior:
        new = _read(layers)
        _write(layers, [(prior * old + rows * value) / (prior + rows) for old, value in zip(before, new, strict=True)])
    return rows


@contextlib.contextmanager
def recalibrated(model, data, *, prior: float = 0.0, batch_size: int = 256) -> Iterator:
    """The same model with the statistics of new inputs inside the `with`, and with its own again behind it.

    Takes and raises what `recalibrate` does. Yields: the model. What was traced before sees the new statistics too,
    since they are variables.

    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization(epsilon=0.0)])
    >>> x = np.array([[4.0], [6.0]])
    >>> with recalibrated(model, x):
    ...     inside = model.predict(x, verbose=0).ravel().tolist()
    >>> inside, model.predict(x, verbose=0).ravel().tolist()
    ([-1.0, 1.0], [4.0, 6.0])
    """
    layers = _all_batch_norms(model)
    before = _read(layers)
    try:
        recalibrate(model, data, prior=prior, batch_size=batch_size)
        yield model
    finally:
        _write(layers, before)


def _all_batch_norms(model) -> list:
    layers = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)]
    if not layers:
        raise ValueError(
            f"expected a model with batch norm, got none in {model.name!r}; mend by standardising its inputs instead"
        )
    if not all(layer.built for layer in layers):
        raise ValueError(f"expected a built model, got {model.name!r}; mend by one call, or by keras.Input in front")
    return layers


def _variables(layers) -> list:
    return [variable for layer in layers for variable in (layer.moving_mean, layer.moving_variance)]


def _read(layers) -> list[np.ndarray]:
    return [np.array(keras.ops.convert_to_numpy(variable.value)) for variable in _variables(layers)]


def _write(layers, values) -> None:
    for variable, value in zip(_variables(layers), values, strict=True):
        variable.assign(value)
