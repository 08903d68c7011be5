"""Cosine decay: half a wave from the first rate to the last one."""

import math
from dataclasses import KW_ONLY, dataclass

from textbook.schedules.arguments import between, positive
from textbook.schedules.base import Schedule


@dataclass(frozen=True)
class CosineDecay(Schedule):
    """s(t) = final + (initial − final) · ½(1 + cos(π · min(t, total) / total)).

    Args:
        initial: rate at t = 0.
        total: epochs until `final` is reached; from there on the rate stays.
        final: the last rate, from 0 to `initial` (a rate, where Keras's `CosineDecay` takes the share alpha).

    Source: Loshchilov and Hutter (2017), one cycle of SGDR.

    >>> CosineDecay(0.2, total=10)(5), CosineDecay(0.2, total=10, final=0.1)(30)
    (0.1, 0.1)
    """

    initial: float
    _: KW_ONLY
    total: float
    final: float = 0.0

    def __post_init__(self):
        object.__setattr__(self, "initial", positive("initial", self.initial))
        object.__setattr__(self, "total", positive("total", self.total))
        object.__setattr__(self, "final", between("final", self.final, low=0.0, high=self.initial))

    @property
    def duration(self):
        return self.total

    def formula(self, t, xp):
        share_left = (1 + xp.cos(math.pi * xp.minimum(t, self.total) / self.total)) / 2
        return self.final + (self.initial - self.final) * share_left
