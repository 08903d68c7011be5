"""The compiled work on TensorFlow: some updates of training, and an evaluation, for a stack of replicas of one model.

Every tensor has a leading replica axis. Shapes are left open, so one trace serves every number of replicas, batch size
and size of data. The data lie in memory once; a replica sees them through its own row numbers.
"""

import contextlib
import functools

import numpy as np
import tensorflow as tf

from textbook.replicas.blueprint import calling
from textbook.replicas.convolution import stackable
from textbook.replicas.mapping import map_replicas
from textbook.replicas.numbers import turned
from textbook.replicas.outcome import TRACED
from textbook.replicas.recipe import Recipe
from textbook.replicas.stacked_optimizer import StackedOptimizer


class Program:
    """Trains and evaluates a stack of replicas of one recipe.

    A state is (trainable variables, non-trainable variables, optimizer variables), lists of tensors (replicas, …).
    """

    open_shapes = True  # any number of replicas without compiling again

    def __init__(self, recipe: Recipe):
        self.recipe = recipe
        self.optimizer = StackedOptimizer(
            recipe.optimizer, recipe.model.trainable_variables, numbers=recipe.optimizer_numbers
        )
        self._functions: dict = {}

    def data(self, arrays: list[np.ndarray]) -> list[tf.Tensor]:
        """The resident inputs, one tensor (rows, …) each."""
        return [tf.constant(array) for array in arrays]

    def scaler(self, stacks: list) -> list:
        """(offset, scale) of each input, each (replicas, …), or () for an input that is not scaled."""
        return [() if pair is None else tuple(tf.constant(values) for values in pair) for pair in stacks]

    def part(self, rows, labels, weights) -> tuple:
        """Row numbers (replicas, n), labels of each output (replicas, n, …), weights (replicas, n) or None."""
        kinds = [np.int64 if leaf.dtype.kind in "iub" else np.float32 for leaf in labels]
        labels = [tf.constant(leaf.astype(kind)) for leaf, kind in zip(labels, kinds, strict=True)]
        return tf.constant(rows), labels, () if weights is None else tf.constant(weights)

    def numbers(self, stacks: dict) -> dict:
        """Name → (value, complement), each (replicas,)."""
        return {name: tuple(tf.constant(values) for values in pair) for name, pair in stacks.items()}

    def initial(self, trainable, frozen, slots=None) -> tuple:
        """The state before the first update, of stacks of values; or before the next one, with the optimizer's own."""
        model = self.recipe.model
        trainable, frozen = _typed(trainable, model.trainable_variables), _typed(frozen, model.non_trainable_variables)
        if slots is None:
            return trainable, frozen, self.optimizer.initial(len((trainable or frozen)[0]))
        return trainable, frozen, _typed(slots, self.optimizer.variables)

    def take(self, state, positions) -> tuple:
        """The state of some replicas."""
        return tf.nest.map_structure(lambda stack: tf.gather(stack, positions), state)

    take_inputs = take

    def weights(self, state) -> list[np.ndarray]:
        """The model's variables, trainable, then non-trainable, each (replicas, …)."""
        return [stack.numpy() for stack in (*state[0], *state[1])]

    def slots(self, state) -> list[np.ndarray]:
        """The optimizer's variables, each (replicas, …)."""
        return [stack.numpy() for stack in state[2]]

    def final(self, state) -> tuple:
        """The state that a training ends with: averaged weights where the optimizer keeps an average."""
        return (self.optimizer.averaged(state[0], state[2]), *state[1:])

    def train(self, state, data, scaler, part, order, batch_size: int, rates, numbers):
        """Make the updates of an order: (state, means, trace).

        Args:
            order: (replicas, n): positions in the part, batch after batch; the last batch may be smaller.
            rates: (updates, replicas): the learning rate of each update.

        Returns: the means over the samples of the loss as Keras reports it and of the metrics, (replicas, 1 + metrics);
        and, where the recipe says so, the values named in `TRACED`, (updates, replicas, 3), else None.
        """
        inputs = (state, data, scaler, part, numbers, order, np.int32(batch_size), rates)
        with _quiet():
            state, means, trace = self._function("train", self._train, inputs)(*inputs)
        return state, means.numpy(), trace.numpy() if self.recipe.trace else None

    def epoch(self, state, data, scaler, parts, order, batch_size: int, rates, numbers, rows_at_once: int):
        """`train`, then `evaluate` on both parts: (state, means, trace, of the training part, of the validation part).

        One call instead of three: handing a call its tensors takes as long as ten updates of a small network.
        """
        whole = (state, data, scaler, parts, numbers, order, np.int32(batch_size), rates, np.int32(rows_at_once))
        with _quiet():
            state, means, trace, *evaluated = self._function("epoch", self._epoch, whole)(*whole)
        return state, means.numpy(), trace.numpy() if self.recipe.trace else None, *(e.numpy() for e in evaluated)

    def evaluate(self, state, data, scaler, part, numbers, rows_at_once: int) -> np.ndarray:
        """Means of data loss, penalty and metrics without dropout: (replicas, 2 + metrics), NaN for an empty part."""
        inputs = (state[:2], data, scaler, part, numbers, np.int32(rows_at_once))
        with _quiet():
            return self._function("evaluate", self._evaluate, inputs)(*inputs).numpy()

    def trace(self, state, data, scaler, parts, order, batch_size: int, rates, numbers, rows_at_once: int) -> None:
        """Trace an epoch for inputs like those of `epoch`, without running it; raises what TensorFlow raises."""
        whole = (state, data, scaler, parts, numbers, order, np.int32(batch_size), rates, np.int32(rows_at_once))
        with _quiet():
            self._function("epoch", self._epoch, whole).get_concrete_function()

    def _function(self, name: str, body, inputs) -> tf.types.experimental.PolymorphicFunction:
        """The compiled function, its shapes left open."""
        if name not in self._functions:
            self._functions[name] = tf.function(body, input_signature=_specs(inputs), autograph=False)
        return self._functions[name]

    def _inputs(self, data, rows, scaler):
        flat = []
        for x, pair in zip(data, scaler, strict=True):
            x = tf.gather(x, rows)
            if pair:
                offset, scale = pair
                x = (x - offset[:, tf.newaxis]) / scale[:, tf.newaxis]
            flat.append(x)
        return flat

    @contextlib.contextmanager
    def _turned(self, numbers):
        """Let the model and its losses compute with one replica's numbers."""
        recipe = self.recipe
        with contextlib.ExitStack() as stack:
            stack.enter_context(stackable())
            stack.enter_context(turned(recipe.model, {name: numbers[name] for name in recipe.model_numbers}))
            for loss in recipe.losses:
                stack.enter_context(turned(loss, {name: numbers[name] for name in recipe.loss_numbers}))
            yield

    def _epoch(self, state, data, scaler, parts, numbers, order, batch_size, rates, rows_at_once):
        train, validation = parts
        state, means, trace = self._train(state, data, scaler, train, numbers, order, batch_size, rates)
        inputs = (state[:2], data, scaler, train, numbers, rows_at_once)
        evaluate = self._function("evaluate", self._evaluate, inputs)  # traced once for all parts
        clean, held_out = evaluate(*inputs), evaluate(*inputs[:3], validation, *inputs[4:])
        return state, means, trace, clean, held_out

    def _train(self, state, data, scaler, part, numbers, order, batch_size, rates):
        recipe = self.recipe
        replicas, samples = tf.shape(order)[0], tf.shape(order)[1]
        rows, labels, weights = tf.nest.map_structure(lambda values: tf.gather(values, order, batch_dims=1), part)
        watched = {name: numbers[name] for name in recipe.model_numbers + recipe.loss_numbers}
        records = tf.TensorArray(tf.float32, tf.shape(rates)[0] if recipe.trace else 0)

        def update(step, state, sums, records):
            trainable, frozen, slots = state
            batch = slice(step * batch_size, tf.minimum((step + 1) * batch_size, samples))
            x = self._inputs(data, rows[:, batch], scaler)
            y, weight = tf.nest.map_structure(lambda values: values[:, batch], (labels, weights))
            with tf.GradientTape() as tape:
                tape.watch(trainable)
                loss, measured, frozen = map_replicas(
                    lambda inputs: self._forward(*inputs), (trainable, frozen, x, y, weight, watched)
                )
                total = tf.reduce_sum(loss)  # replicas share no weights, so each keeps its own gradient
            gradients = tape.gradient(total, trainable, unconnected_gradients="zero")
            updated, slots = self.optimizer.apply(
                slots, gradients, trainable, learning_rate=rates[step], numbers=numbers
            )
            if recipe.trace:
                moved = [new - old for new, old in zip(updated, trainable, strict=True)]
                values = [loss, _norm(gradients), _norm(moved) / _norm(trainable)]
                records = records.write(step, tf.stack(values, axis=-1))
            size = tf.cast(batch.stop - batch.start, tf.float32)
            sums += tf.concat([loss[:, tf.newaxis] * size, measured], axis=1)
            return step + 1, (updated, frozen, slots), sums, records

        sums = tf.zeros([replicas, 1 + len(recipe.metrics)])
        _, state, sums, records = tf.while_loop(
            lambda step, *_: step * batch_size < samples, update, [0, state, sums, records], parallel_iterations=1
        )
        trace = records.stack() if recipe.trace else tf.zeros([0, 0, len(TRACED)])
        return state, sums / tf.cast(samples, tf.float32), trace

    def _forward(self, trainable, frozen, x, y, weight, numbers):
        """One replica's training pass: (loss with penalties, sums of the metrics, non-trainable variables)."""
        recipe = self.recipe
        with self._turned(numbers):
            outputs, frozen, penalties = recipe.model.stateless_call(
                trainable, frozen, recipe.pack_x(x), return_losses=True, **calling(recipe.model, training=True)
            )
            loss = recipe.loss(recipe.pack_y(y), outputs, weight if recipe.weighted else None)
        for penalty in penalties:
            loss += penalty
        return loss, self._metrics(y, outputs), [tf.convert_to_tensor(v) for v in frozen]

    def _metrics(self, y, outputs):
        """Sums of the metrics over a batch, shape (metrics,)."""
        y = self.recipe.pack_y(y)
        sums = [tf.reduce_sum(tf.cast(metric(y, outputs), tf.float32)) for metric in self.recipe.metrics.values()]
        return tf.stack(sums) if sums else tf.zeros([0])

    def _evaluate(self, state, data, scaler, part, numbers, rows_at_once):
        recipe = self.recipe
        (trainable, frozen), (rows, labels, weights) = state, part
        replicas, samples = tf.shape(rows)[0], tf.shape(rows)[1]
        watched = {name: numbers[name] for name in recipe.model_numbers + recipe.loss_numbers}

        def one(inputs):
            trainable, frozen, x, y, weight, values = inputs
            with self._turned(values):
                outputs, _, penalties = recipe.model.stateless_call(
                    trainable, frozen, recipe.pack_x(x), return_losses=True, **calling(recipe.model, training=False)
                )
                loss = recipe.loss(recipe.pack_y(y), outputs, weight if recipe.weighted else None)
            penalty = tf.add_n(penalties) if penalties else tf.constant(0.0)
            return loss, penalty, self._metrics(y, outputs)

        def batch(start, sums, _):
            stop = tf.minimum(start + rows_at_once, samples)
            x = self._inputs(data, rows[:, start:stop], scaler)
            y, weight = tf.nest.map_structure(lambda values: values[:, start:stop], (labels, weights))
            loss, penalty, measured = map_replicas(one, (trainable, frozen, x, y, weight, watched))
            size = tf.cast(stop - start, tf.float32)
            sums += tf.concat([loss[:, tf.newaxis] * size, measured], axis=1)
            return stop, sums, penalty

        sums = tf.zeros([replicas, 1 + len(recipe.metrics)])
        _, sums, penalty = tf.while_loop(
            lambda start, *_: start < samples, batch, [0, sums, tf.zeros([replicas])], parallel_iterations=1
        )
        means = sums / tf.cast(samples, tf.float32)
        return tf.concat([means[:, :1], penalty[:, tf.newaxis], means[:, 1:]], axis=1)


