"""The compiled work on JAX: what one replica does is written down, and `jax.vmap` makes it the work of a stack.

Shapes are fixed there: every number of replicas, of rows and of samples a batch is compiled at its first call. The data
lie in memory once; each batch is gathered from them when it is needed.
"""

import contextlib

import jax
import jax.numpy as jnp
import keras
import numpy as np
from jax import lax

from textbook.replicas.blueprint import calling
from textbook.replicas.convolution import stackable
from textbook.replicas.jax_mapping import Stacked, on_cpu
from textbook.replicas.numbers import turned
from textbook.replicas.recipe import Recipe


class Program:
    """Trains and evaluates a stack of replicas of one recipe.

    A state is (trainable variables, non-trainable variables, optimizer variables), lists of arrays (replicas, …).
    """

    open_shapes = False  # another number of replicas is compiled again

    def __init__(self, recipe: Recipe):
        self.recipe = recipe
        self._optimizer = _copy(recipe.optimizer)
        with turned(self._optimizer, {name: (0.5, 0.5) for name in recipe.optimizer_numbers}):  # makes momentum's slots
            self._optimizer.build(recipe.model.trainable_variables)
        own = self._optimizer.variables
        self._rate = _position(own, self._optimizer._learning_rate)
        averages = getattr(self._optimizer, "_model_variables_moving_average", [])
        self._averages = [_position(own, average) for average in averages]
        self._train = Stacked(self._train_one, static="batch_size", donate=True)
        self._evaluate = Stacked(self._evaluate_one, static="rows_at_once")

    def data(self, arrays: list[np.ndarray]) -> list[jax.Array]:
        """The resident inputs, one array (rows, …) each."""
        return [jnp.array(array) for array in arrays]

    def scaler(self, stacks: list) -> list:
        """(offset, scale) of each input, each (replicas, …), or None for an input that is not scaled."""
        return [None if pair is None else tuple(jnp.array(v, jnp.float32) for v in pair) for pair in stacks]

    def part(self, rows, labels, weights) -> tuple:
        """Row numbers (replicas, n), labels of each output (replicas, n, …), weights (replicas, n) or None."""
        return jnp.array(rows), [jnp.array(y) for y in labels], None if weights is None else jnp.array(weights)

    def numbers(self, stacks: dict) -> dict:
        """Name → what a number is read as, each (replicas,)."""
        return jax.tree.map(jnp.array, stacks)

    def initial(self, trainable, frozen, slots=None) -> tuple:
        """The state before the first update, of stacks of values; or before the next one, with the optimizer's own."""
        model, replicas, own = self.recipe.model, len((trainable or frozen)[0]), self._optimizer.variables
        if slots is None:
            slots = [np.repeat(keras.ops.convert_to_numpy(v)[np.newaxis], replicas, 0) for v in own]
        return (
            [jnp.array(values, v.dtype) for values, v in zip(trainable, model.trainable_variables, strict=True)],
            [jnp.array(values, v.dtype) for values, v in zip(frozen, model.non_trainable_variables, strict=True)],
            [jnp.array(values, v.dtype) for values, v in zip(slots, own, strict=True)],
        )

    def take(self, state, positions) -> tuple:
        """The state of some replicas."""
        return _taken(state, jnp.array(positions))

    take_inputs = take

    def weights(self, state) -> list[np.ndarray]:
        """The model's variables, trainable, then non-trainable, each (replicas, …)."""
        return [np.array(stack) for stack in (*state[0], *state[1])]  # copies: training takes the state's memory

    def slots(self, state) -> list[np.ndarray]:
        """The optimizer's variables, each (replicas, …)."""
        return [np.array(stack) for stack in state[2]]  # copies, as of the weights

    def final(self, state) -> tuple:
        """The state that a training ends with: averaged weights where the optimizer keeps an average."""
        return ([state[2][place] for place in self._averages] or state[0], *state[1:])

    def train(self, state, data, scaler, part, order, batch_size: int, rates, numbers):
        """Make the updates of an order: (state, means, trace). The given state cannot be used again.

        Args:
            order: (replicas, n): positions in the part, batch after batch; the last batch may be smaller.
            rates: (updates, replicas): the learning rate of each update.

        Returns: the means over the samples of the loss as Keras reports it and of the metrics, (replicas, 1 + metrics);
        and, where the recipe says so, the values named in `TRACED`, (updates, replicas, 3), else None.
        """
        inputs = (state, data, scaler, part, jnp.array(order), jnp.array(rates.T, jnp.float32), numbers)
        state, means, trace = self._train(*inputs, batch_size=min(batch_size, order.shape[1]))
        return state, np.array(means), None if trace is None else np.array(trace).swapaxes(0, 1)

    def epoch(self, state, data, scaler, parts, order, batch_size: int, rates, numbers, rows_at_once: int):
        """`train`, then `evaluate` on both parts: (state, means, trace, of the training part, of validation)."""
        state, means, trace = self.train(state, data, scaler, parts[0], order, batch_size, rates, numbers)
        evaluated = (self.evaluate(state, data, scaler, part, numbers, rows_at_once) for part in parts)
        return state, means, trace, *evaluated

    def evaluate(self, state, data, scaler, part, numbers, rows_at_once: int) -> np.ndarray:
        """Means of data loss, penalty and metrics without dropout: (replicas, 2 + metrics), NaN for an empty part."""
        replicas, samples = part[0].shape
        if not samples:
            return np.full((replicas, 2 + len(self.recipe.metrics)), np.nan, np.float32)
        inputs = (state[:2], data, scaler, part, numbers)
        return np.array(self._evaluate(*inputs, rows_at_once=min(rows_at_once, samples)))

    def trace(self, state, data, scaler, parts, order, batch_size: int, rates, numbers, rows_at_once: int) -> None:
        """Trace an epoch for inputs like those of `epoch`, without running it; raises what JAX raises."""
        shared, batch_size = (state, data, scaler, parts[0]), min(batch_size, order.shape[1])
        self._train.trace(*shared, order, jnp.array(rates.T, jnp.float32), numbers, batch_size=batch_size)
        self._evaluate.trace(state[:2], *shared[1:], numbers, rows_at_once=min(rows_at_once, parts[0][0].shape[1]))

    def _train_one(self, state, data, scaler, part, order, rates, numbers, *, batch_size: int):
        """One replica's updates, as nothing from here on has a replica axis: (state, means, trace)."""

        def update(state, inputs):
            positions, rate = inputs
            state, values, trace = self._update(state, _batch(data, scaler, part, positions), rate, numbers)
            return state, (values * len(positions), trace)

        full, rest = divmod(len(order), batch_size)
        batches = order[: full * batch_size].reshape(full, batch_size)
        state, (values, trace) = lax.scan(update, state, (batches, rates[:full]))
        sums = values.sum(axis=0)
        if rest:
            state, (values, last) = update(state, (order[-rest:], rates[full]))
            sums += values
            trace = jax.tree.map(lambda most, one: jnp.concatenate([most, one[jnp.newaxis]]), trace, last)
        return state, sums / len(order), trace

    def _update(self, state, batch, rate, numbers):
        """One update: (state, loss and metrics, trace)."""
        trainable, frozen, slots = state

        def objective(trainable):
            loss, penalty, metrics, changed = self._forward(trainable, frozen, batch, numbers, training=True)
            loss += penalty
            return self._optimizer.scale_loss(loss), (loss, metrics, changed)

        gradients, (loss, metrics, frozen) = jax.grad(objective, has_aux=True)(trainable)
        slots = [rate if place == self._rate else slot for place, slot in enumerate(slots)]
        with turned(self._optimizer, {name: numbers[name] for name in self.recipe.optimizer_numbers}):
            updated, slots = self._optimizer.stateless_apply(slots, gradients, trainable)
        trace = None
        if self.recipe.trace:
            norm = _norm(gradients) / (self._optimizer.loss_scale_factor or 1)
            moved = [new - old for new, old in zip(updated, trainable, strict=True)]
            trace = jnp.stack([loss, norm, _norm(moved) / _norm(trainable)])
        return (updated, frozen, slots), jnp.stack([loss, *metrics]), trace

    def _evaluate_one(self, variables, data, scaler, part, numbers, *, rows_at_once: int):
        """One replica's means over its part."""

        def sums(positions):
            batch = _batch(data, scaler, part, positions)
            loss, penalty, metrics, _ = self._forward(*variables, batch, numbers, training=False)
            return jnp.stack([loss, penalty, *metrics]) * len(positions)

        positions = jnp.arange(len(part[0]))
        full, rest = divmod(len(positions), rows_at_once)
        total = lax.map(sums, positions[: full * rows_at_once].reshape(full, rows_at_once)).sum(axis=0)
        if rest:
            total += sums(positions[-rest:])
        return total / len(positions)

    def _forward(self, trainable, frozen, batch, numbers, *, training: bool):
        """(data loss, penalty, means of the metrics, non-trainable variables) of a batch."""
        recipe, (x, y, weight) = self.recipe, batch
        with contextlib.ExitStack() as stack:
            stack.enter_context(_formulation())
            stack.enter_context(turned(recipe.model, {name: numbers[name] for name in recipe.model_numbers}))
            for loss in recipe.losses:
                stack.enter_context(turned(loss, {name: numbers[name] for name in recipe.loss_numbers}))
            outputs, frozen, penalties = recipe.model.stateless_call(
                trainable, frozen, recipe.pack_x(x), return_losses=True, **calling(recipe.model, training=training)
            )
            y = recipe.pack_y(y)
            loss = recipe.loss(y, outputs, weight)
        metrics = [jnp.mean(metric(y, outputs).astype(jnp.float32)) for metric in recipe.metrics.values()]
        return loss, sum(penalties, jnp.zeros(())), metrics, frozen


