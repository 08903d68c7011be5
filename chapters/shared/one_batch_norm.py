"""One hidden layer with batch norm: the Keras network, and the trained one in NumPy with any statistics."""

from dataclasses import dataclass

import numpy as np

from textbook.normalisation.reference import batch_norm, batch_norm_inference, moving_statistics


def network(input_shape, outputs: int, *, hidden: int = 64, momentum: float = 0.99):
    """Dense without bias, batch norm with this momentum, ReLU, Dense: an uncompiled Keras model."""
    import keras

    flat = [keras.layers.Flatten()] if len(tuple(input_shape)) > 1 else []
    return keras.Sequential(
        [
            keras.Input(tuple(input_shape)),
            *flat,
            keras.layers.Dense(hidden, kernel_initializer="he_normal", use_bias=False),
            keras.layers.BatchNormalization(momentum=momentum),
            keras.layers.Activation("relu"),
            keras.layers.Dense(outputs),
        ]
    )


@dataclass(frozen=True)
class Trained:
    """The numbers of a trained `network`, and its logits under different statistics; x is (rows, …)."""

    kernel: np.ndarray
    gamma: np.ndarray
    beta: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    last: np.ndarray
    bias: np.ndarray

    @classmethod
    def of(cls, model) -> "Trained":
        """Those of a Keras model that `network` built."""
        kernel, gamma, beta, mean, variance, last, bias = (
            np.asarray(part, dtype=float) for part in model.get_weights()
        )
        return cls(kernel, gamma, beta, mean, variance, last, bias)

    def logits(self, x, statistics=None) -> np.ndarray:
        """As at inference, by the moving statistics or by a given (mean, variance). (rows, classes)"""
        mean, variance = statistics or (self.mean, self.variance)
        return self._out(batch_norm_inference(self._sums(x), self.gamma, self.beta, mean=mean, variance=variance))

    def logits_by_batch(self, x, size: int) -> np.ndarray:
        """Every `size` rows normalised by their own mean and variance."""
        sums = self._sums(x)
        parts = [batch_norm(sums[at : at + size], self.gamma, self.beta)[0] for at in range(0, len(sums), size)]
        return self._out(np.concatenate(parts))

    def logits_streaming(self, x, size: int, *, momentum: float) -> np.ndarray:
        """By a moving average of the rows that come in, which begins at 0 and 1 and takes in every batch before use."""
        sums, moving, parts = self._sums(x), (0.0, 1.0), []
        for at in range(0, len(sums), size):
            rows = sums[at : at + size]
            moving = moving_statistics(moving, batch_norm(rows)[1], momentum=momentum)
            parts.append(batch_norm_inference(rows, self.gamma, self.beta, mean=moving[0], variance=moving[1]))
        return self._out(np.concatenate(parts))

    def _sums(self, x) -> np.ndarray:
        return np.asarray(x, dtype=float).reshape(len(x), -1) @ self.kernel

    def _out(self, normal) -> np.ndarray:
        return np.maximum(normal, 0) @ self.last + self.bias


def probabilities(logits) -> np.ndarray:
    """Softmax of each row."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def cross_entropy(logits, y) -> float:
    """Mean loss, in nats, of whole labels y."""
    top = logits.max(axis=1, keepdims=True)
    logs = logits - top - np.log(np.exp(logits - top).sum(axis=1, keepdims=True))
    return float(-logs[np.arange(len(y)), y].mean())
