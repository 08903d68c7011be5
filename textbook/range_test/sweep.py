"""The rates of a range test, the smoothing of its losses, and when it has seen enough."""

import math

import numpy as np

from textbook.schedules.arguments import positive, weight, whole


def rates(start: float, end: float, count: int, *, log: bool = True) -> np.ndarray:
    """Rate k of n, shape (n,): start·(end/start)^(k/(n−1)), or with `log=False` start + (end − start)·k/(n−1).

    >>> rates(0.001, 10, 5).round(6).tolist()
    [0.001, 0.01, 0.1, 1.0, 10.0]
    """
    start, end = positive("start", start), positive("end", end)
    whole("rates", count, least=2, mend="mend by 100, for instance")
    if not isinstance(log, bool):
        raise ValueError(f"expected log as True or False, got {log!r}; mend by one of the two")
    if not end > start:
        raise ValueError(f"expected end above start, got start={start:g} and end={end:g}; mend by exchanging them")
    share = np.arange(count) / (count - 1)
    return start * (end / start) ** share if log else start + (end - start) * share


class Watch:
    """Smooths losses as they come, and says when to stop.

    The average is a_k = β·a_(k−1) + (1 − β)·loss_k from a_(−1) = 0, and the smoothed loss a_k / (1 − β^(k+1)), which
    takes out the pull towards that 0.

    Args:
        smoothing: β, from 0 (none) and below 1.
        stop_factor: stop where the smoothed loss exceeds so many times its best value, while that is above 0; None
            never does. A loss that is not finite always stops the test.

    Attributes:
        smoothed: the smoothed losses so far.
        stopped: why the test ended before its last rate; empty as long as it goes on.
    """

    def __init__(self, *, smoothing: float, stop_factor: float | None):
        self._beta = weight("smoothing", smoothing)
        if stop_factor is not None and not positive("stop_factor", stop_factor) > 1:
            raise ValueError(f"expected stop_factor above 1, got {stop_factor!r}; mend by 4, or None to go on")
        self._factor = stop_factor
        self._average, self._best = 0.0, math.inf
        self.smoothed: list[float] = []
        self.stopped = ""

    def see(self, loss: float) -> bool:
        """Take in the next batch's loss; True to go on."""
        if not math.isfinite(loss):
            self.smoothed.append(math.nan)
            self.stopped = f"the loss was {loss} at update {len(self.smoothed)}"
            return False
        self._average = self._beta * self._average + (1 - self._beta) * loss
        smoothed = self._average / (1 - self._beta ** (len(self.smoothed) + 1))
        self.smoothed.append(smoothed)
        self._best = min(self._best, smoothed)
        if self._factor is not None and smoothed > self._factor * self._best > 0:
            self.stopped = (
                f"the smoothed loss rose to more than {self._factor:g} times its best at update {len(self.smoothed)}"
            )
        return not self.stopped