def try_layer(layer, inputs: list[np.ndarray]) -> None:
    """Trace one layer, stacked, with its gradient; raises what JAX raises.

    Args:
        inputs: of the layer, each (replicas, batch, …).
    """

    def total(trainable, frozen, values):
        outputs, _ = layer.stateless_call(trainable, frozen, *values, **calling(layer, training=True))
        return sum(jnp.sum(o) for o in jax.tree.leaves(outputs) if jnp.issubdtype(o.dtype, jnp.floating))

    stacks = [
        [jnp.stack([v.value] * len(inputs[0])) for v in variables]
        for variables in (layer.trainable_variables, layer.non_trainable_variables)
    ]
    with _formulation():
        jax.eval_shape(jax.vmap(jax.grad(total)), *stacks, inputs)


def _batch(data, scaler, part, positions):
    """One replica's (inputs, labels, sample weights) at some positions of its part."""
    rows, labels, weights = part
    x = [values[rows[positions]] for values in data]
    x = [values if by is None else (values - by[0]) / by[1] for values, by in zip(x, scaler, strict=True)]
    return x, [y[positions] for y in labels], None if weights is None else weights[positions]


def _copy(optimizer):
    """An optimizer of the same kind, whose learning rate is a variable that every update writes."""
    return type(optimizer).from_config(optimizer.get_config() | {"learning_rate": 0.0})


def _position(variables, wanted) -> int:
    return next(place for place, variable in enumerate(variables) if variable is wanted)


def _norm(arrays):
    """The Euclidean norm over all arrays."""
    return jnp.sqrt(sum(jnp.sum(jnp.square(values)) for values in arrays))


@jax.jit
def _taken(stacks, positions):
    return jax.tree.map(lambda stack: stack[positions], stacks)


def _formulation():
    """On a CPU, convolutions by patches: XLA's own, stacked, took 1.3 to 9 times as long. On others XLA's own."""
    return stackable() if on_cpu() else contextlib.nullcontext()
