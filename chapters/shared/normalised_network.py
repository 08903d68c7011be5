"""Multilayer perceptrons with or without batch norm, many side by side in NumPy: loss, gradient, layer by layer.

Eight layers with batch norm take TensorFlow as long to compile as a hundred such networks take to train here, and each
depth is a graph of its own. Here there is nothing to compile, and what every layer gets can be read at any update.
The tests compare gradients with Keras's, and one update with that of `fit`.
"""

import itertools
from dataclasses import dataclass, replace

import numpy as np

EPSILON = 1e-3  # as in Keras


@dataclass(frozen=True, eq=False)
class NormalisedNetworks:
    """Replicas of one perceptron, Dense → (batch norm) → activation, and a last Dense that gives logits.

    Every array has the replicas in front. The hidden layers' shifts are the biases without batch norm and its β with
    it, where biases would be of no use.

    Args:
        kernels: one array (replicas, inputs, units) a layer, the last one's units being the classes.
        shifts: (replicas, 1, units) a layer.
        scales: γ of each hidden layer, (replicas, 1, units); an empty list is a network without batch norm.
        activation: "relu" or "sigmoid".
    """

    kernels: list[np.ndarray]
    shifts: list[np.ndarray]
    scales: list[np.ndarray]
    activation: str = "relu"

    @classmethod
    def initial(cls, random: np.random.Generator, *, shapes, batch_norm: bool, activation: str, dtype="float32"):
        """One replica: hidden kernels as He et al. (2015) draw them, the last one as Glorot does, shifts 0, scales 1.

        Args:
            shapes: inputs and units of every layer, (64, 32, 10) for one hidden layer.
        """
        kernels = []
        for number, (inputs, units) in enumerate(itertools.pairwise(shapes), start=2):
            last = number == len(shapes)
            limit = np.sqrt(6 / (inputs + units))
            kernel = random.uniform(-limit, limit, (inputs, units)) if last else random.normal(size=(inputs, units))
            kernels.append((kernel if last else kernel * np.sqrt(2 / inputs))[None].astype(dtype))
        shifts = [np.zeros((1, 1, units), dtype) for units in shapes[1:]]
        scales = [np.ones((1, 1, units), dtype) for units in shapes[1:-1]] if batch_norm else []
        return cls(kernels, shifts, scales, activation)

    @classmethod
    def side_by_side(cls, networks: list["NormalisedNetworks"]) -> "NormalisedNetworks":
        """Networks of one shape as one stack, in order."""
        parts = [[getattr(one, name) for one in networks] for name in ("kernels", "shifts", "scales")]
        stacks = [[np.concatenate(layer) for layer in zip(*part, strict=True)] for part in parts]
        return cls(*stacks, networks[0].activation)

    @property
    def weights(self) -> list[np.ndarray]:
        """All that is trained: kernels, shifts, scales."""
        return [*self.kernels, *self.shifts, *self.scales]

    def moved(self, gradients: list[np.ndarray], rates: np.ndarray) -> "NormalisedNetworks":
        """The networks after a step of gradient descent, w − rate·gradient, with a rate for each replica."""
        rates = rates.astype(self.kernels[0].dtype)[:, None, None]
        new = [weight - rates * slope for weight, slope in zip(self.weights, gradients, strict=True)]
        n = len(self.kernels)
        return replace(self, kernels=new[:n], shifts=new[n : 2 * n], scales=new[2 * n :])

    def some(self, which) -> "NormalisedNetworks":
        """Those replicas."""
        parts = [[layer[which] for layer in part] for part in (self.kernels, self.shifts, self.scales)]
        return NormalisedNetworks(*parts, self.activation)

    def statistics(self, x, noise=None) -> list[tuple[np.ndarray, np.ndarray]]:
        """Mean and variance of every hidden layer's sums over these rows, as a batch would have them."""
        return [(mean, variance) for _, mean, variance, *_ in self._forward(x, noise=noise)[0]]

    def inputs(self, x, noise=None) -> list[np.ndarray]:
        """What every layer but the first gets in training on these rows, (replicas, rows, units) each."""
        return [layer[-1] for layer in self._forward(x, noise=noise)[0]]

    def sums(self, x, layer: int) -> np.ndarray:
        """What one hidden layer, counted from 1, puts into its activation on these rows, (replicas, rows, units)."""
        normal = self._forward(x)[0][layer - 1][0]
        return (self.scales[layer - 1] * normal if self.scales else normal) + self.shifts[layer - 1]

    def losses(self, x, y, *, statistics=None, noise=None) -> tuple[np.ndarray, np.ndarray]:
        """Mean cross-entropy (nats) and accuracy, (replicas,) each.

        Args:
            x: (replicas, rows, features).
            y: (replicas, rows), classes from 0.
            statistics: means and variances to normalise by; by default those of these rows.
        """
        logits = self._forward(x, statistics=statistics, noise=noise)[1]
        return -_taken(_log_softmax(logits), y).mean(axis=1), (logits.argmax(axis=-1) == y).mean(axis=1)

    def gradients(self, x, y, *, noise=None) -> list[np.ndarray]:
        """The slope of the mean loss over these rows for each of `weights`, batch norm by the rows' own statistics."""
        layers, logits = self._forward(x, noise=noise)
        slope = np.exp(_log_softmax(logits))
        np.put_along_axis(slope, y[..., None], np.take_along_axis(slope, y[..., None], -1) - 1, -1)
        slope /= x.shape[1]
        kernels, shifts, scales = [], [], []
        for number in range(len(self.kernels) - 1, -1, -1):
            if number < len(layers):
                normal, _, variance, factor, output = layers[number]
                slope *= output > 0 if self.activation == "relu" else output * (1 - output)
                if factor is not None:
                    slope *= factor
            shifts.append(slope.sum(axis=1, keepdims=True))
            if self.scales and number < len(layers):
                scales.append(np.einsum("rbu,rbu->ru", slope, normal)[:, None])
                # mean and variance of the batch follow its rows, which takes the parts along 1 and along x̂ away
                slope -= (shifts[-1] + normal * scales[-1]) / x.shape[1]
                slope *= self.scales[number] / np.sqrt(variance + EPSILON)
            below = layers[number - 1][-1] if number else x
            kernels.append(np.swapaxes(below, 1, 2) @ slope)
            if number:
                slope = slope @ np.swapaxes(self.kernels[number], 1, 2)
        return [*kernels[::-1], *shifts[::-1], *scales[::-1]]

    def _forward(self, x, *, statistics=None, noise=None):
        """(x̂ or sums, mean, variance, noise's factor, output) of every hidden layer, and the logits.

        noise: for each hidden layer (factor, shift), (replicas, 1, units), put behind batch norm.
        """
        layers, signal = [], x
        for number in range(len(self.kernels) - 1):
            normal = signal @ self.kernels[number]
            mean = variance = factor = None
            if self.scales:
                mean = statistics[number][0] if statistics else normal.mean(axis=1, keepdims=True)
                normal -= mean  # in place, here and below: most of the time goes into moving numbers about
                variance = statistics[number][1] if statistics else _mean_square(normal)
                normal *= 1 / np.sqrt(variance + EPSILON)
                signal = self.scales[number] * normal
                signal += self.shifts[number]
            else:
                signal = normal + self.shifts[number]
            if noise is not None:
                factor, shift = noise[number]
                signal *= factor
                signal += shift
            if self.activation == "relu":
                np.maximum(signal, 0, out=signal)
            else:
                signal = 0.5 * (1 + np.tanh(0.5 * signal))
            layers.append((normal, mean, variance, factor, signal))
        return layers, signal @ self.kernels[-1] + self.shifts[-1]


def _mean_square(centred):
    return np.einsum("rbu,rbu->ru", centred, centred)[:, None] / centred.shape[1]


def _log_softmax(logits):
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def _taken(table, y):
    return np.take_along_axis(table, y[..., None], axis=-1)[..., 0]
