"""Second derivatives of a model's loss at given data: the Hessian in full, and its product with a vector.

The Hessian is taken over the *weights*, not over the inputs: P weights give P² entries, whatever the size of an image.
Its product with a vector costs a few gradients and P numbers of memory (Pearlmutter, 1994, Fast exact multiplication
by the Hessian), so it is to be had where the matrix is not.
"""

import keras
import numpy as np

from textbook.gradients import LossGradient, _tensors, untouched_randomness
from textbook.schedules.arguments import above, whole

GIB = 2**30


class LossCurvature(LossGradient):
    """H = ∂²L/∂w² of a compiled model at whatever data it is asked for; compiled once, where the backend compiles.

    L and w are as in `LossGradient`: the loss that `fit` minimises, and `model.trainable_variables` one after another,
    each flattened in C order, P numbers in all. Nothing of the model changes. Where the loss has a kink, as at a ReLU's
    0, H is that of the smooth piece, so that a layer of ReLUs has no curvature of its own.

    Results have the weights' dtype. For eigenvalues near 0, on TensorFlow, build and compile the model under
    `keras.config.set_floatx("float64")` and `set_dtype_policy("float64")`: Keras computes losses in floatx, whatever
    dtype the layers have. On JAX and torch it multiplies float64 matrices in float32.

    Args:
        model, training: as in `LossGradient`.

    Raises: ValueError for a model that is not built or not compiled, or has nothing to train.
    """

    def __init__(self, model, *, training: bool = False):
        super().__init__(model, training=training)
        self._products = _PULLED_BACK[keras.backend.backend()](self._loss)
        self._shapes = [tuple(variable.shape) for variable in model.trainable_variables]
        self._ends = np.cumsum([int(np.prod(shape)) for shape in self._shapes])
        self._dtype = np.result_type(*(keras.backend.standardize_dtype(v.dtype) for v in model.trainable_variables))

    @property
    def parameters(self) -> int:
        """P, the number of trainable weights."""
        return int(self._ends[-1])

    def product(self, x, y=None, vectors=None, *, sample_weight=None) -> np.ndarray:
        """H·v for one vector, or for several at once.

        Args:
            x, y, sample_weight: as `fit` takes them, arrays of equally many rows.
            vectors: (P,) or (vectors, P).

        Returns: of the same shape. Raises: ValueError for another shape.
        """
        given = np.asarray(vectors, dtype=self._dtype)
        if given.ndim not in (1, 2) or given.shape[-1] != self.parameters:
            raise ValueError(
                f"expected vectors of shape ({self.parameters},) or (vectors, {self.parameters}), got {given.shape}; "
                "mend by one number per trainable weight, in the order of model.trainable_variables"
            )
        model = self._model
        rows = given.reshape(-1, self.parameters)
        parts = np.split(rows, self._ends[:-1], axis=1)
        pulled = [part.reshape(-1, *shape) for part, shape in zip(parts, self._shapes, strict=True)]
        weights = [
            [keras.ops.convert_to_tensor(variable.value) for variable in variables]
            for variables in (model.trainable_variables, model.non_trainable_variables)
        ]
        cotangents = [
            keras.ops.convert_to_tensor(part, dtype=weight.dtype)
            for part, weight in zip(pulled, weights[0], strict=True)
        ]
        with untouched_randomness():
            products = self._products(*weights, cotangents, *(_tensors(part) for part in (x, y, sample_weight)))
        flat = [np.asarray(keras.ops.convert_to_numpy(part)).reshape(len(rows), -1) for part in products]
        return np.concatenate(flat, axis=1).astype(self._dtype, copy=False).reshape(given.shape)

    def hessian(self, x, y=None, *, sample_weight=None, block: int = 64, limit_gib: float = 8.0) -> np.ndarray:
        """H (P, P), by products with blocks of unit vectors; symmetric up to rounding.

        Args:
            x, y, sample_weight: as `fit` takes them, arrays of equally many rows.
            block: rows of H computed at once. Memory beside H grows with block times what one gradient takes.
            limit_gib: GiB that H may take.

        Raises: ValueError where H would take more, before anything is computed.
        """
        count, block = self.parameters, whole("block", block, least=1, mend="mend by the default, 64")
        needed = hessian_bytes(count, dtype=self._dtype) / GIB
        if needed > above("limit_gib", limit_gib, low=0):
            raise ValueError(
                f"expected a Hessian of up to {limit_gib:g} GiB, got {count:,} weights, whose {count:,}² entries in "
                f"{self._dtype} take {needed:,.1f} GiB; mend by products with vectors, which take {count:,} numbers "
                f"each, or by limit_gib={2 ** np.ceil(np.log2(needed)):g} where that much memory is free"
            )
        matrix, block = np.empty((count, count), dtype=self._dtype), min(block, count)
        for first in range(0, count, block):
            # the last block as wide as the others, padded by zeros, since a new width would be compiled anew
            units = np.eye(block, count, k=first, dtype=self._dtype)
            rows = self.product(x, y, units, sample_weight=sample_weight)
            matrix[first : first + block] = rows[: count - first]
        return matrix


