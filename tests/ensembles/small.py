"""Small networks and data for the tests of ensembles."""

import keras
import numpy as np


def net(seed: int, *, units: int = 5, classes: int = 3, batch_norm: bool = False, softmax: bool = False):
    """4-units-classes, with weights of its own for each seed, biases included."""
    layers = [keras.Input((4,)), keras.layers.Dense(units)]
    if batch_norm:
        layers.append(keras.layers.BatchNormalization())
    layers += [keras.layers.Activation("tanh"), keras.layers.Dense(classes, "softmax" if softmax else None)]
    model = keras.Sequential(layers)
    random = np.random.default_rng(seed)
    model.set_weights([np.abs(random.normal(size=w.shape)) if "var" in v.path else random.normal(size=w.shape)
                       for v, w in zip(model.weights, model.get_weights(), strict=True)])  # fmt: skip
    return model


def data(rows: int = 40, *, classes: int = 3, seed: int = 0):
    """x (rows, 4) float32 and y (rows,) classes that x tells."""
    random = np.random.default_rng(seed)
    y = np.arange(rows) % classes
    return (random.normal(size=(rows, 4)) + 2 * np.eye(4)[y]).astype("float32"), y


def softmax(logits):
    """The definition."""
    powers = np.exp(np.asarray(logits, float))
    return powers / powers.sum(axis=-1, keepdims=True)
