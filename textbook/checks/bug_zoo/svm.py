"""A linear support vector machine in NumPy, with its gradient and with the ways in which people get it wrong."""

import numpy as np

BUGS = (
    "missing margin indicator",  # every wrong class counts as violating its margin
    "wrong sign",  # the true class is pushed down as well
    "forgotten count",  # the true class's row counts one violation, not all of them
    "forgotten factor 2",  # the penalty's gradient is l2·w
    "stale mask",  # margins are those of zero weights: a mask kept from the first step
)


class WestonWatkins:
    """L(w) = mean over samples of Σ_{j≠y} max(0, s_j − s_y + 1), plus l2·Σw², with scores s = W·x.

    All methods take any number of points at once.

    Args:
        x: samples (samples, features).
        y: classes (samples,), whole numbers 0…classes − 1.
        classes: number of classes.
        l2: strength of the penalty.

    Raises: ValueError for shapes that do not fit, labels outside the classes, and fewer than two classes.

    Source: Weston and Watkins (1999); cs231n's notes on linear classification.

    Ten classes at zero scores: nine wrong ones, each short of its margin by 1.

    >>> svm = WestonWatkins(np.ones((4, 3)), [0, 1, 2, 3], 10)
    >>> float(svm.value(np.zeros(svm.weights)))
    9.0
    """

    def __init__(self, x, y, classes: int, l2: float = 0.0):
        x, y = np.asarray(x, dtype=np.float64), np.asarray(y)
        if x.ndim != 2 or y.shape != (len(x),) or not len(x):
            raise ValueError(
                f"expected x (samples, features) and y (samples,), got {x.shape} and {y.shape}; mend by reshaping"
            )
        if not np.issubdtype(y.dtype, np.integer) or classes < 2 or y.min() < 0 or y.max() >= classes:
            raise ValueError(
                f"expected labels as whole numbers from 0 to classes − 1, got {y.min()}…{y.max()} ({y.dtype}) with "
                f"classes={classes}; mend by numbering the classes from 0"
            )
        self.x, self.y, self.classes, self.l2 = x, y, int(classes), float(l2)
        self.weights = self.classes * x.shape[1]
        self._true = np.eye(self.classes, dtype=bool)[y]

    def value(self, w) -> np.ndarray:
        """Loss of weights (…, classes·features), a row of features for each class; (…,)."""
        w = self._points(w)
        return np.maximum(self._margins(w), 0).sum(axis=-1).mean(axis=-1) + self.l2 * (w**2).sum(axis=-1)

    def gradient(self, w) -> np.ndarray:
        """∂L/∂w at weights (…, classes·features), of their shape; a margin of exactly 0 pushes nobody."""
        w = self._points(w)
        return self._pushed(self._margins(w) > 0) + 2 * self.l2 * w

    def wrong_gradient(self, w, bug: str) -> np.ndarray:
        """The gradient with one of `BUGS` in it, of w's shape.

        Raises: ValueError for an unknown bug.
        """
        w = self._points(w)
        violated, count = self._margins(w) > 0, None
        if bug == "missing margin indicator":
            violated = np.broadcast_to(~self._true, violated.shape)
        elif bug == "stale mask":
            violated = np.broadcast_to(self._margins(0 * w) > 0, violated.shape)
        elif bug == "wrong sign":
            count = -violated.sum(axis=-1)
        elif bug == "forgotten count":
            count = violated.any(axis=-1)
        elif bug != "forgotten factor 2":
            raise ValueError(f"expected one of {', '.join(map(repr, BUGS))}, got {bug!r}; mend by naming one of these")
        return self._pushed(violated, count) + (1 if bug == "forgotten factor 2" else 2) * self.l2 * w

    def _points(self, w) -> np.ndarray:
        w = np.asarray(w, dtype=np.float64)
        if w.ndim == 0 or w.shape[-1] != self.weights:
            raise ValueError(
                f"expected weights (…, {self.weights}), got {w.shape}; mend by raveling (classes, features)"
            )
        return w

    def _margins(self, w) -> np.ndarray:
        """s_j − s_y + 1 of every sample and class, (…, samples, classes); −1 at the true class, never short."""
        scores = self.x @ np.swapaxes(w.reshape(*w.shape[:-1], self.classes, -1), -1, -2)
        of_true = np.take_along_axis(scores, np.broadcast_to(self.y[:, None], (*scores.shape[:-1], 1)), axis=-1)
        return np.where(self._true, -1.0, scores - of_true + 1)

    def _pushed(self, violated, count=None) -> np.ndarray:
        """Each violating class's row gets the sample, the true class's row loses it `count` times; (…, weights)."""
        count = violated.sum(axis=-1) if count is None else count
        pushes = np.where(self._true, -count[..., None].astype(float), violated)
        rows = np.swapaxes(pushes, -1, -2) @ self.x / len(self.x)
        return rows.reshape(*rows.shape[:-2], self.weights)
