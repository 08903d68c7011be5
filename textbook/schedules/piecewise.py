"""Rates by hand: a list of values and the moments at which one gives way to the next."""

from dataclasses import KW_ONLY, dataclass

from textbook.schedules.arguments import nonnegative, positive, several
from textbook.schedules.base import Schedule
from textbook.schedules.clock import reached


@dataclass(frozen=True)
class PiecewiseConstant(Schedule):
    """s(t) = values[i], where i is the number of boundaries ≤ t.

    Args:
        values: rates, 0 or more, one more than there are boundaries.
        boundaries: epochs, growing, at which the next value is in force: at update boundary · steps_per_epoch, counted
            from 0. Keras's `PiecewiseConstantDecay` switches strictly after its boundary, so its boundary is one
            update less; torch's `MultiStepLR` counts as we do.

    Raises: ValueError for values and boundaries that do not fit, and for boundaries that do not grow.
    Source: He et al. (2016), "Deep residual learning for image recognition", section 4.2.

    >>> steps = PiecewiseConstant([0.1, 0.01, 0.001], boundaries=[30, 60])
    >>> [steps(t) for t in (0, 29.99, 30, 60)]
    [0.1, 0.1, 0.01, 0.001]
    """

    values: tuple[float, ...]
    _: KW_ONLY
    boundaries: tuple[float, ...]

    def __post_init__(self):
        object.__setattr__(self, "values", several("values", self.values, nonnegative))
        object.__setattr__(self, "boundaries", several("boundaries", self.boundaries, positive))
        if len(self.values) != len(self.boundaries) + 1:
            raise ValueError(
                f"expected one value more than boundaries, got {len(self.values)} values and "
                f"{len(self.boundaries)} boundaries; mend by [0.1, 0.01] with boundaries=[30], for instance"
            )
        if any(later <= earlier for earlier, later in zip(self.boundaries, self.boundaries[1:], strict=False)):
            raise ValueError(f"expected boundaries that grow, got {self.boundaries}; mend by sorting them")

    def formula(self, t, xp):
        rate = xp.full_like(t, self.values[0])
        for boundary, value in zip(self.boundaries, self.values[1:], strict=True):
            rate = xp.where(reached(t, boundary, xp), value, rate)
        return rate
