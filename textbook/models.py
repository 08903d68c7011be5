"""The book's networks, as functions that build an uncompiled Keras model."""

import math


def mlp(
    input_shape,
    outputs: int,
    *,
    hidden=(64,),
    dropout: float = 0.0,
    batch_norm: bool | str = False,
    l1: float = 0.0,
    l2: float = 0.0,
    activation: str = "relu",
):
    """A multilayer perceptron that ends in logits (or, with `outputs=1`, in a regression's value).

    Args:
        input_shape: shape of one sample, such as (64,); more than one axis is flattened.
        outputs: number of classes, or 1 for regression.
        hidden: units of each hidden layer.
        dropout: share of hidden units dropped after each activation (and after a batch norm that stands there), 0…1.
        batch_norm: "before" or True normalises before each activation, as Ioffe and Szegedy (2015) do; the bias there,
            which the normalisation would take away again, is left out. "after" normalises the activation's outputs, and
            the bias stays. False does neither.
        l1, l2: penalties l1·Σ|w| and l2·Σw² of every kernel (biases are left out).
        activation: of the hidden layers. Weights start as He et al. (2015) draw them.

    Returns: an uncompiled `keras.Model`. `functools.partial(mlp, hidden=(128,))` is a builder for `train_replicas`.
    Raises: ValueError for another word for batch_norm.
    """
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    places = {False: None, True: "before", "before": "before", "after": "after"}
    if batch_norm not in places:
        raise ValueError(
            f"expected batch_norm as True, False, 'before' or 'after' (the activation), got {batch_norm!r}; "
            "mend by batch_norm='before'"
        )
    place = places[batch_norm]

    penalty = {"kernel_regularizer": keras.regularizers.L1L2(l1=l1, l2=l2)} if l1 or l2 else {}
    layers = [keras.Input(tuple(input_shape))]
    if len(tuple(input_shape)) > 1:
        layers.append(keras.layers.Flatten())
    for units in hidden:
        biased = place != "before"
        layers.append(keras.layers.Dense(units, kernel_initializer="he_normal", use_bias=biased, **penalty))
        if place == "before":
            layers.append(keras.layers.BatchNormalization())
        layers.append(keras.layers.Activation(activation))
        if place == "after":
            layers.append(keras.layers.BatchNormalization())
        if dropout:
            layers.append(keras.layers.Dropout(dropout))
    layers.append(keras.layers.Dense(outputs, kernel_initializer="glorot_uniform", **penalty))
    return keras.Sequential(layers)


def cnn(
    input_shape,
    outputs: int,
    *,
    filters=(8, 16),
    strides: int = 1,
    batch_norm: bool = False,
    dropout: float = 0.0,
    l2: float = 0.0,
):
    """A small convnet that ends in logits: 3×3 convolutions, then the mean over all places of each feature map.

    Args:
        input_shape: shape of one sample: (height, width, channels), (height, width), or (pixels,) of a square image.
        outputs: number of classes, or 1 for regression.
        filters: feature maps of each convolution, with ReLU behind it and as much padding as keeps the size.
        strides: of every convolution; 2 halves height and width each time.
        batch_norm: normalise before each activation.
        dropout: share of the mean features dropped, 0…1.
        l2: penalty l2·Σw² of every kernel.

    Returns: an uncompiled `keras.Model`.
    Raises: ValueError for a flat sample whose length is no square, and for more than three axes.
    """
    import keras

    shape = tuple(input_shape)
    side = math.isqrt(shape[0]) if len(shape) == 1 else 0
    if not 1 <= len(shape) <= 3 or (len(shape) == 1 and side**2 != shape[0]):
        raise ValueError(
            f"expected an image: (height, width, channels), (height, width) or the pixels of a square, got {shape}; "
            "mend by textbook.models.mlp for data that are no images"
        )
    image = {1: (side, side, 1), 2: (*shape, 1), 3: shape}[len(shape)]
    penalty = {"kernel_regularizer": keras.regularizers.L2(l2)} if l2 else {}
    layers = [keras.Input(shape)]
    if image != shape:
        layers.append(keras.layers.Reshape(image))
    for maps in filters:
        layers.append(
            keras.layers.Conv2D(
                maps,
                3,
                strides=strides,
                padding="same",
                kernel_initializer="he_normal",
                use_bias=not batch_norm,
                **penalty,
            )
        )
        if batch_norm:
            layers.append(keras.layers.BatchNormalization())
        layers.append(keras.layers.Activation("relu"))
    layers.append(keras.layers.GlobalAveragePooling2D())
    if dropout:
        layers.append(keras.layers.Dropout(dropout))
    layers.append(keras.layers.Dense(outputs, kernel_initializer="glorot_uniform", **penalty))
    return keras.Sequential(layers)