def hessian(model, x, y=None, *, sample_weight=None, training: bool = False, limit_gib: float = 8.0) -> np.ndarray:
    """The Hessian (P, P) of a compiled model's loss at the given data, P = number of trainable weights.

    For one call; `LossCurvature(model)` compiles once for many, and says what w, L and the arguments are.

    Raises: ValueError where it would take more than `limit_gib` GiB, and for a model that is not built or compiled.

    With L = (w·x)² and x = 2, ∂²L/∂w² = 2x² = 8:

    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    >>> model.compile(loss="mse")
    >>> hessian(model, np.array([[2.0]]), np.array([[0.0]])).tolist()
    [[8.0]]
    """
    curvature = LossCurvature(model, training=training)
    return curvature.hessian(x, y, sample_weight=sample_weight, limit_gib=limit_gib)


def hessian_vector_product(model, x, y, vector, *, sample_weight=None, training: bool = False) -> np.ndarray:
    """H·v of a compiled model's loss at the given data, without ever holding H.

    For one call; `LossCurvature(model).product` compiles once for many.

    Args:
        vector: (P,), or (vectors, P) for several at once, in the order of `model.trainable_variables` flattened.

    Returns: of the same shape. Raises: ValueError for another shape, and for a model that is not built or compiled.

    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    >>> model.compile(loss="mse")
    >>> hessian_vector_product(model, np.array([[2.0]]), np.array([[0.0]]), [3.0]).tolist()
    [24.0]
    """
    return LossCurvature(model, training=training).product(x, y, vector, sample_weight=sample_weight)


def hessian_bytes(parameters: int, *, dtype="float32") -> int:
    """Bytes of a Hessian over so many weights: P² numbers.

    A million weights make 10¹² entries, 3725 GiB in float32:

    >>> hessian_bytes(10**6) // 2**30
    3725
    """
    parameters = whole("parameters", parameters, least=0, mend="mend by model.count_params()")
    return parameters**2 * np.dtype(dtype).itemsize


# Each runs forward and backward once, and then pulls every vector back through the gradient: since H is symmetric,
# vᵀH is H·v. Backward twice, because what has a gradient of its own making often knows no forward derivative.


def _by_tensorflow(loss):
    import tensorflow as tf

    zero = tf.UnconnectedGradients.ZERO

    @tf.function
    def products(trainable, other, vectors, *data):
        with tf.GradientTape(persistent=True) as outer:
            outer.watch(trainable)
            with tf.GradientTape() as inner:
                inner.watch(trainable)
                value = loss(trainable, other, *data)
            slopes = inner.gradient(value, trainable, unconnected_gradients=zero)
            slopes = [tf.convert_to_tensor(slope) for slope in slopes]  # an embedding's comes as rows with indices

        def pull(vector):
            pulled = outer.gradient(slopes, trainable, output_gradients=vector, unconnected_gradients=zero)
            return [tf.convert_to_tensor(part) for part in pulled]

        return tf.vectorized_map(pull, vectors)

    return products


def _by_jax(loss):
    import jax

    @jax.jit
    def products(trainable, other, vectors, *data):
        _, pull = jax.vjp(lambda weights: jax.grad(loss)(weights, other, *data), trainable)
        return jax.vmap(lambda vector: pull(vector)[0])(vectors)

    return products


def _by_torch(loss):
    import torch

    def products(trainable, other, vectors, *data):
        leaves = [tensor.detach().requires_grad_() for tensor in trainable]
        slopes = torch.autograd.grad(loss(leaves, other, *data), leaves, create_graph=True, allow_unused=True)
        # a slope that no weight moves has no graph to pull a vector back through
        moving = [(slope, vector) for slope, vector in zip(slopes, vectors, strict=True) if _has_graph(slope)]
        rows = []
        for row in range(len(vectors[0])):
            pulled = [None] * len(leaves)
            if moving:
                heads, cotangents = zip(*((slope, vector[row]) for slope, vector in moving), strict=True)
                pulled = torch.autograd.grad(heads, leaves, cotangents, retain_graph=True, allow_unused=True)
            rows.append([torch.zeros_like(w) if p is None else p for w, p in zip(leaves, pulled, strict=True)])
        return [torch.stack(parts).detach() for parts in zip(*rows, strict=True)]

    return products


def _has_graph(slope) -> bool:
    return slope is not None and slope.requires_grad


_PULLED_BACK = {"tensorflow": _by_tensorflow, "jax": _by_jax, "torch": _by_torch}
