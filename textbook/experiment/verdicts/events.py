"""Test of a share, rule R4: an event that happens, or not, once per seed."""

from dataclasses import dataclass, field, replace
from typing import ClassVar

from textbook.experiment.verdicts.base import THREE, Rows
from textbook.experiment.verdicts.tables import by_seed
from textbook.statistics import Judgement, seeds_for_share, share_verdict


@dataclass(frozen=True, repr=False)
class share(Rows):
    """R4: an event happens in more, or fewer, than a given share of the seeds, by Wilson's 95 % interval.

    The event is one truth value per seed: the epochs of one run depend on each other, so let measure decide for the
    run, for instance "in more than half of its epochs".

    Args:
        event: column of true and false (or 1 and 0), one row per seed; choose a condition with where=.
        threshold: share to compare with. 90 % needs 35 seeds, 95 % needs 73.
        above: False claims a share below the threshold.

    >>> share("reported_above_validation", where={"condition": "dropout 0.5"})
    share('reported_above_validation', where={'condition': 'dropout 0.5'})
    """

    verdicts: ClassVar[tuple[str, ...]] = THREE

    event: str
    threshold: float = field(default=0.5, kw_only=True)
    above: bool = field(default=True, kw_only=True)

    def __post_init__(self):
        super().__post_init__()
        if not isinstance(self.event, str) or not self.event:
            raise ValueError(f"expected the name of a column of events, got {self.event!r}")
        seeds_for_share(self.threshold)  # refuses a threshold outside 0…1

    @property
    def sentence(self) -> str:
        """The rule applied, in a line."""
        word = "more" if self.above else "fewer"
        return f"{self.event} in {word} than {self.threshold:.0%} of the seeds, Wilson's 95 % interval"

    def judge(self, tables) -> Judgement:
        """Judges the events, which must be true or false at every seed."""
        rows = self.rows(tables, self.event, "seed")
        events = by_seed(rows, self.event, f"event {self.event!r}")
        odd = [value for value in events if value not in (0, 1)]
        if odd:
            raise ValueError(f"expected {self.event!r} true or false, got {odd[0]!r}: decide the event in measure")
        judgement = share_verdict(events.to_numpy(dtype=float), self.threshold, self.above)
        diverged = int(rows["diverged"].sum()) if "diverged" in rows.columns else 0
        return replace(judgement, diverged=diverged)
