"""Losses at many changed weights, one after another.

`torch.func.vmap` refuses the functions with a gradient of their own that a check is made for, so points are not stacked
here: a check takes as long as a plain loop without the copying of weights.
"""

import numpy as np
import torch

from textbook.checks.evaluation.torch_kinks import Watch
from textbook.gradients import untouched_randomness


class Evaluation:
    """An objective's terms at points that differ from the model's weights in one number each.

    Args:
        objective: an open `Objective`.
    """

    def __init__(self, objective):
        self._objective = objective
        self._shapes = [tuple(tensor.shape) for tensor in objective.trainable]
        self._sizes = [int(np.prod(shape)) for shape in self._shapes]
        self._flat = torch.cat([tensor.detach().reshape(-1) for tensor in objective.trainable])
        self.numbers_a_point = 1
        self.has_kinks = False

    @property
    def weights(self) -> np.ndarray:
        """All trainable weights, flat, in the objective's precision."""
        return self._flat.numpy(force=True)

    @weights.setter
    def weights(self, flat: np.ndarray) -> None:
        self._flat = torch.as_tensor(flat, dtype=self._flat.dtype, device=self._flat.device)

    def gradients(self) -> tuple[np.ndarray, np.ndarray]:
        """The terms (terms,) and their gradients (terms, weights)."""
        flat = self._flat.clone().requires_grad_()
        terms = self._terms(flat)
        slopes = [torch.autograd.grad(term, flat, retain_graph=True, allow_unused=True)[0] for term in terms]
        slopes = [torch.zeros_like(flat) if slope is None else slope for slope in slopes]
        return torch.stack(terms).numpy(force=True), torch.stack(slopes).numpy(force=True)

    def trace(self) -> None:
        """Find out whether there are kinks."""
        self.has_kinks = self._at(0, self._flat[0])[1].size > 0

    def pairs(self, indices, plus, minus) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Terms with weight `indices[i]` set to `plus[i]`, and to `minus[i]`, and whether a kink lies between.

        Returns: (points, terms), (points, terms), (points,) of bool.
        """
        above, below, crossed = [], [], []
        for index, up, down in zip(indices, plus, minus, strict=True):
            terms, sides = self._at(index, up)
            other_terms, other_sides = self._at(index, down)
            above.append(terms)
            below.append(other_terms)
            crossed.append((sides != other_sides).any())
        return np.array(above), np.array(below), np.array(crossed)

    def _at(self, index, value):
        flat = self._flat.clone()
        flat[int(index)] = float(value)
        # every evaluation draws its masks from torch's stream as it stands
        with torch.no_grad(), untouched_randomness(), Watch() as watch:
            terms = torch.stack(self._terms(flat))
        return terms.numpy(force=True), watch.sides()

    def _terms(self, flat) -> list:
        parts = torch.split(flat, self._sizes)
        weights = [part.reshape(shape) for part, shape in zip(parts, self._shapes, strict=True)]
        return list(self._objective.terms(weights))
