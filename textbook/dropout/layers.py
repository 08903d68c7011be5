"""The dropout of a Keras model, and how to put it to work while everything else stays as at inference."""

import contextlib

import keras

_KINDS = (keras.layers.Dropout, keras.layers.AlphaDropout, keras.layers.GaussianDropout)


def dropout_layers(model) -> list:
    """The layers of a model, however deep, that drop something: Dropout, SpatialDropout, AlphaDropout, GaussianDropout.

    That of a `MultiHeadAttention` is among them. Those with a rate of 0 are not.

    Raises: ValueError for dropout inside a recurrent layer or `Attention`, which is no layer of its own.

    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dropout(0.5, name="drop"), keras.layers.Dense(1)])
    >>> [layer.name for layer in dropout_layers(model)]
    ['drop']
    """
    every = list(model._flatten_layers(include_self=True, recursive=True))
    for layer in every:
        inside = list(layer._flatten_layers(include_self=False, recursive=True))
        own = [getattr(layer, name, 0) for name in ("dropout", "recurrent_dropout")]
        if any(isinstance(rate, float) and rate > 0 for rate in own) and not any(isinstance(i, _KINDS) for i in inside):
            raise ValueError(
                f"expected dropout as layers of its own, got dropout inside {type(layer).__name__} {layer.name!r}; "
                "mend by dropout=0 there and a Dropout layer before or behind it"
            )
    return [layer for layer in every if isinstance(layer, _KINDS) and layer.rate > 0]


def shares_masks(layers) -> bool:
    """Whether some layer has one mask for several samples, by a noise_shape whose first axis is not the batch's."""
    shapes = [getattr(layer, "noise_shape", None) for layer in layers]
    return any(shape is not None and shape[0] is not None for shape in shapes)


@contextlib.contextmanager
def at_work(layers):
    """Let these layers drop whatever `training` says. Call the model itself: `predict` would keep what it compiled."""
    for layer in layers:
        # in the instance, past Keras's bookkeeping of attributes: the class's own stands again once it is deleted
        vars(layer)["call"] = _in_training(layer.call)
    try:
        yield
    finally:
        for layer in layers:
            del vars(layer)["call"]


def _in_training(call):
    def training_call(inputs, training=None):
        return call(inputs, training=True)

    return training_call
