"""What may stand for predictions and for classes: arrays of the right shape with the right numbers in them."""

import numpy as np

# how far sums may be from 1: float16's softmax rounds so
_ROUNDING = 1e-3


def as_rows(outputs, y=None) -> tuple[np.ndarray, np.ndarray | None]:
    """Outputs as (samples, classes) float64, one number a sample as (samples, 1), and their classes as (samples,).

    Args:
        outputs: (…, classes), or (…, 1) or (samples,) for two classes.
        y: (…) classes from 0, or (…, 1), or all in one row; None where there are none.

    Raises: ValueError for no samples, and for classes of another shape.

    >>> as_rows([0.2, 0.7], [0, 1])[0].shape
    (2, 1)
    """
    outputs = np.asarray(outputs, np.float64)
    if outputs.ndim < 2:
        outputs = outputs.reshape(-1, 1)
    if not outputs.size:
        raise ValueError(f"expected one sample or more, got an array {outputs.shape}; mend by rows to judge")
    leading = outputs.shape[:-1]
    outputs = outputs.reshape(-1, outputs.shape[-1])
    if y is None:
        return outputs, None
    y = np.asarray(y)
    if y.shape not in (leading, (*leading, 1), (len(outputs),), (len(outputs), 1)):
        raise ValueError(
            f"expected a class for each of {len(outputs)} samples, got classes {y.shape} for outputs {leading}; "
            "mend by the same rows, and by y.argmax(axis=-1) of one-hot labels"
        )
    return outputs, y.reshape(-1)


def check_finite(outputs: np.ndarray) -> None:
    """Refuse rows (samples, classes) that hold NaN or ∞."""
    broken = int((~np.isfinite(outputs)).any(axis=-1).sum())
    if broken:
        raise ValueError(f"expected finite outputs, got {broken} rows that are not; mend by a run that did not diverge")


def check_probabilities(predicted: np.ndarray) -> None:
    """Refuse rows (samples, classes) that are no probabilities, and say what they are instead."""
    check_finite(predicted)
    low, high = predicted.min(), predicted.max()
    if low < 0 or high > 1 + _ROUNDING:
        raise ValueError(
            f"expected probabilities, got numbers from {low:.4g} to {high:.4g}; mend logits by "
            "textbook.ensembles.probabilities(logits, logits=True)"
        )
    sums = predicted.sum(axis=-1)
    if predicted.shape[-1] > 1 and np.abs(sums - 1).max() > _ROUNDING:
        raise ValueError(
            f"expected probabilities, got rows that sum to {sums.min():.4g} … {sums.max():.4g}; mend by a softmax in "
            "float32, and where a row has several labels by one column after another, predicted[:, [0]]"
        )
