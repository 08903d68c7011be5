"""A compiled model lent to a check, and given back as it was, to the last bit."""

import contextlib
from collections.abc import Iterator

import keras
import numpy as np

from textbook.model_state import ModelState


def arrays(x, y) -> tuple[np.ndarray, np.ndarray]:
    """x and y as arrays. Raises: ValueError where they have no rows, or not equally many."""
    x, y = np.asarray(x), np.asarray(y)
    if x.ndim == 0 or y.ndim == 0 or len(x) != len(y) or not len(x):
        raise ValueError(
            f"expected as many rows of x as of y, and at least one, got shapes {x.shape} and {y.shape}; "
            "mend by passing arrays (rows, …)"
        )
    return x, y


@contextlib.contextmanager
def lent(model, x, y) -> Iterator[None]:
    """Build the model and its loss if need be, and put everything back after, whatever was done to it meanwhile.

    Raises: ValueError for a model that is not compiled, or has several outputs or losses.
    """
    if not isinstance(model, keras.Model) or not model.compiled:
        raise ValueError(f"expected a compiled keras.Model, got {model!r}; mend by model.compile(optimizer, loss)")
    if isinstance(model.loss, dict | list | tuple):
        raise ValueError(
            f"expected a model with one output and one loss, got loss={model.loss!r}; "
            "mend by a keras.Model that ends in the output to check, compiled with its loss"
        )
    state = ModelState.of(model, batch=(x[:1], y[:1]))
    try:
        yield
    finally:
        state.restore(model)
