"""A small network in plain NumPy whose loss takes many weight vectors at once, in any precision.

Differences need the loss at two points per weight and step. A framework's model would spend its time on calls, and
holds one precision; here a table of weight vectors is one call.
"""

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True, eq=False)
class SmallNetwork:
    """Cross-entropy of a multilayer perceptron as a function of its weights, a surface like those of the library.

    Args:
        x: (rows, features).
        labels: (rows,) classes from 0.
        classes: number of logits.
        hidden: units of each hidden layer.
        activation: "tanh", which is smooth, or "relu", which has a kink at 0.
        dtype: that the loss is computed in; weights are rounded to it first.

    >>> network = SmallNetwork(np.ones((2, 3)), np.array([0, 1]), classes=2, hidden=(4,))
    >>> network.weights, round(float(network.value(np.zeros(26))), 4)
    (26, 0.6931)
    """

    x: np.ndarray
    labels: np.ndarray
    classes: int
    hidden: tuple[int, ...] = (20,)
    activation: str = "tanh"
    dtype: str = "float64"

    def __post_init__(self):
        if self.activation not in ("tanh", "relu"):
            raise ValueError(f"expected activation as 'tanh' or 'relu', got {self.activation!r}; mend by one of these")

    @cached_property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """(inputs, units) of each layer."""
        return tuple(itertools.pairwise((self.x.shape[1], *self.hidden, self.classes)))

    @cached_property
    def weights(self) -> int:
        """Number of weights: of each layer its kernel, row by row, then its biases."""
        return sum((inputs + 1) * units for inputs, units in self.shapes)

    def initial(self, random: np.random.Generator) -> np.ndarray:
        """(weights,) float64: kernels as He et al. (2015) draw them before ReLU, as Glorot does before tanh."""
        parts = []
        for inputs, units in self.shapes:
            spread = np.sqrt(2 / inputs if self.activation == "relu" else 2 / (inputs + units))
            parts += [random.normal(0, spread, inputs * units), random.normal(0, 0.1, units)]
        return np.concatenate(parts)

    def value(self, w) -> np.ndarray:
        """Mean loss in nats, (…,) for weights (…, weights)."""
        return -np.mean(self._log_likelihoods(self._signals(w)[-1]), axis=-1)

    def gradient(self, w) -> np.ndarray:
        """Its gradient by the chain rule, (weights,) at one point (weights,)."""
        *signals, logits = self._signals(w)
        slope = np.exp(_log_softmax(logits))
        slope[np.arange(len(slope)), self.labels] -= 1
        slope /= len(slope)
        parts = []
        for (kernel, _), signal in zip(self._layers(w)[::-1], signals[::-1], strict=True):
            parts = [(signal.T @ slope).ravel(), slope.sum(axis=0), *parts]
            # of tanh 1 − tanh², of ReLU 1 where the unit is on; the first layer's input gets a slope that nobody uses
            slope = slope @ kernel.T * (1 - signal**2 if self.activation == "tanh" else signal > 0)
        return np.concatenate(parts)

    def _signals(self, w) -> list[np.ndarray]:
        """What goes into each layer, and the logits: (…, rows, units)."""
        signals = [np.asarray(self.x, self.dtype)]
        for number, (kernel, bias) in enumerate(self._layers(w), start=1):
            sums = signals[-1] @ kernel + bias[..., None, :]
            if number < len(self.shapes):
                sums = np.tanh(sums) if self.activation == "tanh" else np.maximum(sums, 0)
            signals.append(sums)
        return signals

    def _layers(self, w) -> list[tuple[np.ndarray, np.ndarray]]:
        w, start, layers = np.asarray(w).astype(self.dtype), 0, []
        for inputs, units in self.shapes:
            middle, end = start + inputs * units, start + (inputs + 1) * units
            layers.append((w[..., start:middle].reshape(*w.shape[:-1], inputs, units), w[..., middle:end]))
            start = end
        return layers

    def _log_likelihoods(self, logits) -> np.ndarray:
        return _log_softmax(logits)[..., np.arange(len(self.labels)), self.labels]


def _log_softmax(logits) -> np.ndarray:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
