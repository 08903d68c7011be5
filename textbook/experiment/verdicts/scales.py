"""In which unit a metric is judged, and which effect is the smallest of interest."""

import math
from dataclasses import dataclass

import numpy as np

# The project's smallest effects of interest, one per unit.
NATS, POINTS, FACTOR = 0.01, 0.5, 1.1


@dataclass(frozen=True)
class Scale:
    """How values of a metric become differences: multiplied, or as logarithms.

    Args:
        unit: of effects and δ: "nats", "points" (hundredths of a fraction), "×" (ratio), or any other word.
        delta: smallest effect of interest in that unit; a factor above 1 for a ratio.
        log: whether differences are log ratios, reported as factors.
    """

    unit: str
    delta: float
    log: bool = False

    @property
    def threshold(self) -> float:
        """δ as differences are computed: the logarithm of the factor for a ratio."""
        return math.log(self.delta) if self.log else self.delta

    def apply(self, values, metric: str):
        """Values whose differences are in the unit (logarithms for a ratio)."""
        if self.log:
            if not (values > 0).all():
                raise ValueError(
                    f"expected {metric!r} above 0 to take ratios, got {float(np.min(values)):g}: "
                    "judge differences instead"
                )
            return np.log(values)
        return values * 100 if self.unit == "points" else values

    def report(self, number: float) -> float:
        """A difference as a reader sees it: log ratios as factors."""
        return math.exp(number) if self.log else number


def scale_of(metric: str, *, unit: str | None, delta: float | None, scale: str | None) -> Scale:
    """The scale that a metric's name implies, or the one that is spelled out.

    "…loss" is judged in nats (δ 0.01), "…accuracy" in points (δ 0.5, values are fractions), a name with "seconds" as a
    ratio (δ a factor 1.1), and so is any metric with `scale="log"`. Any other metric needs `unit` and `delta`.

    >>> scale_of("test_accuracy", unit=None, delta=None, scale=None)
    Scale(unit='points', delta=0.5, log=False)
    """
    if scale not in (None, "linear", "log"):
        raise ValueError(f"expected scale 'linear' or 'log', got {scale!r}: 'log' judges ratios")
    if scale == "log" or (scale is None and unit is None and "seconds" in metric) or (scale is None and unit == "×"):
        if unit not in (None, "×"):
            raise ValueError(f"expected unit '×' on the log scale, got {unit!r}: leave the unit out")
        delta = FACTOR if delta is None else delta
        if not (isinstance(delta, int | float) and math.isfinite(delta) and delta > 1):
            raise ValueError(f"expected δ of a ratio as a factor above 1, got {delta!r}: 1.1 is ten per cent")
        return Scale("×", float(delta), log=True)
    if unit is None:
        unit = "nats" if metric.endswith("loss") else "points" if metric.endswith("accuracy") else None
    if delta is None:
        delta = {"nats": NATS, "points": POINTS}.get(unit)
    if unit is None or delta is None:
        raise ValueError(
            f"expected a unit and a δ for {metric!r}, whose name ends neither in loss nor in accuracy, got "
            f"unit={unit!r} and delta={delta!r}: pass unit= and delta=, or scale='log' for ratios"
        )
    if not (isinstance(delta, int | float) and math.isfinite(delta) and delta > 0):
        raise ValueError(f"expected δ above 0, got {delta!r}: the smallest effect of interest in {unit}")
    return Scale(unit, float(delta))
