"""One number that divides logits, so that predictions are as sure as they should be."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from textbook.calibration.arrays import as_rows, check_finite, check_probabilities
from textbook.ensembles.probability import negative_log_likelihood, probabilities
from textbook.schedules.arguments import switch

# a probability of 0 has no logarithm; `textbook.ensembles.probability` puts the same number in its place
_SMALLEST = 1e-38


@dataclass(frozen=True)
class Temperature:
    """A fitted temperature and what it does to the rows that it was fitted on.

    Attributes:
        temperature: T of softmax(z/T): above 1 where the network was too sure, below 1 where it was not sure enough.
        loss_before, loss_after: mean −ln p(y) in nats on those rows, at 1 and at T.
        at_limit: T is an end of the range that was searched: the loss still falls beyond it, as it does where every
            row is right (T → 0), and where the outputs tell nothing about y (T → ∞). Take such a T for what it is: more
            rows are needed, or another network, or, for logits of thousands, a wider range.
        logits: whether it was fitted on logits or on probabilities.
    """

    temperature: float
    loss_before: float
    loss_after: float
    at_limit: bool
    logits: bool

    def probabilities(self, outputs) -> np.ndarray:
        """softmax(z/T), or 1/(1 + e^(−z/T)) of one column, of outputs of the same kind; (…, classes) float64."""
        return probabilities(outputs, logits=self.logits, temperature=self.temperature)


def fit_temperature(outputs, y, *, logits: bool, between: tuple[float, float] = (0.05, 20.0)) -> Temperature:
    """The T at which the mean of −ln softmax(z/T)[y] is lowest; fit it on validation rows, not on training rows.

    In β = 1/T the loss is convex, with slope mean(Σ_c p_c z_c − z_y), so that there is one minimum: where the mean
    logit under the predictions equals the mean logit of the labels. No class changes its rank: accuracy stays.

    Args:
        outputs: (…, classes), or (…, 1) for two classes.
        y: (…) classes from 0.
        logits: whether outputs are z; False for probabilities, whose logarithms are divided. Give logits where there
            are any: a probability that was rounded to 1, as float32's sigmoid does from z = 18 on, has lost its own.
        between: the range of T that is searched.

    Raises: ValueError for outputs that are not finite or equal for all classes, probabilities in the place of logits
        and the other way round, classes that are not there, and a range that does not hold 1.
    Source: Guo, Pleiss, Sun, Weinberger (2017), On Calibration of Modern Neural Networks, arXiv:1706.04599, section 4.

    Sure of 99 %, but right in 3 of 4; divided by ln 99 / ln 3, the logits say ¾:

    >>> z = np.tile([0.0, np.log(99.0)], (4, 1))
    >>> found = fit_temperature(z, [1, 1, 1, 0], logits=True)
    >>> round(found.temperature, 4), round(float(np.log(99) / np.log(3)), 4)
    (4.1827, 4.1827)
    >>> found.probabilities(z[:1]).round(6).tolist()
    [[0.25, 0.75]]
    """
    low, high = between
    if not 0 < low <= 1 <= high < np.inf:
        raise ValueError(f"expected a range of temperatures around 1, got {between!r}; mend by (0.05, 20.0)")
    outputs, y = as_rows(outputs, y)
    check_finite(outputs)
    _check_kind(outputs, switch("logits", logits))
    negative_log_likelihood(probabilities(outputs, logits=logits), y)  # refuses what y must not be
    z = _of_all_classes(outputs, logits)
    if not z.any():
        raise ValueError("expected outputs that differ between classes, got equal ones; mend by a trained network")
    of_label = np.take_along_axis(z, y.astype(np.int64)[:, None], axis=-1)[:, 0]

    def loss(beta: float) -> float:
        return float(np.mean(np.log(np.exp(beta * z).sum(axis=-1)) - beta * of_label))

    def slope(log_beta: float) -> float:
        expected = (probabilities(z, logits=True, temperature=np.exp(-log_beta)) * z).sum(axis=-1)
        return float((expected - of_label).mean())

    coolest, hottest = -np.log(low), -np.log(high)
    if slope(hottest) >= 0:
        temperature = high
    elif slope(coolest) <= 0:
        temperature = low
    else:
        temperature = float(np.exp(-brentq(slope, hottest, coolest, xtol=1e-12)))
    return Temperature(float(temperature), loss(1.0), loss(1 / temperature), temperature in (low, high), logits)


def _of_all_classes(outputs: np.ndarray, logits: bool) -> np.ndarray:
    """Logits (samples, classes) whose largest is 0 in each row, which leaves the softmax as it is."""
    if outputs.shape[-1] == 1:
        other = np.zeros_like(outputs) if logits else 1 - outputs
        outputs = np.concatenate([other, outputs], axis=-1)
    z = outputs if logits else np.log(np.maximum(outputs, _SMALLEST))
    return z - z.max(axis=-1, keepdims=True)


def _check_kind(outputs: np.ndarray, logits: bool) -> None:
    if not logits:
        return check_probabilities(outputs)
    if outputs.shape[-1] == 1:
        if len(outputs) > 1 and (outputs >= 0).all() and (outputs <= 1).all():
            raise ValueError(
                "expected logits, got one column between 0 and 1: probabilities; mend by logits=False, and logits that "
                "are indeed all there by two columns, 0 beside them"
            )
    elif (outputs >= 0).all() and np.allclose(outputs.sum(axis=-1), 1, atol=1e-4):
        raise ValueError("expected logits, got rows from 0 up that sum to 1: probabilities; mend by logits=False")
