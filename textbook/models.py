"""The book's networks, as functions that build an uncompiled Keras model."""


def mlp(
    input_shape,
    outputs: int,
    *,
    hidden=(64,),
    dropout: float = 0.0,
    batch_norm: bool = False,
    l1: float = 0.0,
    l2: float = 0.0,
    activation: str = "relu",
):
    """A multilayer perceptron that ends in logits (or, with `outputs=1`, in a regression's value).

    Args:
        input_shape: shape of one sample, such as (64,); more than one axis is flattened.
        outputs: number of classes, or 1 for regression.
        hidden: units of each hidden layer.
        dropout: share of hidden units dropped after each activation, 0…1.
        batch_norm: normalise before each activation.
        l1, l2: penalties l1·Σ|w| and l2·Σw² of every kernel (biases are left out).
        activation: of the hidden layers. Weights start as He et al. (2015) draw them.

    Returns: an uncompiled `keras.Model`. `functools.partial(mlp, hidden=(128,))` is a builder for `train_replicas`.
    """
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    penalty = {"kernel_regularizer": keras.regularizers.L1L2(l1=l1, l2=l2)} if l1 or l2 else {}
    layers = [keras.Input(tuple(input_shape))]
    if len(tuple(input_shape)) > 1:
        layers.append(keras.layers.Flatten())
    for units in hidden:
        layers.append(keras.layers.Dense(units, kernel_initializer="he_normal", use_bias=not batch_norm, **penalty))
        if batch_norm:
            layers.append(keras.layers.BatchNormalization())
        layers.append(keras.layers.Activation(activation))
        if dropout:
            layers.append(keras.layers.Dropout(dropout))
    layers.append(keras.layers.Dense(outputs, kernel_initializer="glorot_uniform", **penalty))
    return keras.Sequential(layers)
