"""1cycle: one rise and one long fall of the rate, while the momentum does the reverse."""

import dataclasses
import math
from dataclasses import KW_ONLY, dataclass, field
from typing import NamedTuple

from textbook.schedules.arguments import inside, momenta, one_of, positive, switch
from textbook.schedules.base import Schedule


class Phase(NamedTuple):
    """From one rate and momentum to another, until `end`, in t's unit."""

    end: float
    rates: tuple[float, float]
    momenta: tuple[float, float]


@dataclass(frozen=True)
class OneCycle(Schedule):
    """s(t): initial → maximum until t = pct_start · total − u, then → final until t = total − u, u being one update.

    Rates: initial = maximum / div_factor, final = initial / final_div_factor. With `three_phase` the second phase
    returns to initial, at t = 2 · (pct_start · total − u), and a third leads to final. From a to b over a phase of
    which x has passed: linear a + (b − a) · x, cosine b + (a − b) · ½(1 + cos πx). The momentum goes highest →
    lowest → highest with the first two phases, and stays there in a third.

    As torch's `OneCycleLR` with total · steps_per_epoch updates, at every update, also where pct_start · total is less
    than an update and no room is left for the rise. u is one unit of t for a bare schedule, 1/n in `in_steps(n)`
    and `per_update()`: the last update has the final rate in all three. After it the rate stays.

    Args:
        maximum: the highest rate.
        total: the whole cycle, in t's unit: epochs, or updates with `in_steps(1)`.
        pct_start: share of `total` that the rise takes, between 0 and 1 (up to 0.5 with three phases).
        div_factor: maximum / initial, 1 or more.
        final_div_factor: initial / final, 1 or more.
        anneal: "cosine" or "linear".
        three_phase: fall back symmetrically, then far below.
        momentum_range: (lowest, highest); None for no momentum.

    Raises: ValueError for arguments outside these bounds.
    Source: Smith (2018), "A disciplined approach to neural network hyper-parameters"; Smith and Topin (2019).

    >>> cycle = OneCycle(1.0, total=10)
    >>> [round(cycle(t), 6) for t in (0, 1, 2, 3, 9)]
    [0.04, 0.52, 1.0, 0.950485, 4e-06]
    >>> cycle.momentum(2)
    0.85
    """

    maximum: float
    _: KW_ONLY
    total: float
    pct_start: float = 0.3
    div_factor: float = 25.0
    final_div_factor: float = 1e4
    anneal: str = "cosine"
    three_phase: bool = False
    momentum_range: tuple[float, float] | None = (0.85, 0.95)
    updates: int = field(default=1, init=False, repr=False)

    def __post_init__(self):
        object.__setattr__(self, "maximum", positive("maximum", self.maximum))
        object.__setattr__(self, "total", positive("total", self.total))
        switch("three_phase", self.three_phase)
        one_of("anneal", self.anneal, ("cosine", "linear"))
        object.__setattr__(self, "pct_start", inside("pct_start", self.pct_start, low=0.0, high=1.0))
        if self.three_phase and self.pct_start > 0.5:
            raise ValueError(
                f"expected pct_start up to 0.5 with three_phase, where the fall takes as long as the rise, "
                f"got {self.pct_start:g}; mend by 0.45, which leaves a tenth for the last stretch"
            )
        for name in ("div_factor", "final_div_factor"):
            factor = positive(name, getattr(self, name))
            if factor < 1:
                raise ValueError(f"expected {name} from 1 up, got {factor:g}; mend by 25, which divides the rate by 25")
            object.__setattr__(self, name, factor)
        object.__setattr__(self, "momentum_range", momenta(self.momentum_range))

    @classmethod
    def torch(cls, maximum: float, *, total: float, anneal: str = "cosine", three_phase: bool = False) -> "OneCycle":
        """torch's `OneCycleLR`: pct_start 0.3, from maximum / 25, to a ten-thousandth of that; the default here.

        >>> OneCycle.torch(1.0, total=10) == OneCycle(1.0, total=10)
        True
        """
        return cls(maximum, total=total, anneal=anneal, three_phase=three_phase)

    @classmethod
    def smith(
        cls,
        maximum: float,
        *,
        total: float,
        last: float = 0.1,
        div_factor: float = 10.0,
        final_div_factor: float = 1e3,
        momentum_range: tuple[float, float] | None = (0.85, 0.95),
    ) -> "OneCycle":
        """Smith's own: linear up, linear down in equal times, then the share `last` of `total` far below.

        He asks for "several orders of magnitude" in the last stretch, whose momentum stays at its highest.

        >>> cycle = OneCycle.smith(1.0, total=101, last=0.2, final_div_factor=100)
        >>> [round(cycle(t), 6) for t in (0, 39.4, 78.8, 100)]
        [0.1, 1.0, 0.1, 0.001]
        """
        last = inside("last", last, low=0.0, high=1.0)
        return cls(
            maximum,
            total=total,
            pct_start=(1 - last) / 2,
            div_factor=div_factor,
            final_div_factor=final_div_factor,
            anneal="linear",
            three_phase=True,
            momentum_range=momentum_range,
        )

    @classmethod
    def fastai(cls, maximum: float, *, total: float) -> "OneCycle":
        """fastai's `fit_one_cycle`: pct_start 0.25, cosine, final = maximum / 100000.

        Updates are counted as torch does, so that the last one has the final rate: fastai itself reads its curve at
        k / total, one update before.

        >>> OneCycle.fastai(1.0, total=100)(99)
        1e-05
        """
        return cls(maximum, total=total, pct_start=0.25, div_factor=25.0, final_div_factor=1e5 / 25)

    @property
    def duration(self):
        return self.total

    @property
    def has_momentum(self):
        return self.momentum_range is not None

    def with_updates(self, updates):
        cycle = dataclasses.replace(self)
        object.__setattr__(cycle, "updates", updates)
        return cycle

    def formula(self, t, xp):
        return self._through([(phase.end, *phase.rates) for phase in self._phases()], t, xp)

    def momentum_formula(self, t, xp):
        if self.momentum_range is None:
            return super().momentum_formula(t, xp)  # which refuses
        return self._through([(phase.end, *phase.momenta) for phase in self._phases()], t, xp)

    def _phases(self) -> list[Phase]:
        initial, update = self.maximum / self.div_factor, 1 / self.updates
        final, end = initial / self.final_div_factor, self.total - update
        low, high = self.momentum_range or (0.0, 0.0)
        peak = self.pct_start * self.total - update
        rise = Phase(peak, (initial, self.maximum), (high, low))
        if not self.three_phase:
            return [rise, Phase(end, (self.maximum, final), (low, high))]
        fall = Phase(2 * peak, (self.maximum, initial), (low, high))
        return [rise, fall, Phase(end, (initial, final), (high, high))]

    def _through(self, phases, t, xp):
        starts = [0.0, *(end for end, *_ in phases[:-1])]
        value = None
        for start, (end, first, last) in reversed(list(zip(starts, phases, strict=True))):
            if value is None:
                value = self._between(start, end, first, last, t, xp)
            elif end > start:  # else too short for an update: torch, too, goes on with the next phase
                value = xp.where(t <= end, self._between(start, end, first, last, t, xp), value)
        return value

    def _between(self, start, end, first, last, t, xp):
        # both shares are taken from their own end, so that each is precise where it is small, in float32 as well
        length = end - start
        passed = xp.clip((t - start) / length, 0.0, 1.0)
        left = xp.clip((end - t) / length, 0.0, 1.0)
        if self.anneal == "cosine":
            passed, left = (xp.sin(math.pi / 2 * share) ** 2 for share in (passed, left))
        return first * left + last * passed
