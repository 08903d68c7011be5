"""Mean and variance of what enters a batch norm, channel by channel, over the batches of a pass."""

import keras
import numpy as np


class InputMoments:
    """What one layer saw: the moments of its batches, which its moving statistics average, and how they scatter.

    A batch of shape (rows, …, channels) counts all its places; masked ones count nothing. Variances are biased, Σd²/n.

    Attributes:
        calls: how often the layer ran; unread: how often nothing could be read, inside a compiled loop.
        told: the values of `training` that it ran with.

    >>> seen = InputMoments(axis=-1)
    >>> for batch in ([[0.0], [2.0]], [[4.0], [6.0]]):
    ...     seen.see(keras.ops.convert_to_tensor(batch))
    >>> seen.mean.tolist(), seen.variance.tolist(), seen.rows
    ([3.0], [1.0], 4)
    """

    def __init__(self, axis: int):
        self._axis = axis
        self.calls = self.unread = self.rows = 0
        self.told: set[bool] = set()
        self.places = 0.0  # values of a channel in one row
        self._sizes, self._means, self._variances = [], [], []
        self._sample_mean, self._sample_squares = 0.0, 0.0

    def see(self, inputs, mask=None) -> None:
        """Take a batch in, if it is one whose numbers exist."""
        self.calls += 1
        if not _is_concrete(inputs):
            self.unread += 1
            return
        x = np.moveaxis(_floats(inputs), self._axis, -1)
        rows, channels = len(x), x.shape[-1]
        x = x.reshape(rows, -1, channels)
        counts = np.ones(x.shape[:2], x.dtype)
        if mask is not None:
            counts = np.broadcast_to(keras.ops.convert_to_numpy(mask), x.shape[:2]).astype(x.dtype)
        kept = counts.sum(axis=1) > 0
        if not kept.any():
            return
        x, counts = x[kept], counts[kept]
        total = counts.sum(dtype=np.float64)
        of_rows = np.einsum("rpc,rp->rc", x, counts) / counts.sum(axis=1, keepdims=True)
        mean = (of_rows * counts.sum(axis=1, keepdims=True)).sum(axis=0, dtype=np.float64) / total
        # in two passes: the mean square less the squared mean would lose a small spread beside a large mean
        apart = x - mean.astype(x.dtype)
        variance = np.einsum("rpc,rp->c", apart * apart, counts, dtype=np.float64) / total
        self._sizes.append(len(x))
        self._means.append(mean)
        self._variances.append(variance)
        self._gather(of_rows.astype(np.float64))
        self.places = total / len(x)

    def _gather(self, of_rows: np.ndarray) -> None:
        # Chan, Golub and LeVeque's update of the mean and the sum of squares
        count, mean = len(of_rows), of_rows.mean(axis=0)
        together = self.rows + count
        apart = mean - self._sample_mean
        self._sample_squares = (
            self._sample_squares + ((of_rows - mean) ** 2).sum(axis=0) + apart**2 * self.rows * count / together
        )
        self._sample_mean = self._sample_mean + apart * count / together
        self.rows = together

    @property
    def mean(self) -> np.ndarray:
        """Mean over the batches' means, weighted by rows: what the moving mean goes towards. (channels,)"""
        return np.average(self._means, axis=0, weights=self._sizes)

    @property
    def variance(self) -> np.ndarray:
        """Mean over the batches' variances, weighted by rows: what the moving variance goes towards. (channels,)"""
        return np.average(self._variances, axis=0, weights=self._sizes)

    @property
    def spread_of_rows(self) -> np.ndarray:
        """Variance over rows of a row's mean over places: a batch of B rows has a mean with 1/B of it. (channels,)"""
        return self._sample_squares / max(self.rows - 1, 1)

    @property
    def batches(self) -> int:
        return len(self._sizes)

    def excess_between_batches(self) -> float:
        """Variance between the means of equally large batches, by what rows drawn at random give: 1 if they are.

        A mean over channels; NaN with fewer than five batches of two rows or more.
        """
        size = max(self._sizes, default=0)
        means = np.array([mean for mean, rows in zip(self._means, self._sizes, strict=True) if rows == size])
        if len(means) < 5 or size < 2:
            return float("nan")
        expected = self.spread_of_rows / size
        lively = expected > 1e-12
        return float((means.var(axis=0, ddof=1)[lively] / expected[lively]).mean()) if lively.any() else float("nan")


def _is_concrete(tensor) -> bool:
    """Whether the numbers are there, rather than a place for them in a program that is being traced."""
    if keras.backend.backend() == "tensorflow":
        return hasattr(tensor, "numpy")
    if keras.backend.backend() == "jax":
        import jax

        return not isinstance(tensor, jax.core.Tracer)
    return True


def _floats(tensor) -> np.ndarray:
    values = keras.ops.convert_to_numpy(tensor)
    return values if values.dtype == np.float64 else values.astype(np.float32)
