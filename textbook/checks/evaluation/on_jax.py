"""Losses at many changed weights at once, by `jax.vmap`."""

import jax
import numpy as np

from textbook.checks.evaluation.jax_kinks import numbers_in, with_winners


class Evaluation:
    """An objective's terms at points that differ from the model's weights in one number each.

    Args:
        objective: an open `Objective`.
    """

    def __init__(self, objective):
        self._objective = objective
        self._shapes = [tensor.shape for tensor in objective.trainable]
        self._flat = jax.numpy.concatenate([tensor.ravel() for tensor in objective.trainable])
        self.numbers_a_point = 0  # that one point takes in memory, once traced
        self.has_kinks = False
        self._traced = None

    @property
    def weights(self) -> np.ndarray:
        """All trainable weights, flat, in the objective's precision."""
        return np.asarray(self._flat)

    @weights.setter
    def weights(self, flat: np.ndarray) -> None:
        self._flat = jax.numpy.asarray(flat, dtype=self._flat.dtype)

    def gradients(self) -> tuple[np.ndarray, np.ndarray]:
        """The terms (terms,) and their gradients (terms, weights)."""

        @jax.jit
        def all_at_once(flat):
            terms, back = jax.vjp(self._terms, flat)
            (slopes,) = jax.vmap(back)(jax.numpy.eye(len(terms), dtype=terms.dtype))
            return terms, slopes

        return tuple(np.asarray(part) for part in all_at_once(self._flat))

    def trace(self) -> None:
        """Find the kinks; what a point takes is known after."""
        terms = jax.make_jaxpr(self._terms)(self._flat)
        self.numbers_a_point = numbers_in(terms.jaxpr)
        one = with_winners(terms)
        self.has_kinks = jax.eval_shape(one, terms.consts, self._flat)[1].shape[0] > 0

        def pair(consts, flat, index, plus, minus):
            above, sides = one(consts, flat.at[index].set(plus))
            below, other_sides = one(consts, flat.at[index].set(minus))
            return above, below, jax.numpy.any(sides != other_sides)

        self._traced = jax.jit(jax.vmap(pair, in_axes=(None, None, 0, 0, 0)))
        self._consts = terms.consts

    def pairs(self, indices, plus, minus) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Terms with weight `indices[i]` set to `plus[i]`, and to `minus[i]`, and whether a kink lies between.

        Returns: (points, terms), (points, terms), (points,) of bool.
        """
        return tuple(np.asarray(part) for part in self._traced(self._consts, self._flat, indices, plus, minus))

    def _terms(self, flat):
        sizes = [int(np.prod(shape)) for shape in self._shapes]
        parts = jax.numpy.split(flat, np.cumsum(sizes)[:-1])
        weights = [part.reshape(shape) for part, shape in zip(parts, self._shapes, strict=True)]
        return jax.numpy.stack(self._objective.terms(weights))
