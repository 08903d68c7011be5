"""The compiled work: one epoch of training, and an evaluation, for a stack of replicas of one model.

Every tensor has a leading replica axis. Shapes are left open, so one trace serves every number of replicas, batch size
and size of data. The data lie in memory once; a replica sees them through its own row numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import tensorflow as tf

from textbook.replicas.mapping import map_replicas
from textbook.replicas.stacked_optimizer import StackedOptimizer

# Rows × replicas that one pass of an evaluation holds at a time: large enough to keep the cores busy, small enough that
# the activations of a wide layer stay within some hundred MiB.
_EVALUATION_ROWS = 131_072


@dataclass(frozen=True)
class Recipe:
    """What a program is compiled from: everything that is the same in all its replicas."""

    model: keras.Model
    optimizer: keras.optimizers.Optimizer
    loss: Callable  # (y, outputs) -> scalar
    metrics: tuple  # per-sample functions (y, outputs) -> (batch,)
    weight_decay: bool  # whether a weight decay per replica is applied
    scaled: bool  # whether rows are shifted and scaled per replica


class Program:
    """Trains and evaluates a stack of replicas; its state is a tuple of lists of stacked tensors.

    State: (trainable variables, non-trainable variables, optimizer variables), each of shape (replicas, …).
    """

    def __init__(self, recipe: Recipe, *, sample_shape, label_type):
        self.recipe = recipe
        self.optimizer = StackedOptimizer(
            recipe.optimizer, recipe.model.trainable_variables, weight_decay=recipe.weight_decay
        )
        rows = tf.TensorSpec([None, None], tf.int32)
        part = (rows, tf.TensorSpec([None, None], label_type))
        samples = tf.TensorSpec([None, *sample_shape], tf.float32)
        state = tuple(
            [tf.TensorSpec([None, *v.shape], v.dtype) for v in variables]
            for variables in (
                recipe.model.trainable_variables,
                recipe.model.non_trainable_variables,
                self.optimizer.variables,
            )
        )
        number = tf.TensorSpec([], tf.int32)
        rates = tf.TensorSpec([None, None], tf.float32)
        values = {name: tf.TensorSpec([None], tf.float32) for name in self.optimizer.mapped}
        data = [samples, (samples, samples)]
        self.epoch = tf.function(
            self._epoch,
            input_signature=[state, *data, part, part, rows, number, rates, values],
            autograph=False,
        )
        self.evaluate = tf.function(self._evaluate, input_signature=[state, *data, part], autograph=False)

    def _epoch(self, state, data, scaler, train, validation, order, batch_size, rates, hyperparameters):
        """Train one epoch, then evaluate the training and the validation part: one call, so little overhead."""
        state, sums = self._train(state, data, scaler, train, order, batch_size, rates, hyperparameters)
        return (
            state,
            sums,
            self.evaluate(state, data, scaler, train),
            self.evaluate(state, data, scaler, validation),
        )

    def _inputs(self, x, rows, scaler):
        x = tf.gather(x, rows)
        if not self.recipe.scaled:
            return x
        offset, scale = scaler
        return (x - offset[:, tf.newaxis]) / scale[:, tf.newaxis]

    def _train(self, state, data, scaler, part, order, batch_size, rates, hyperparameters):
        """One pass over the training part in the given order.

        Args:
            data: (samples, …), the one resident array.
            scaler: offset and scale of every replica, each (replicas, …), ignored unless the recipe says scaled.
            part: rows of the data and their labels, each (replicas, n).
            order: (replicas, n): positions in the part, batch after batch; the last batch may be smaller.
            rates: (updates, replicas): the learning rate of each update.
            hyperparameters: name → (replicas,).

        Returns: (state, means): the reported loss and the metrics over the samples, (replicas, 1 + metrics).
        """
        recipe = self.recipe
        replicas, samples = tf.shape(order)[0], tf.shape(order)[1]
        rows, labels = (tf.gather(values, order, batch_dims=1) for values in part)

        def update(step, state, sums):
            trainable, frozen, slots = state
            batch = slice(step * batch_size, tf.minimum((step + 1) * batch_size, samples))
            x = self._inputs(data, rows[:, batch], scaler)
            with tf.GradientTape() as tape:
                tape.watch(trainable)
                loss, measured, frozen = map_replicas(
                    lambda inputs: self._forward(*inputs), (trainable, frozen, x, labels[:, batch])
                )
                total = tf.reduce_sum(loss)  # replicas share no weights, so each keeps its own gradient
            gradients = tape.gradient(total, trainable)
            trainable, slots = self.optimizer.apply(
                slots, gradients, trainable, learning_rate=rates[step], hyperparameters=hyperparameters
            )
            size = tf.cast(batch.stop - batch.start, tf.float32)
            sums += tf.concat([loss[:, tf.newaxis] * size, measured], axis=1)
            return step + 1, (trainable, frozen, slots), sums

        sums = tf.zeros([replicas, 1 + len(recipe.metrics)])
        _, state, sums = tf.while_loop(
            lambda step, *_: step * batch_size < samples, update, [0, state, sums], parallel_iterations=1
        )
        return state, sums / tf.cast(samples, tf.float32)

    def _forward(self, trainable, frozen, x, y):
        """One replica's training pass: (loss with penalties, sums of the metrics, non-trainable variables)."""
        outputs, frozen, penalties = self.recipe.model.stateless_call(
            trainable, frozen, x, training=True, return_losses=True
        )
        y = _like(y, outputs)
        loss = self.recipe.loss(y, outputs)
        for penalty in penalties:
            loss += penalty
        return loss, self._metrics(y, outputs), [tf.convert_to_tensor(v) for v in frozen]

    def _metrics(self, y, outputs):
        """Sums of the metrics over a batch, shape (metrics,)."""
        sums = [tf.reduce_sum(tf.cast(metric(y, outputs), tf.float32)) for metric in self.recipe.metrics]
        return tf.stack(sums) if sums else tf.zeros([0])

    def _evaluate(self, state, data, scaler, part):
        """Means of data loss, penalty and metrics without dropout: (replicas, 2 + metrics), NaN for an empty part."""
        (trainable, frozen, _), (rows, labels) = state, part
        replicas, samples = tf.shape(rows)[0], tf.shape(rows)[1]
        batch_size = tf.maximum(1, _EVALUATION_ROWS // replicas)

        def one(inputs):
            trainable, frozen, x, y = inputs
            outputs, _, penalties = self.recipe.model.stateless_call(
                trainable, frozen, x, training=False, return_losses=True
            )
            y = _like(y, outputs)
            penalty = tf.add_n(penalties) if penalties else tf.constant(0.0)
            return self.recipe.loss(y, outputs), penalty, self._metrics(y, outputs)

        def batch(start, sums, _):
            stop = tf.minimum(start + batch_size, samples)
            x = self._inputs(data, rows[:, start:stop], scaler)
            loss, penalty, measured = map_replicas(one, (trainable, frozen, x, labels[:, start:stop]))
            size = tf.cast(stop - start, tf.float32)
            sums += tf.concat([loss[:, tf.newaxis] * size, measured], axis=1)
            return stop, sums, penalty

        sums = tf.zeros([replicas, 1 + len(self.recipe.metrics)])
        _, sums, penalty = tf.while_loop(
            lambda start, *_: start < samples, batch, [0, sums, tf.zeros([replicas])], parallel_iterations=1
        )
        means = sums / tf.cast(samples, tf.float32)
        return tf.concat([means[:, :1], penalty[:, tf.newaxis], means[:, 1:]], axis=1)


def _like(y, outputs):
    """A regression's values in the shape of the outputs, (batch, 1), as a metric per sample needs them."""
    return tf.reshape(y, tf.shape(outputs)) if y.dtype.is_floating else y
