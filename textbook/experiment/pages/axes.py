"""Positions along a strip, in per cent of its width, and round numbers for its ticks."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

# of the width, left free at each end so that labels of ticks are not cut
_MARGIN = 4.0
_MOST_TICKS = 5


@dataclass(frozen=True)
class Axis:
    """A range of values, on a linear or a logarithmic scale."""

    low: float
    high: float
    log: bool = False

    @classmethod
    def around(cls, values: Iterable[float], *, log: bool = False) -> "Axis":
        """The axis that shows all values; a logarithmic one needs them above 0."""
        low, high = min(values := tuple(values)), max(values)
        if low == high:
            return cls(low / 2, high * 2, log) if log else cls(low - 1, high + 1, log)
        return cls(low, high, log)

    def position(self, value: float) -> float:
        """Per cent of the width."""
        low, high, at = (math.log(number) if self.log else number for number in (self.low, self.high, value))
        return round(_MARGIN + (100 - 2 * _MARGIN) * (at - low) / (high - low), 2)

    def ticks(self) -> list[float]:
        """A few round numbers within the range.

        >>> Axis(-0.07, 0.07).ticks()
        [-0.05, 0.0, 0.05]
        >>> Axis(0.5, 40, log=True).ticks()
        [1.0, 3.0, 10.0, 30.0]
        """
        if self.log and self.high / self.low > 4:
            return self._decades()
        step = _round_up((self.high - self.low) / _MOST_TICKS)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [float(f"{tick * step:.12g}") for tick in range(first, last + 1)]

    def _decades(self) -> list[float]:
        for within in ((1, 2, 5), (1, 3), (1,)):
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            found = [float(f"{digit}e{power}") for power in powers for digit in within]
            found = [tick for tick in found if self.low <= tick <= self.high]
            if len(found) <= _MOST_TICKS:
                return found
        return found[:: math.ceil(len(found) / _MOST_TICKS)]


def _round_up(step: float) -> float:
    """The next of 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(digit * power for digit in (1, 2, 5, 10) if digit * power >= step * (1 - 1e-9))
