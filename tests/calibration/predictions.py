"""Predictions whose calibration is known."""

import numpy as np

from textbook.ensembles import probabilities


def calibrated_logits(rows: int, *, classes: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and classes drawn from their softmax: calibrated by construction."""
    random = np.random.default_rng(seed)
    logits = 2 * random.normal(size=(rows, classes))
    p = probabilities(logits, logits=True)
    return logits, (random.random((rows, 1)) > p.cumsum(axis=-1)).sum(axis=-1)