def try_layer(layer, inputs: list[np.ndarray]) -> None:
    """Trace one layer, stacked, with its gradient; raises what TensorFlow raises.

    Args:
        inputs: of the layer, each (replicas, batch, …).
    """

    @functools.partial(tf.function, autograph=False)
    def traced():
        stacks = [[tf.stack([v.value] * len(inputs[0])) for v in variables]
                  for variables in (layer.trainable_variables, layer.non_trainable_variables)]  # fmt: skip
        values = [tf.constant(value) for value in inputs]
        watched = [*stacks[0], *(value for value in values if value.dtype.is_floating)]
        with tf.GradientTape() as tape, stackable():
            tape.watch(watched)
            outputs = map_replicas(
                lambda one: layer.stateless_call(one[0], one[1], *one[2], **calling(layer, training=True))[0],
                (*stacks, values),
            )
            total = [tf.reduce_sum(o) for o in tf.nest.flatten(outputs) if o.dtype.is_floating]
        return tape.gradient(total, watched, unconnected_gradients="zero") if total and watched else []

    with _quiet():
        traced.get_concrete_function()


def _typed(stacks, variables) -> list[tf.Tensor]:
    return [tf.cast(values, v.dtype) for values, v in zip(stacks, variables, strict=True)]


def _norm(stacks):
    """The Euclidean norm over all tensors of each replica, (replicas,)."""
    squares = [tf.reduce_sum(tf.square(s), axis=list(range(1, s.shape.rank))) for s in stacks]
    return tf.sqrt(tf.add_n(squares))


def _specs(inputs):
    """Signatures of the inputs with the axes that may change left open: replicas, rows, updates."""

    def spec(value, axes):
        value = tf.convert_to_tensor(value)
        return tf.TensorSpec([None] * min(axes, value.shape.rank) + value.shape[axes:].as_list(), value.dtype)

    state, data, scaler, part, numbers, *rest = inputs
    one, two = functools.partial(spec, axes=1), functools.partial(spec, axes=2)
    nest = tf.nest.map_structure
    return [nest(one, state), nest(one, data), nest(one, scaler), nest(two, part), nest(one, numbers), *nest(two, rest)]


@contextlib.contextmanager
def _quiet():
    """Keep TensorFlow from logging which operations run as loops over replicas."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        yield
    finally:
        logger.setLevel(level)
