"""One judgement as a page shows it: the numbers, and which kind of rule they belong to."""

import re
from dataclasses import dataclass

from textbook.experiment.pages.text import Text, number

IDENTITY, DIFFERENCE, RATIO, SHARE, SLOPE = "identity", "difference", "ratio", "share", "slope"
# how the tests of `textbook.experiment.verdicts` say what they judge
_EQUAL = re.compile(r" the same for .* in every pair, ")
_THEORY = re.compile(r"slope per seed, .* within (\S+) ± \S+")
_FEWER = re.compile(r" in fewer than \S+ of the seeds, ")
_BEYOND = re.compile(r" (above|below) (\S+), one value per seed, ")


@dataclass(frozen=True)
class Judged:
    """The numbers of a judgement.

    Attributes:
        kind: IDENTITY (no seeds), DIFFERENCE (0 means none), RATIO (1 means none), SHARE (of seeds, against a
            threshold) or SLOPE (against a theory's exponent).
        unit, note: in the page's language. delta: as in `textbook.statistics.Judgement`.
        directed: whether a positive effect speaks for the claim; no side does where arms are judged to be equal.
        fewer: whether a SHARE is claimed to lie below its threshold.
        beyond: ("above" or "below", the number) of a quantity judged beside a number, which its effect counts from;
            None where that is 0, or of a RATIO 1.
        theory: the exponent of a SLOPE. seeds: those of a second judging.
    """

    kind: str
    verdict: str
    effect: float | None
    interval: tuple[float, float] | None
    n: int | None
    unit: Text
    delta: float | None
    diverged: int
    differences: tuple[float, ...]
    p: float | None
    note: Text
    directed: bool
    fewer: bool = False
    beyond: tuple[str, str] | None = None
    theory: float | None = None
    seeds: tuple[int, ...] = ()

    @classmethod
    def of(cls, numbers: dict, *, rule: str, unit: Text, note: Text) -> "Judged":
        """From a claim's record, or that of its second judging, and the sentence of the rule that judged it."""
        theory = _THEORY.search(rule)
        return cls(
            _kind(numbers, theory),
            numbers["verdict"],
            numbers["effect"],
            tuple(numbers["interval"]) if numbers["interval"] else None,
            numbers["n"],
            unit,
            numbers["delta"],
            numbers["diverged"],
            tuple(numbers["differences"]),
            numbers["p"],
            note,
            not _EQUAL.search(rule),
            bool(_FEWER.search(rule)),
            _beyond(rule, numbers["unit"]),
            float(theory[1]) if theory else None,
            tuple(numbers.get("seeds", ())),
        )

    @property
    def amount(self) -> str:
        """The effect alone, without its unit: "0.0213"; a share in per cent."""
        return "" if self.effect is None else self._number(self.effect)

    @property
    def range(self) -> str:
        """The interval: "0.0151 … 0.0274", or nothing where there is none."""
        return "" if self.interval is None else " … ".join(map(self._number, self.interval))

    @property
    def margin(self) -> str:
        """δ, the threshold of a share or the tolerance of a slope, without its unit."""
        return "" if self.delta is None else self._number(self.delta)

    @property
    def band(self) -> tuple[float, float, float]:
        """(low, middle, high) of what is too small to matter, or fits the theory, in the unit of the effect."""
        if self.kind == RATIO:
            return 1 / self.delta, 1.0, self.delta
        middle = self.theory if self.kind == SLOPE else 0.0
        return middle - self.delta, middle, middle + self.delta

    def _number(self, value: float) -> str:
        return number(value * 100) if self.kind == SHARE else number(value)


def _kind(numbers: dict, theory) -> str:
    if theory:
        return SLOPE
    if numbers["n"] is None:
        return IDENTITY
    if numbers["unit"] == "×":
        return RATIO
    return SHARE if numbers["unit"] == "share of seeds" else DIFFERENCE


def _beyond(rule: str, unit: str) -> tuple[str, str] | None:
    found = _BEYOND.search(rule)
    if found is None or float(found[2]) == (1 if unit == "×" else 0):
        return None
    at = float(found[2])
    # of a fraction the effect is in hundredths
    return found[1], f"{number(at * 100)} %" if unit == "points" else number(at)
