"""Sorting predictions by their confidence into bins."""

import numpy as np

from textbook.calibration.arrays import as_rows, check_probabilities
from textbook.ensembles.probability import labels, negative_log_likelihood
from textbook.schedules.arguments import one_of, whole

BINNINGS = ("width", "count")


def confidences(predicted, y=None) -> tuple[np.ndarray, np.ndarray | None]:
    """The probability of the class that each prediction names, and whether that class is right.

    Args:
        predicted: (…, classes) probabilities, or (…, 1) of class 1.
        y: (…) classes from 0; None where only confidences are wanted.

    Returns: (samples,) floats in 0…1, and (samples,) truth values or None.
    Raises: ValueError for numbers that are no probabilities, no samples, and classes that are not there.
    """
    predicted, y = as_rows(predicted, y)
    check_probabilities(predicted)
    predicted = np.minimum(predicted, 1)  # a mean of float32 ones may be a little more
    sure = predicted.max(axis=-1)
    if predicted.shape[-1] == 1:
        sure = np.maximum(sure, 1 - sure)
    if y is None:
        return sure, None
    negative_log_likelihood(predicted, y)  # refuses classes that are not there
    return sure, labels(predicted) == y


def bin_numbers(sure: np.ndarray, *, bins: int, binning: str) -> tuple[np.ndarray, np.ndarray]:
    """The bin of each confidence and the bins' edges.

    Args:
        sure: (samples,) confidences.
        bins: how many at most.
        binning: "width", bins ((m − 1)/M, m/M]; or "count", as many samples in each as equal confidences allow, which
            stay together.

    Returns: (samples,) numbers from 0, and (bins + 1,) edges.

    >>> bin_numbers(np.array([0.1, 0.5, 0.6, 0.9]), bins=2, binning="width")[0].tolist()
    [0, 0, 1, 1]
    >>> bin_numbers(np.array([0.7, 0.9, 0.9, 0.9]), bins=2, binning="count")[0].tolist()
    [0, 0, 0, 0]
    """
    whole("bins", bins, least=1, mend="mend by 15")
    one_of("binning", binning, BINNINGS)
    if binning == "width":
        edges = np.linspace(0, 1, bins + 1)
    else:
        last = np.round(np.arange(1, bins) * len(sure) / bins).astype(int) - 1  # the last sample of each group
        inner = np.unique(np.sort(sure)[last[last >= 0]])
        edges = np.concatenate([[sure.min()], inner[inner < sure.max()], [sure.max()]])
    return np.searchsorted(edges[1:-1], sure, side="left"), edges
