"""Random features: a hidden layer that is drawn and stays, under an output layer that is solved for.

The smallest model with a double descent: fit with as many features as training rows, and with many more.
"""

from dataclasses import dataclass

import numpy as np

from textbook.seeding import stream


@dataclass(frozen=True, eq=False)
class RandomFeatures:
    """max(0, x·w + b) for w and b drawn once.

    w is normal with variance 1/|x|² for the mean |x|² of the rows given to `draw`, b with variance ¼, so that features
    are of size one. The first p features of a larger draw are those of a smaller one.

    Attributes:
        weights: (inputs, features).
        biases: (features,).

    Source: Rahimi & Recht (2007), with a ReLU in the place of the cosine.

    >>> rows = np.eye(3)
    >>> RandomFeatures.draw(rows, count=5, seed=0)(rows).shape
    (3, 5)
    """

    weights: np.ndarray
    biases: np.ndarray

    @classmethod
    def draw(cls, x, *, count: int, seed: int) -> "RandomFeatures":
        """`count` features for rows such as x, (rows, inputs), which give their scale and nothing else.

        Raises: ValueError for x of another form, values that are not finite, rows of zeros and fewer than one feature.
        """
        x = np.asarray(x, dtype=float)
        if not np.isfinite(x).all():
            raise ValueError(
                f"expected finite x, got {np.sum(~np.isfinite(x))} other values; mend by leaving such rows out"
            )
        if x.ndim != 2 or not x.any():
            raise ValueError(
                f"expected x as (rows, inputs), not all 0, got shape {x.shape}; mend by flattening samples"
            )
        if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
            raise ValueError(f"expected count as a whole number from 1 up, got {count!r}")
        rng = stream(seed, "random features")
        # a feature a row, so that a smaller draw is the beginning of a larger one
        drawn = rng.normal(size=(count, x.shape[1] + 1))
        return cls(drawn[:, 1:].T / np.sqrt((x**2).sum(axis=1).mean()), drawn[:, 0] / 2)

    def __call__(self, x) -> np.ndarray:
        """The features of x, (rows, inputs), as (rows, features).

        Raises: ValueError for x of another form, or with another number of inputs than the features were drawn for.
        """
        x = np.asarray(x, dtype=float)
        if x.ndim != 2 or x.shape[1] != len(self.weights):
            raise ValueError(
                f"expected x as (rows, {len(self.weights)}), got shape {x.shape}; mend by inputs as in the draw"
            )
        return np.maximum(x @ self.weights + self.biases, 0)


def minimum_norm(features, targets) -> np.ndarray:
    """Weights w of least |features·w − targets|, and of those the w of least norm: (features, outputs) or (features,).

    With more features than rows many weights fit every row; the smallest of them is where gradient descent from zero
    ends as well.

    Args:
        features: (rows, features).
        targets: (rows,) or (rows, outputs).

    Raises: ValueError for features of another form, another number of targets and values that are not finite.

    >>> minimum_norm([[1.0, 1.0]], [2.0]).round(6).tolist()
    [1.0, 1.0]
    """
    features, targets = np.asarray(features, dtype=float), np.asarray(targets, dtype=float)
    if features.ndim != 2 or targets.ndim not in (1, 2) or len(features) != len(targets):
        raise ValueError(
            f"expected (rows, features) and as many targets as rows, got shapes {features.shape} and {targets.shape}; "
            "mend by a row for each target"
        )
    if not (np.isfinite(features).all() and np.isfinite(targets).all()):
        raise ValueError("expected finite features and targets, got NaN or infinity; mend by leaving such rows out")
    return np.linalg.lstsq(features, targets, rcond=None)[0]
