"""Batch-norm statistics computed anew for the weights that a model has: what averaged weights need."""

from collections.abc import Iterable, Iterator

import keras

from textbook.gradients import no_gradients, untouched_randomness
from textbook.schedules.arguments import whole


def estimate_batch_statistics(model, data, *, batch_size: int = 256) -> int:
    """Set the moving mean and variance of every batch norm to their cumulative mean over the data; returns the rows.

    mean ← mean + (n_b/N)(mean_b − mean), likewise the variance, where batch b has n_b of the N rows so far: the mean
    over the batches' statistics, weighted by rows, hence for the mean exactly that of all rows. The model runs as in
    training, dropout included, so a layer behind another sees the batch's own normalisation. Nothing else of the
    model changes. Layers that are frozen, which never use their batch's statistics, keep theirs.

    Args:
        model: a built `keras.Model`; one without batch norm is left as it is.
        data: inputs as `fit` takes them (an array or a structure of arrays), or anything that gives batches whenever it
            is iterated (`tf.data.Dataset`, `PyDataset`, a torch `DataLoader`): inputs, or tuples that begin with them.
        batch_size: rows of a batch, for arrays. The variance is the mean *within* batches: take that of training, or
            larger.

    Raises: ValueError for no data, and for batch renormalisation.

    Source: Izmailov, Podoprikhin, Garipov, Vetrov, Wilson (2018), section 3.2.

    >>> import numpy as np
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization()])
    >>> estimate_batch_statistics(model, np.array([[1.0], [2.0], [6.0]]), batch_size=2)
    3
    >>> np.round(keras.ops.convert_to_numpy(model.layers[0].moving_mean), 5).tolist()
    [3.0]
    """
    layers = batch_norms(model)
    for layer in layers:
        if layer.renorm:
            raise ValueError(
                f"expected plain batch norm, got renorm=True in {layer.name!r}; mend by renorm=False, since averaged "
                "weights have no running correction"
            )
    if not layers:
        return 0
    statistics = [variable for layer in layers for variable in (layer.moving_mean, layer.moving_variance)]
    momenta = [layer.momentum for layer in layers]
    rows = 0
    # what the passes assign stays in the scope: statistics are read from it, seed states are forgotten with it
    zeros = [keras.ops.zeros(variable.shape, dtype=variable.dtype) for variable in statistics]
    scope = keras.StatelessScope(state_mapping=list(zip(statistics, zeros, strict=True)))
    untouched = [scope.get_current_value(variable) for variable in statistics]
    try:
        with scope, no_gradients(), untouched_randomness():
            for batch in batches_of(data, batch_size):
                count = len(keras.tree.flatten(batch)[0])
                rows += count
                for layer in layers:
                    layer.momentum = 1 - count / rows
                model(batch, training=True)
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
    if not rows:
        raise ValueError("expected at least one row of data, got none; mend by data=x of the training")
    for variable, before in zip(statistics, untouched, strict=True):
        value = scope.get_current_value(variable)
        if value is not before:  # a layer that the model does not run keeps its own
            variable.assign(value)
    return rows


def batch_norms(model) -> list:
    """The batch norms that learn: all of the model's, however deep, but for frozen ones."""
    return [
        layer
        for layer in model._flatten_layers(include_self=True, recursive=True)
        if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
    ]


def batches_of(data, batch_size: int) -> Iterator:
    """Inputs in batches of tensors: arrays are cut, batches of an iterable lose their targets."""
    if _is_batches(data):
        for batch in data:
            inputs = batch[0] if isinstance(batch, tuple | list) else batch
            yield keras.tree.map_structure(keras.ops.convert_to_tensor, inputs)
        return
    batch_size = whole("batch_size", batch_size, least=1, mend="mend by that of training, such as 32")
    rows = len(keras.tree.flatten(data)[0])
    for start in range(0, rows, batch_size):
        at = slice(start, start + batch_size)
        yield keras.tree.map_structure(lambda part, at=at: keras.ops.convert_to_tensor(part[at]), data)


def _is_batches(data) -> bool:
    arrays = all(hasattr(part, "shape") for part in keras.tree.flatten(data))
    return not arrays and (isinstance(data, Iterable | keras.utils.PyDataset))
