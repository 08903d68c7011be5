"""Losses at many changed weights in one vectorised graph."""

import numpy as np
import tensorflow as tf

from textbook.checks.evaluation.tensorflow_kinks import winners
from textbook.replicas.mapping import map_replicas


class Evaluation:
    """An objective's terms at points that differ from the model's weights in one number each.

    Args:
        objective: an open `Objective`.
    """

    def __init__(self, objective):
        self._objective = objective
        self._sizes = [int(np.prod(tensor.shape)) for tensor in objective.trainable]
        self._shapes = [tensor.shape for tensor in objective.trainable]
        self._flat = tf.concat([tf.reshape(tensor, [-1]) for tensor in objective.trainable], axis=0)
        self.numbers_a_point = 0  # that one point takes in memory, once traced
        self.has_kinks = False
        self._traced = None

    @property
    def weights(self) -> np.ndarray:
        """All trainable weights, flat, in the objective's precision."""
        return self._flat.numpy()

    @weights.setter
    def weights(self, flat: np.ndarray) -> None:
        self._flat = tf.constant(flat, self._flat.dtype)

    def gradients(self) -> tuple[np.ndarray, np.ndarray]:
        """The terms (terms,) and their gradients (terms, weights)."""
        parts = tf.split(self._flat, self._sizes)
        trainable = [tf.reshape(part, shape) for part, shape in zip(parts, self._shapes, strict=True)]
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(trainable)
            terms = self._objective.terms(trainable)
        slopes = []
        for term in terms:
            parts = tape.gradient(term, trainable, unconnected_gradients=tf.UnconnectedGradients.ZERO)
            slopes.append(np.concatenate([np.ravel(tf.convert_to_tensor(part)) for part in parts]))
        return np.array([term.numpy() for term in terms]), np.array(slopes)

    def trace(self) -> None:
        """Build the graph; what it takes for a point is known after."""
        numbers, indices = tf.TensorSpec([None], self._flat.dtype), tf.TensorSpec([None], tf.int32)
        graph = tf.function(self._pairs, autograph=False)
        self._traced = graph.get_concrete_function(numbers, indices, numbers, numbers)

    def pairs(self, indices, plus, minus) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Terms with weight `indices[i]` set to `plus[i]`, and to `minus[i]`, and whether a kink lies between.

        Returns: (points, terms), (points, terms), (points,) of bool.
        """
        dtype = self._flat.dtype
        indices = tf.constant(indices, tf.int32)
        found = self._traced(self._flat, indices, tf.constant(plus, dtype), tf.constant(minus, dtype))
        return tuple(part.numpy() for part in found)

    def _pairs(self, flat, indices, plus, minus):
        points = tf.shape(indices)[0]
        indices, values = tf.concat([indices, indices], axis=0), tf.concat([plus, minus], axis=0)
        stacks = self._changed(flat, indices, values)
        terms, sides = map_replicas(self._one, stacks)
        changed = tf.math.not_equal(sides[:points], sides[points:])
        return terms[:points], terms[points:], tf.reduce_any(changed, axis=1)

    def _changed(self, flat, indices, values) -> list:
        """A stack (points, …) for each tensor, in which one number a point is changed, of one of the tensors."""
        stacks, start, place = [], 0, tf.range(tf.shape(indices)[0])
        for part, size, shape in zip(tf.split(flat, self._sizes), self._sizes, self._shapes, strict=True):
            inside = (start <= indices) & (indices < start + size)
            # a point that changes another tensor sets this one's first number to what it is
            at = tf.stack([place, tf.where(inside, indices - start, 0)], axis=1)
            stack = tf.tile(part[None], [tf.shape(indices)[0], 1])
            stack = tf.tensor_scatter_nd_update(stack, at, tf.where(inside, values, part[0]))
            stacks.append(tf.reshape(stack, [-1, *shape]))
            start += size
        return stacks

    def _one(self, trainable):
        graph = tf.compat.v1.get_default_graph()
        known = len(graph.get_operations())
        terms = tf.stack(self._objective.terms(trainable))
        operations = graph.get_operations()[known:]
        outputs = [output for operation in operations for output in operation.outputs]
        self.numbers_a_point = self._flat.shape[0] + sum(output.shape.num_elements() or 0 for output in outputs)
        sides = winners(terms, operations)
        self.has_kinks = bool(sides)
        return terms, tf.concat([tf.reshape(side, [-1]) for side in sides] or [tf.zeros([0], tf.bool)], axis=0)
