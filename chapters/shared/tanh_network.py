"""The loss of a network with one hidden layer of tanh units, with exact gradient and Hessian at many points at once.

Critical points are found by the thousand, which wants every second derivative of every start in one call; a model of a
framework has them for one set of weights at a time.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class TanhNetwork:
    """f(w) = mean of ln(1 + e^(−sᵢzᵢ)) with logit z = v·tanh(Ux + b) + c, plus ½·l2·‖w‖²; sᵢ = ±1 for class 1 and 0.

    A surface like those of the library. w is U (hidden, features) row by row, b, v (hidden each), and c.

    Args:
        x: (rows, features).
        y: (rows,) of 0 and 1.
        hidden: number of tanh units.
        l2: strength of the penalty on all weights; above 0 it keeps critical points from running off to infinity.

    >>> network = TanhNetwork(np.ones((2, 2)), np.array([0, 1]), hidden=6)
    >>> network.weights, round(float(network.value(np.zeros(25))), 4)
    (25, 0.6931)
    """

    x: np.ndarray
    y: np.ndarray
    hidden: int = 6
    l2: float = 0.0

    @property
    def weights(self) -> int:
        return self.hidden * (self.x.shape[1] + 2) + 1

    def value(self, w):
        """(…,) in nats."""
        w = np.asarray(w, dtype=np.float64)
        logits = self._forward(w)[-1]
        return np.mean(np.logaddexp(0, -(2 * self.y - 1) * logits), axis=-1) + self.l2 / 2 * np.sum(w**2, axis=-1)

    def gradient(self, w):
        """(…, weights)."""
        w = np.asarray(w, dtype=np.float64)
        outer, signals, logits = self._forward(w)
        slopes = _sigmoid(logits) - self.y
        return (slopes[..., None, :] @ self._jacobian(outer, signals))[..., 0, :] / len(self.y) + self.l2 * w

    def hessian(self, w):
        """(…, weights, weights): the Gauss–Newton part JᵀDJ, and the slopes times the logits' second derivatives."""
        w = np.asarray(w, dtype=np.float64)
        outer, signals, logits = self._forward(w)
        p = _sigmoid(logits)
        jacobian = self._jacobian(outer, signals)
        matrix = np.swapaxes(jacobian, -1, -2) @ (jacobian * (p * (1 - p))[..., None])
        self._add_bends(matrix, outer, signals, p - self.y)
        return matrix / len(self.y) + self.l2 * np.eye(self.weights)

    def permuted(self, w, order, signs):
        """The same function of x by other weights: hidden units in another order, each turned over or not (±1)."""
        w, h, features = np.asarray(w, dtype=np.float64), self.hidden, self.x.shape[1]
        inner, bias, outer, last = np.split(w, np.cumsum([h * features, h, h]), axis=-1)
        inner = inner.reshape(*w.shape[:-1], h, features)[..., order, :] * np.asarray(signs)[:, None]
        turned = [inner.reshape(*w.shape[:-1], -1), bias[..., order] * signs, outer[..., order] * signs, last]
        return np.concatenate(turned, axis=-1)

    def _forward(self, w):
        """v (…, hidden), the units' signals (…, rows, hidden) and the logits (…, rows)."""
        h, features = self.hidden, self.x.shape[1]
        inner, bias, outer, last = np.split(w, np.cumsum([h * features, h, h]), axis=-1)
        inner = inner.reshape(*w.shape[:-1], h, features)
        signals = np.tanh(self.x @ np.swapaxes(inner, -1, -2) + bias[..., None, :])
        return outer, signals, (signals @ outer[..., None])[..., 0] + last

    def _jacobian(self, outer, signals):
        """∂z/∂w, (…, rows, weights)."""
        through = outer[..., None, :] * (1 - signals**2)
        by_inner = (through[..., None] * self.x[:, None, :]).reshape(*through.shape[:-1], -1)
        return np.concatenate([by_inner, through, signals, np.ones((*signals.shape[:-1], 1))], axis=-1)

    def _add_bends(self, matrix, outer, signals, slopes) -> None:
        """Adds Σ slopeᵢ ∂²zᵢ/∂w². A unit's weights meet only each other there: (inner, bias) twice, and with its v."""
        h, features = self.hidden, self.x.shape[1]
        with_one = np.concatenate([self.x, np.ones((len(self.x), 1))], axis=1)
        squares = (with_one[:, :, None] * with_one[:, None, :]).reshape(len(self.x), -1)
        derivative = 1 - signals**2
        weighted = slopes[..., None]
        twice = np.swapaxes(weighted * -2 * signals * derivative * outer[..., None, :], -1, -2) @ squares
        once = np.swapaxes(weighted * derivative, -1, -2) @ with_one
        for unit in range(h):
            own = np.array([*range(unit * features, (unit + 1) * features), h * features + unit])
            top = h * features + h + unit
            matrix[..., own[:, None], own] += twice[..., unit, :].reshape(*twice.shape[:-2], features + 1, features + 1)
            matrix[..., own, top] += once[..., unit, :]
            matrix[..., top, own] += once[..., unit, :]


def _sigmoid(z):
    return 0.5 * (1 + np.tanh(z / 2))  # without overflow at either end
