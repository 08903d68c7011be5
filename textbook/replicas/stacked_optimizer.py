"""One Keras optimizer, mapped over replicas: every replica has its own rate, momentum, weight decay and slots.

Handing stacked variables to an optimizer as if they were one model goes wrong wherever the optimizer looks at a whole
tensor (norms, clipping, trust ratios). Here its own `apply` runs once per replica by `map_replicas`.
"""

import keras
import tensorflow as tf
from keras.src.optimizers.base_optimizer import BaseOptimizer

from textbook.replicas.mapping import map_replicas
from textbook.replicas.numbers import turned

# TensorFlow's optimizer class replaces these with versions that need real tf.Variables. Inside a StatelessScope the
# variables are stand-ins, so the backend-neutral originals are put back.
_NEUTRAL = (
    "_var_key",
    "assign",
    "assign_add",
    "assign_sub",
    "_apply_weight_decay",
    "_backend_update_step",
    "_overwrite_model_variables_with_average_value",
    "_clip_by_norm",
    "stateless_apply",
)


def _neutral(optimizer):
    """A copy of the optimizer whose steps run on plain tensors."""
    kind = type(optimizer)
    overrides = {name: getattr(BaseOptimizer, name) for name in _NEUTRAL if hasattr(BaseOptimizer, name)}
    if "_backend_update_step" in kind.__dict__:  # Nadam keeps a product of momenta there
        overrides["_backend_update_step"] = _nadam_update_step
    config = optimizer.get_config()
    config["learning_rate"] = 0.0  # the rate of each replica is fed at every update
    if config["use_ema"]:
        overrides |= {
            "overwrite_every": config.pop("ema_overwrite_frequency"),
            "_update_model_variables_moving_average": _average_and_overwrite,
        }
    return type(kind.__name__, (kind,), overrides).from_config(config)


def _average_and_overwrite(self, variables):
    """Keras's average of the weights, written back by a selection: its own `cond` overwrites at every update here."""
    BaseOptimizer._update_model_variables_moving_average(self, variables)
    if self.overwrite_every:
        due = keras.ops.equal((self._iterations + 1) % self.overwrite_every, 0)
        for variable, average in zip(variables, self._model_variables_moving_average, strict=True):
            if average is not None:
                variable.assign(keras.ops.where(due, average, variable))


def _nadam_update_step(self, grads, trainable_variables, learning_rate):
    dtype = self._u_product.dtype
    decay = keras.ops.power(0.96, keras.ops.cast(self._iterations + 1, dtype))
    self.assign(self._u_product, self._u_product * self.beta_1 * (1.0 - 0.5 * decay))
    BaseOptimizer._backend_update_step(self, grads, trainable_variables, learning_rate)


class StackedOptimizer:
    """Applies one optimizer to tensors whose first axis counts replicas.

    Args:
        optimizer: any Keras optimizer without gradient accumulation.
        variables: the model's trainable variables (one model's, not stacked).
        numbers: names of the optimizer's numbers that are given per replica, such as "optimizer.momentum".
    """

    def __init__(self, optimizer, variables, *, numbers: tuple[str, ...]):
        self._optimizer = _neutral(optimizer)
        self._numbers = numbers
        with turned(self._optimizer, {name: (0.5, 0.5) for name in numbers}):  # so that slots for a momentum are made
            self._optimizer.build(variables)
        own = self._optimizer.variables
        self._rate_index = _position(own, self._optimizer._learning_rate)
        averages = getattr(self._optimizer, "_model_variables_moving_average", None) or []
        self._averages = [None if average is None else _position(own, average) for average in averages]
        self._elementwise = type(optimizer) is keras.optimizers.SGD and not any(
            getattr(optimizer, name) for name in ("clipnorm", "clipvalue", "global_clipnorm", "use_ema")
        )
        self._nesterov = getattr(optimizer, "nesterov", False)

    @property
    def variables(self):
        """One replica's optimizer variables, as Keras lists them."""
        return self._optimizer.variables

    def initial(self, replicas: int) -> list[tf.Tensor]:
        """The optimizer's variables before the first update, stacked: each of shape (replicas, …)."""
        return [
            tf.repeat(tf.convert_to_tensor(v.value)[tf.newaxis], replicas, axis=0) for v in self._optimizer.variables
        ]

    def averaged(self, variables, state) -> list[tf.Tensor]:
        """The weights that Keras leaves in the model at the end: the average where the optimizer keeps one."""
        places = self._averages or [None] * len(variables)
        return [w if place is None else state[place] for w, place in zip(variables, places, strict=True)]

    def apply(self, state, gradients, variables, *, learning_rate, numbers):
        """One update: all arguments have a leading replica axis; returns (variables, state).

        Args:
            learning_rate: shape (replicas,).
            numbers: name → (value, complement), each (replicas,).
        """
        if self._elementwise:
            return self._sgd(state, gradients, variables, learning_rate, numbers)

        def one(inputs):
            state, gradients, variables, rate, values = inputs
            state = [rate if i == self._rate_index else v for i, v in enumerate(state)]
            with turned(self._optimizer, values):
                new_variables, new_state = self._optimizer.stateless_apply(state, gradients, variables)
            return [tf.convert_to_tensor(v) for v in new_variables], [tf.convert_to_tensor(v) for v in new_state]

        values = {name: numbers[name] for name in self._numbers}
        return map_replicas(one, (state, gradients, variables, learning_rate, values))

    def _sgd(self, state, gradients, variables, learning_rate, numbers):
        """Plain SGD on the stack at once: it looks at single numbers only, and mapping it would cost more."""
        iterations, rate, *velocities = state
        new_variables, new_velocities = [], []
        for weight, gradient, velocity in zip(variables, gradients, velocities, strict=True):
            by_replica = [-1] + [1] * (len(weight.shape) - 1)
            lr = tf.reshape(learning_rate, by_replica)
            momentum = tf.reshape(numbers["optimizer.momentum"][0], by_replica)
            if "optimizer.weight_decay" in self._numbers:
                weight -= weight * tf.reshape(numbers["optimizer.weight_decay"][0], by_replica) * lr
            step = gradient * lr
            velocity = velocity * momentum - step
            new_variables.append(weight + (velocity * momentum - step if self._nesterov else velocity))
            new_velocities.append(velocity)
        return new_variables, [iterations + 1, rate, *new_velocities]


def _position(variables, wanted) -> int:
    return next(i for i, variable in enumerate(variables) if variable is wanted)
