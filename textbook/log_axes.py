"""Log scales whose ticks are the numbers that people write: 0.001, 32, 500."""

from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator


def log_axis(ax: Axes, which: str = "x", *, at: Iterable[float] | None = None) -> Axes:
    """A log scale whose ticks are plain numbers (0.001, 32) rather than powers; `at` puts ticks at a grid's values."""
    if which not in ("x", "y", "xy"):
        raise ValueError(f"expected which as 'x', 'y' or 'xy', got {which!r}; mend by passing one of these")
    for letter in which:
        axis = ax.xaxis if letter == "x" else ax.yaxis
        (ax.set_xscale if letter == "x" else ax.set_yscale)("log")
        axis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
        axis.set_minor_formatter(NullFormatter())
        if at is not None:
            axis.set_major_locator(FixedLocator([float(value) for value in at]))
            axis.set_minor_locator(NullLocator())
        else:
            axis.set_major_locator(_DecadesOrParts())
    return ax


class _DecadesOrParts(LogLocator):
    """Ticks at powers of ten; over less than two decades at 1, 2, 5 of each, over less than one at more."""

    def tick_values(self, vmin, vmax):
        if vmin <= 0 or vmax <= 0 or not np.isfinite(vmin * vmax):
            return super().tick_values(vmin, vmax)
        decades = abs(np.log10(vmax / vmin))
        few, some, many = (1, 2, 5), (1, 1.5, 2, 3, 5, 7), (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9)
        parts = (1,) if decades >= 2 else few if decades >= 1 else some if decades >= 0.5 else many
        self.set_params(subs=parts)
        return super().tick_values(vmin, vmax)


def plain(value: float) -> str:
    """A number as people write it.

    >>> plain(0.001), plain(32.0), plain(0.00001), plain(3e-9)
    ('0.001', '32', '0.00001', '3·10$^{-9}$')
    """
    if value == 0 or 0.99e-5 < abs(value) < 1e6:
        return f"{value:.9f}".rstrip("0").rstrip(".").replace("-", "−")
    exponent = int(np.floor(np.log10(abs(value))))
    factor = f"{value / 10**exponent:.3g}"
    return f"10$^{{{exponent}}}$" if factor == "1" else f"{factor}·10$^{{{exponent}}}$"
