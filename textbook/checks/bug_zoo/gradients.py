"""A Keras layer, a loss and a regularizer with gradients of their own, right ones and wrong ones.

Each computes the right values: `evaluate` and a loss curve show nothing, or little. `model_with` puts one mistake into
a small network.
"""

import keras
import numpy as np
from keras import ops

LAYER_BUGS = (
    "missing mask",  # the gradient passes where the ReLU is off
    "wrong sign in bias",
    "transposed kernel",  # in the gradient for the layer below; takes a square kernel
    "stale mask",  # the ReLU's mask is that of the first weights: right before the first update
)
LOSS_BUGS = ("missing margin indicator",)  # every wrong class counts as violating its margin: right at zero scores
PENALTY_BUGS = ("forgotten factor 2",)
BUGS = LAYER_BUGS + LOSS_BUGS + PENALTY_BUGS


class ReluDense(keras.layers.Layer):
    """max(0, x·W + b) with a gradient written by hand.

    Args:
        units: of the output.
        bug: one of `LAYER_BUGS`, or None for the right gradient.
        kernel_regularizer: a penalty on W.

    Raises: ValueError for an unknown bug, and for "transposed kernel" with a kernel that is not square.
    """

    def __init__(self, units: int, *, bug: str | None = None, kernel_regularizer=None, **layer):
        super().__init__(**layer)
        self.units, self.bug = units, _known(bug, LAYER_BUGS)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)

    def build(self, input_shape):
        if self.bug == "transposed kernel" and input_shape[-1] != self.units:
            raise ValueError(
                f"expected as many units as features for a transposed kernel, got {self.units} and {input_shape[-1]}; "
                f"mend by units={input_shape[-1]}"
            )
        shape = (input_shape[-1], self.units)
        self.kernel = self.add_weight(
            shape=shape, initializer="he_normal", regularizer=self.kernel_regularizer, name="kernel"
        )
        self.bias = self.add_weight(
            shape=(self.units,), initializer=keras.initializers.RandomNormal(0.0, 0.1), name="bias"
        )
        if self.bug == "stale mask":
            first = np.array(ops.convert_to_numpy(self.kernel.value))
            self.first_kernel = self.add_weight(
                shape=shape, trainable=False, initializer=lambda *_, **__: ops.convert_to_tensor(first), name="first"
            )

    def call(self, x):
        bug = self.bug
        old = self.first_kernel if bug == "stale mask" else self.kernel

        @ops.custom_gradient
        def layer(x, kernel, bias, old):
            z = ops.matmul(x, kernel) + bias
            on = ops.matmul(x, old) + bias > 0 if bug == "stale mask" else z > 0
            on = ops.ones_like(z) if bug == "missing mask" else ops.cast(on, z.dtype)

            def gradient(*args, upstream=None):
                pushed = (args[0] if upstream is None else upstream) * on
                below = ops.matmul(pushed, kernel if bug == "transposed kernel" else ops.transpose(kernel))
                of_bias = ops.sum(pushed, axis=0)
                of_kernel = ops.matmul(ops.transpose(x), pushed)
                return below, of_kernel, -of_bias if bug == "wrong sign in bias" else of_bias, ops.zeros_like(old)

            return ops.relu(z), gradient

        return layer(x, self.kernel.value, self.bias.value, old.value)


class Hinge(keras.losses.Loss):
    """Σ_{j≠y} max(0, s_j − s_y + 1) of one-hot labels, with a gradient written by hand.

    Args:
        bug: one of `LOSS_BUGS`, or None.

    Raises: ValueError for an unknown bug.
    """

    def __init__(self, *, bug: str | None = None, **loss):
        super().__init__(**loss)
        self.bug = _known(bug, LOSS_BUGS)

    def call(self, y_true, y_pred):
        bug = self.bug

        @ops.custom_gradient
        def hinge(scores, true):
            short = ops.relu(scores - ops.sum(scores * true, axis=-1, keepdims=True) + 1) * (1 - true)
            violated = 1 - true if bug == "missing margin indicator" else ops.cast(short > 0, scores.dtype)

            def gradient(*args, upstream=None):
                pushed = (args[0] if upstream is None else upstream)[..., None]
                return pushed * (violated - true * ops.sum(violated, axis=-1, keepdims=True)), ops.zeros_like(true)

            return ops.sum(short, axis=-1), gradient

        return hinge(y_pred, ops.cast(y_true, y_pred.dtype))


class L2(keras.regularizers.Regularizer):
    """l2·Σw² with a gradient written by hand.

    Args:
        l2: strength.
        bug: one of `PENALTY_BUGS`, or None.

    Raises: ValueError for an unknown bug.
    """

    def __init__(self, l2: float, *, bug: str | None = None):
        self.l2, self.bug = float(l2), _known(bug, PENALTY_BUGS)

    def __call__(self, weight):
        factor = (1 if self.bug == "forgotten factor 2" else 2) * self.l2

        @ops.custom_gradient
        def penalty(w):
            def gradient(*args, upstream=None):
                return (args[0] if upstream is None else upstream) * factor * w

            return self.l2 * ops.sum(ops.square(w)), gradient

        return penalty(getattr(weight, "value", weight))

    def get_config(self):
        return {"l2": self.l2, "bug": self.bug}


def model_with(bug: str | None = None, *, features: int = 8, classes: int = 4, l2: float = 1e-2):
    """A compiled network of three layers with one mistake in it, or with none.

    Two `ReluDense` layers of `features` units, the second one with the mistake if it is a layer's; a penalty on the
    first; `Hinge` over a last Dense layer.

    Args:
        bug: one of `BUGS`, or None.
        features, classes: of samples (rows, features) and one-hot labels (rows, classes).
        l2: strength of the penalty.

    Returns: a compiled `keras.Model`, SGD with rate 0.01.

    Raises: ValueError for an unknown bug.
    """
    _known(bug, BUGS)
    regularizer = L2(l2, bug=bug if bug in PENALTY_BUGS else None)
    model = keras.Sequential(
        [
            keras.Input((features,)),
            ReluDense(features, kernel_regularizer=regularizer, name="first"),
            ReluDense(features, bug=bug if bug in LAYER_BUGS else None, name="second"),
            keras.layers.Dense(classes, name="scores"),
        ]
    )
    model.compile(keras.optimizers.SGD(0.01), Hinge(bug=bug if bug in LOSS_BUGS else None))
    return model


def _known(bug, bugs) -> str | None:
    if bug is not None and bug not in bugs:
        raise ValueError(f"expected one of {', '.join(map(repr, bugs))} or None, got {bug!r}; mend by naming one")
    return bug
