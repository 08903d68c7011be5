"""The gradient of a model's training loss at given data, on TensorFlow, JAX and torch, without touching the model."""

import contextlib

import keras
import numpy as np


class LossGradient:
    """∂L/∂w of a compiled model at whatever data it is called with; compiled once, where the backend compiles.

    L is the loss that `fit` minimises: mean over samples, penalties included, without a loss scale. Nothing of the
    model changes: moving statistics, seed states and metrics that the forward pass would advance are thrown away.

    Args:
        model: a built and compiled `keras.Model`.
        training: run the layers as in training (dropout on, batch norm by the batch's own statistics). Every call then
            draws the same masks, since the model's seed states stand still.

    Raises: ValueError for a model that is not built or not compiled, or has nothing to train.
    """

    def __init__(self, model, *, training: bool = False):
        if not isinstance(model, keras.Model) or not model.built:
            raise ValueError(
                f"expected a built keras.Model, got {model!r}; mend by giving it an Input, or calling it once"
            )
        if not model.compiled:
            raise ValueError(f"expected a compiled model, got {model.name!r} without a loss; mend by model.compile(…)")
        if not model.trainable_variables:
            raise ValueError(f"expected trainable weights, got none in {model.name!r}; mend by trainable = True")
        self._model, self._training = model, training
        self._gradient = _DIFFERENTIATED[keras.backend.backend()](self._loss)

    def __call__(self, x, y=None, sample_weight=None) -> list[np.ndarray]:
        """The gradient for each of `model.trainable_variables`, zeros where the loss does not depend on one.

        Args:
            x, y, sample_weight: as `fit` takes them, arrays (or structures of arrays) of equally many rows.
        """
        model = self._model
        data = [_tensors(part) for part in (x, y, sample_weight)]
        trainable = [keras.ops.convert_to_tensor(variable.value) for variable in model.trainable_variables]
        other = [keras.ops.convert_to_tensor(variable.value) for variable in model.non_trainable_variables]
        with untouched_randomness():
            slopes = self._gradient(trainable, other, *data)
        return [np.array(keras.ops.convert_to_numpy(slope)) for slope in slopes]

    def _loss(self, trainable, other, x, y, sample_weight):
        model = self._model
        state = [
            *zip(model.trainable_variables, trainable, strict=True),
            *zip(model.non_trainable_variables, other, strict=True),
        ]
        with keras.StatelessScope(state_mapping=state, collect_losses=True):
            predicted = model(x, training=self._training)
            return model.compute_loss(x=x, y=y, y_pred=predicted, sample_weight=sample_weight)


def gradients_of(model, x, y=None, *, sample_weight=None, training: bool = False) -> list[np.ndarray]:
    """∂L/∂w at the given data, an array for each of `model.trainable_variables`.

    For one call; `LossGradient(model)` compiles once for many.

    Args:
        model: a built and compiled `keras.Model`.
        x, y, sample_weight: as `fit` takes them, arrays of equally many rows.
        training: run the layers as in training (dropout on, batch norm by the batch's own statistics).

    Raises: ValueError for a model that is not built or not compiled, or has nothing to train.

    With L = (w·x)² at w = 3 and x = 2, ∂L/∂w = 2w·x² = 24:

    >>> import keras, numpy as np
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    >>> model.layers[0].kernel.assign([[3.0]]) and None
    >>> model.compile(loss="mse")
    >>> gradients_of(model, np.array([[2.0]]), np.array([[0.0]]))[0].tolist()
    [[24.0]]
    """
    return LossGradient(model, training=training)(x, y, sample_weight)


@contextlib.contextmanager
def no_gradients():
    """Compute without keeping what gradients would need, which torch otherwise does for every operation."""
    if keras.backend.backend() == "torch":
        import torch

        with torch.no_grad():
            yield
    else:
        yield


@contextlib.contextmanager
def untouched_randomness():
    """Leave torch's own random streams as they were: its dropout and its DataLoader draw from them.

    On the other backends all that layers draw comes from the model's seed states.
    """
    if keras.backend.backend() == "torch":
        import torch

        with torch.random.fork_rng():
            yield
    else:
        yield


def _tensors(part):
    return None if part is None else keras.tree.map_structure(keras.ops.convert_to_tensor, part)


def _by_tensorflow(loss):
    import tensorflow as tf

    @tf.function
    def gradient(trainable, other, *data):
        with tf.GradientTape() as tape:
            tape.watch(trainable)
            value = loss(trainable, other, *data)
        slopes = tape.gradient(value, trainable, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return [tf.convert_to_tensor(slope) for slope in slopes]  # an embedding's comes as rows with indices

    return gradient


def _by_jax(loss):
    import jax

    return jax.jit(jax.grad(loss))


def _by_torch(loss):
    import torch

    def gradient(trainable, other, *data):
        leaves = [tensor.detach().requires_grad_() for tensor in trainable]
        slopes = torch.autograd.grad(loss(leaves, other, *data), leaves, allow_unused=True)
        return [torch.zeros_like(leaf) if slope is None else slope for leaf, slope in zip(leaves, slopes, strict=True)]

    return gradient


_DIFFERENTIATED = {"tensorflow": _by_tensorflow, "jax": _by_jax, "torch": _by_torch}
