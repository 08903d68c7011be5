"""Tests along a knob: a trend (rule R2) and the exponent of a power law (rule R6)."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from textbook.experiment.verdicts.base import THREE, Metric
from textbook.experiment.verdicts.scales import Scale
from textbook.experiment.verdicts.tables import aligned
from textbook.statistics import Judgement, slope_verdict, trend_verdict
from textbook.statistics.rules import KNOB_VALUES_OF_A_TREND


@dataclass(frozen=True, repr=False)
class trend(Metric):
    """R2: a metric falls, or rises, with a knob.

    Per seed a straight line is fitted; its slope times the range of the knob is judged by R1 with the metric's δ. A
    step between neighbouring knob values that is itself judged reversed contradicts the trend.

    Args:
        over: the numeric column of the knob, with five values or more.
        direction: "falls" or "rises".
        log: whether the line is fitted over the logarithm of the knob.

    >>> trend("wrong_way_share", over="batch_size", direction="falls", unit="points", delta=5)
    trend('wrong_way_share', over='batch_size', direction='falls', unit='points', delta=5)
    """

    over: str = field(kw_only=True)
    direction: str = field(kw_only=True)
    log: bool = field(default=True, kw_only=True)

    def __post_init__(self):
        super().__post_init__()
        if self.direction not in ("falls", "rises"):
            raise ValueError(f"expected direction 'falls' or 'rises', got {self.direction!r}")

    @property
    def sentence(self) -> str:
        """The rule applied, in a line."""
        knob = f"log {self.over}" if self.log else self.over
        return (
            f"{self.metric}{self.epoch_phrase()} {self.direction} with {knob}: fitted slope × range per seed, "
            f"95 % t interval, {self.scale_phrase()}, no step reversed"
        )

    def judge(self, tables) -> Judgement:
        """Judges the fitted change over the whole range, and the steps."""
        knob, values, diverged = _curves(self, tables)
        if len(knob) < KNOB_VALUES_OF_A_TREND:
            raise ValueError(
                f"expected at least {KNOB_VALUES_OF_A_TREND} values of {self.over!r}, got {len(knob)}: "
                "measure more of them, or judge two with paired"
            )
        values = values if self.direction == "rises" else -values
        position = np.log(knob) if self.log else knob
        changes = _slopes(position, values) * (position[-1] - position[0])
        judgement = trend_verdict(changes, np.diff(values, axis=1), self._scale().threshold)
        return self.reported(judgement, diverged)


@dataclass(frozen=True, repr=False)
class slope(Metric):
    """R6: on log–log axes the metric follows the knob with the exponent that theory says.

    Args:
        over: the numeric column of the knob, above 0, with three values or more.
        theory: the exponent.
        tolerance: how far from theory the interval may reach.
        between: (lowest, highest) knob value to fit, fixed beforehand; by default all.

    >>> slope("gradient_noise", over="batch_size", theory=-0.5)
    slope('gradient_noise', over='batch_size', theory=-0.5)
    """

    verdicts: ClassVar[tuple[str, ...]] = THREE

    over: str = field(kw_only=True)
    theory: float = field(kw_only=True)
    tolerance: float = field(default=0.1, kw_only=True)
    between: tuple[float, float] | None = field(default=None, kw_only=True)

    def __post_init__(self):
        super().__post_init__()
        slope_verdict([self.theory], self.theory, self.tolerance)  # refuses a theory or tolerance that is no number
        if self.between is not None:
            if len(self.between) != 2 or not 0 < self.between[0] < self.between[1]:
                raise ValueError(f"expected between= as (lowest, highest) above 0, got {self.between!r}")
            object.__setattr__(self, "between", tuple(self.between))

    def _scale(self) -> Scale:
        return Scale("×", 1.1, log=True)  # an exponent is a slope of logarithms whatever the metric's unit

    @property
    def sentence(self) -> str:
        """The rule applied, in a line."""
        where = "" if self.between is None else f" between {self.between[0]:g} and {self.between[1]:g}"
        return (
            f"log {self.metric}{self.epoch_phrase()} over log {self.over}{where}: slope per seed, 95 % t interval "
            f"within {self.theory:g} ± {self.tolerance:g}"
        )

    def judge(self, tables) -> Judgement:
        """Judges the mean slope over the seeds."""
        knob, values, diverged = _curves(self, tables)
        if self.between is not None:
            inside = (knob >= self.between[0]) & (knob <= self.between[1])
            knob, values = knob[inside], values[:, inside]
        if len(knob) < 3:
            raise ValueError(f"expected three or more values of {self.over!r} in the range, got {len(knob)}")
        judgement = slope_verdict(_slopes(np.log(knob), values), self.theory, self.tolerance)
        return Judgement(**(vars(judgement) | {"diverged": diverged}))


def _curves(test, tables):
    """Knob values in rising order, the metric as (seeds, knob values), and how many runs had diverged."""
    arms, diverged = test.values(tables, (test.over,))
    knob = np.array([float(key[0]) for key in arms])
    if getattr(test, "log", True) and not (knob > 0).all():
        raise ValueError(f"expected {test.over!r} above 0 for its logarithm, got {knob.min():g}: pass log=False")
    named = {f"{test.over} {key[0]:g}": arm for key, arm in arms.items()}
    _, columns = aligned(named)
    return knob, np.column_stack(columns), diverged


def _slopes(position, values):
    """Least-squares slope of each row of values."""
    centred = position - position.mean()
    return values @ centred / (centred @ centred)
