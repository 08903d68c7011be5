"""Confidence beside accuracy, bin by bin, and its summary."""

import numpy as np
import pandas as pd

from textbook.calibration.bins import bin_numbers, confidences
from textbook.schedules.arguments import whole
from textbook.seeding import stream
from textbook.statistics import wilson_interval


def reliability_table(predicted, y, *, bins: int = 15, binning: str = "width", level: float = 0.95) -> pd.DataFrame:
    """How sure predictions are, and how often they are right: a row for each bin of confidence that holds any.

    The confidence of a prediction is the probability of the class that it names. Calibrated predictions are right as
    often as they say: the two agree in every bin, up to chance.

    Args:
        predicted: (…, classes) probabilities, or (…, 1) of class 1.
        y: (…) classes from 0.
        bins: how many at most.
        binning: "width", bins ((m − 1)/M, m/M]; or "count", equally many samples in each.
        level: coverage of the interval of the accuracy.

    Returns: columns low and high (the bin's ends), count, confidence (mean), accuracy (a share), accuracy_low and
        accuracy_high (Wilson's interval), gap (confidence − accuracy: above 0 where predictions are too sure).
    Raises: ValueError for numbers that are no probabilities, and classes that are not there.

    >>> table = reliability_table([[0.4, 0.6], [0.4, 0.6], [0.1, 0.9]], [1, 0, 1], bins=5)
    >>> table[["count", "confidence", "accuracy", "gap"]].round(2).to_numpy().tolist()
    [[2.0, 0.6, 0.5, 0.1], [1.0, 0.9, 1.0, -0.1]]
    """
    sure, right = confidences(predicted, y)
    number, edges = bin_numbers(sure, bins=bins, binning=binning)
    rows = []
    for bin_number in np.unique(number):
        inside = number == bin_number
        count, confidence, accuracy = int(inside.sum()), sure[inside].mean(), right[inside].mean()
        low, high = wilson_interval(int(right[inside].sum()), count, level)
        rows.append(
            {
                "low": edges[bin_number],
                "high": edges[bin_number + 1],
                "count": count,
                "confidence": confidence,
                "accuracy": accuracy,
                "accuracy_low": low,
                "accuracy_high": high,
                "gap": confidence - accuracy,
            }
        )
    return pd.DataFrame(rows)


def expected_calibration_error(predicted, y, *, bins: int = 15, binning: str = "width") -> float:
    """ECE = Σ_m n_m/n · |accuracy_m − confidence_m| over bins m of confidence; a share, 0 … 1.

    Never below 0, so chance alone lifts it above 0, the more so the fewer samples a bin has: compare it with
    `error_if_calibrated`, and compare two models with the same bins.

    Args and errors: as for `reliability_table`.
    Source: Naeini, Cooper, Hauskrecht (2015), Obtaining well calibrated probabilities using Bayesian binning; with
        M = 15 in Guo, Pleiss, Sun, Weinberger (2017), On Calibration of Modern Neural Networks, arXiv:1706.04599.

    >>> round(expected_calibration_error([[0.4, 0.6], [0.4, 0.6], [0.1, 0.9]], [1, 0, 1]), 6)
    0.1
    """
    sure, right = confidences(predicted, y)
    number, _ = bin_numbers(sure, bins=bins, binning=binning)
    return _error(sure, right, number)


def error_if_calibrated(
    predicted, *, bins: int = 15, binning: str = "width", draws: int = 200, seed: int = 0
) -> np.ndarray:
    """The ECE that these predictions would have if they were calibrated: labels are drawn from the predictions.

    Args:
        predicted, bins, binning: as for `expected_calibration_error`.
        draws: of all labels.
        seed: of the draws.

    Returns: (draws,). An ECE below their 95th percentile is what chance gives.
    Source: Bröcker and Smith (2007), Increasing the reliability of reliability diagrams.

    >>> sure = np.full((100, 1), 0.8)
    >>> bool(0.01 < error_if_calibrated(sure).mean() < 0.06)  # E|share − 0.8| of 100 coins is 0.032
    True
    """
    whole("draws", draws, least=1, mend="mend by 200")
    sure, _ = confidences(predicted)
    number, _ = bin_numbers(sure, bins=bins, binning=binning)
    random = stream(seed, "calibrated labels")
    return np.array([_error(sure, random.random(len(sure)) < sure, number) for _ in range(draws)])


def _error(sure: np.ndarray, right: np.ndarray, number: np.ndarray) -> float:
    return float(np.abs(np.bincount(number, sure - right)).sum() / len(sure))
