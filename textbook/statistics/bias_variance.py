"""Where an error comes from: the part that all training sets share (bias), and the part that each adds (variance)."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class BiasVariance:
    """Two parts of an error, means over the points; they sum to `error`.

    Attributes:
        bias: what the mean prediction does wrong: its squared distance from the truth, or its log loss.
        variance: how far single predictions are from the mean one: mean squared distance, or divergence in nats.
        error: of a single prediction against the truth, mean over training sets.
    """

    bias: float
    variance: float
    error: float


def bias_variance(predictions, truth) -> BiasVariance:
    """Bias² and variance of a learner's squared error: error = bias² + variance, exactly.

    With p̄ the mean over the R training sets, v = Σ(p − p̄)²/(R − 1) at each point and f the truth there,
    variance = mean of v and bias² = mean of (p̄ − f)² − v/R. The last term is there because p̄ is itself a mean of R
    draws, and misses by v/R on average even without bias; so bias² is unbiased, and may fall slightly below 0. Against
    new values with noise of variance σ² the error is larger by σ².

    Args:
        predictions: (training sets, points) or (training sets, points, values); two training sets or more, drawn anew.
        truth: (points,) or (points, values) without noise. With noise in it, bias² contains the noise's variance.

    Raises: ValueError for other shapes and values that are not finite.

    Source: Geman, Bienenstock & Doursat (1992), Neural networks and the bias/variance dilemma, section 3.

    >>> found = bias_variance([[1.0, 4.0], [3.0, 4.0]], [2.0, 5.0])
    >>> found.bias, found.variance, found.error
    (0.0, 1.0, 1.0)
    """
    predictions, truth = np.asarray(predictions, float), np.asarray(truth, float)
    if predictions.ndim not in (2, 3) or len(predictions) < 2 or predictions.shape[1:] != truth.shape:
        raise ValueError(
            "expected predictions as (training sets, points) from two training sets or more, and truth (points,), got "
            f"shapes {predictions.shape} and {truth.shape}; mend by a row of predictions for each training set"
        )
    _refuse_not_finite(predictions, truth)
    spread = predictions.var(axis=0, ddof=1)
    missed = (predictions.mean(axis=0) - truth) ** 2 - spread / len(predictions)
    # several values of a point are added, as in the squared distance
    of_point = (lambda parts: parts) if truth.ndim == 1 else (lambda parts: parts.sum(axis=-1))
    error = of_point((predictions - truth) ** 2)
    return BiasVariance(float(of_point(missed).mean()), float(of_point(spread).mean()), float(error.mean()))


def log_loss_parts(probabilities, labels) -> BiasVariance:
    """Bias and variance of a classifier's log loss: error = bias + variance, exactly.

    The middle of several distributions is here p̄ ∝ exp(mean of log p). Bias is −log p̄ of the label, variance the mean
    Kullback–Leibler divergence of the single distributions from p̄, each a mean over points. Noise in the labels is part
    of the bias. Both parts are of the training sets given: few of them overstate the bias.

    Args:
        probabilities: (training sets, points, classes), above 0, with sum 1 over the classes.
        labels: (points,) classes from 0.

    Raises: ValueError for other shapes, labels that are no class, and probabilities that are none, or 0.

    Source: Heskes (1998), Bias/variance decompositions for likelihood-based estimators.

    >>> found = log_loss_parts([[[0.8, 0.2]], [[0.2, 0.8]]], [0])
    >>> round(found.bias, 4), round(found.variance, 4), round(found.error, 4)
    (0.6931, 0.2231, 0.9163)
    """
    probabilities, labels = np.asarray(probabilities, float), np.asarray(labels)
    if probabilities.ndim != 3 or len(probabilities) < 2 or labels.shape != probabilities.shape[1:2]:
        raise ValueError(
            "expected probabilities as (training sets, points, classes) from two training sets or more, and a label "
            f"for each point, got shapes {probabilities.shape} and {labels.shape}"
        )
    if labels.dtype.kind not in "iu" or not np.isin(labels, np.arange(probabilities.shape[2])).all():
        raise ValueError(f"expected labels as classes from 0 to {probabilities.shape[2] - 1}, got {labels!r}")
    if not (probabilities > 0).all() or not np.allclose(probabilities.sum(axis=-1), 1, atol=1e-4):
        raise ValueError(
            "expected probabilities above 0 that sum to 1 over the classes, got others; mend by a softmax of the "
            "logits in float64"
        )
    logs = np.log(probabilities)
    middle = logs.mean(axis=0)
    middle = middle - np.log(np.exp(middle).sum(axis=-1, keepdims=True))
    points = np.arange(len(labels))
    variance = (np.exp(middle) * (middle - logs)).sum(axis=-1).mean()
    return BiasVariance(float(-middle[points, labels].mean()), float(variance), float(-logs[:, points, labels].mean()))


def _refuse_not_finite(*arrays) -> None:
    wrong = sum(int(np.sum(~np.isfinite(array))) for array in arrays)
    if wrong:
        raise ValueError(f"expected finite predictions and truth, got {wrong} other values; leave diverged runs out")
