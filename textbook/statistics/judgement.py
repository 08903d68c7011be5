"""The verdict words and what a verdict rests on."""

import math
from dataclasses import asdict, dataclass

HOLDS = "holds"
REVERSED = "reversed"
FAILS = "fails"
NO_DIFFERENCE = "no difference"
INCONCLUSIVE = "inconclusive"
EXACT = "exact"
VIOLATED = "violated"
WORDS = (HOLDS, REVERSED, FAILS, NO_DIFFERENCE, INCONCLUSIVE, EXACT, VIOLATED)


@dataclass(frozen=True)
class Judgement:
    """A verdict with the numbers it rests on.

    Args:
        verdict: one of `WORDS`.
        effect: the estimate, in `unit`, positive in the claimed direction; for an identity the largest error (None
            where an error is not a number).
        interval: its 95 % interval (low, high); None for an identity, or when one seed alone gives none.
        n: number of seeds; None for an identity.
        unit: "nats", "points", "×" (a ratio: effect, interval, δ and differences are then factors), …
        delta: the smallest effect of interest in `unit`; the threshold of a share, the tolerance of a slope; None for
            an identity.
        diverged: how many of the runs judged had diverged and count as a guess.
        differences: what each seed contributes, in `unit`, in the order of the seeds.
        p: two-sided p-value of no effect, where the rule has one.
        note: what else decided, in one sentence, such as the step of a trend that went the other way.
    """

    verdict: str
    effect: float | None
    interval: tuple[float, float] | None
    n: int | None
    unit: str
    delta: float | None
    diverged: int = 0
    differences: tuple[float, ...] = ()
    p: float | None = None
    note: str = ""

    def __post_init__(self):
        if self.verdict not in WORDS:
            raise ValueError(f"expected a verdict among {', '.join(WORDS)}, got {self.verdict!r}")
        numbers = [self.effect, *(self.interval or ()), self.delta, self.p, *self.differences]
        if not all(math.isfinite(number) for number in numbers if number is not None):
            raise ValueError(f"expected finite numbers in a judgement, got {self}: give None where there is no number")

    def as_dict(self) -> dict:
        """Plain JSON types: strings, numbers, lists and None."""
        plain = asdict(self)
        plain["interval"] = None if self.interval is None else list(self.interval)
        plain["differences"] = list(self.differences)
        return plain
