"""What the labels are: whole numbers are classes, floats a regression's values."""

import numpy as np

_MOST_CLASSES = 1000


def shape_fits(y: np.ndarray) -> bool:
    """Whether labels are one a row, or several floats a row that are not classes in disguise."""
    several = y.ndim == 2 and y.shape[1] > 0 and np.issubdtype(y.dtype, np.floating)
    return y.ndim == 1 or (several and not _one_hot(y))


def _one_hot(y):
    """Zeros and ones, with at most a single one in a row; as values they would be fitted by squared error."""
    return y.ndim == 2 and y.shape[1] > 1 and bool(((y == 0) | (y == 1)).all() and (y.sum(axis=1) <= 1).all())


def check_shape(y: np.ndarray, name: str) -> None:
    """Refuse labels of a shape that does not fit their type, in words that call them by this name."""
    if shape_fits(y):
        return
    kind = "one-hot labels" if y.dtype.kind in "biuf" and _one_hot(y) else str(y.dtype)
    raise ValueError(
        f"expected {name} as classes of shape (rows,), or as floats of shape (rows,) or (rows, values), "
        f"got {kind} of shape {y.shape}; one-hot labels with .argmax(axis=1), values with .astype(float)"
    )


def as_labels(y: np.ndarray, name: str = "y") -> tuple[np.ndarray, int | None]:
    """Labels of a fitting shape, checked, and the number of classes: (y, None) for floats, which stay as they are.

    Raises: ValueError for values that are not finite, and for classes that are not 0, 1, ….
    """
    if np.issubdtype(y.dtype, np.floating):
        if not np.isfinite(y).all():
            raise ValueError(f"expected finite values in {name}, got NaN or infinity; drop those rows first")
        return y, None
    counts = np.issubdtype(y.dtype, np.integer) or y.dtype == bool
    # numbers above both bounds are years or identifiers; taken as classes they would ask for as many outputs
    if not counts or y.min() < 0 or y.max() >= max(_MOST_CLASSES, len(y)):
        raise ValueError(
            f"expected {name} as classes 0, 1, … or as floats, got {y.dtype} such as {y[0]!r}; "
            f"np.unique({name}, return_inverse=True)[1] numbers the classes"
        )
    y = y.astype(np.int64)
    return y, int(y.max()) + 1
