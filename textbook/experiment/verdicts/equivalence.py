"""Test of equivalence, rule R5: several arms are the same for all that matters, and a bad one is told apart."""

from dataclasses import dataclass, field
from itertools import combinations
from typing import ClassVar

from textbook.experiment.verdicts.base import THREE, Metric, names
from textbook.experiment.verdicts.differences import _aligned, _key
from textbook.statistics import Judgement, equivalence_verdict


@dataclass(frozen=True, repr=False)
class equivalent(Metric):
    """R5: every pair of arms shows no difference, while an arm known to be bad is told apart from each of them.

    Args:
        conditions: two or more arms.
        bad: the positive control.
        by: the column, or tuple of columns, that names an arm.

    >>> equivalent("test_accuracy", conditions=(32, 33), bad=1024, by="batch_size")
    equivalent('test_accuracy', conditions=(32, 33), bad=1024, by='batch_size')
    """

    verdicts: ClassVar[tuple[str, ...]] = THREE

    conditions: tuple = field(kw_only=True)
    bad: object = field(kw_only=True)
    by: str | tuple[str, ...] = field(default="condition", kw_only=True)

    def __post_init__(self):
        super().__post_init__()
        if isinstance(self.conditions, str) or len(set(self.conditions)) < max(2, len(self.conditions)):
            raise ValueError(f"expected two or more different arms, got {self.conditions!r}")
        object.__setattr__(self, "conditions", tuple(self.conditions))
        if self.bad is None or self.bad in self.conditions:
            raise ValueError(
                f"expected an arm known to be bad, none of {self.conditions!r}, got {self.bad!r}: without a positive "
                "control, 'the same' may only mean that the experiment sees nothing"
            )

    @property
    def sentence(self) -> str:
        """The rule applied, in a line."""
        return (
            f"{self.metric}{self.epoch_phrase()} the same for {', '.join(map(repr, self.conditions))} in every pair, "
            f"with {self.bad!r} told apart from each; paired by seed, 95 % t intervals, {self.scale_phrase()}"
        )

    def judge(self, tables) -> Judgement:
        """Judges every pair and the control; effect and interval are of the pair that is furthest from equality."""
        keys = [_key(arm, self.by) for arm in (*self.conditions, self.bad)]
        arms, diverged = self.values(tables, names(self.by), keys)
        *levels, bad = _aligned(arms, keys, self.by)
        named = list(zip(self.conditions, levels, strict=True))
        pairs = {f"{a!r} − {b!r}": x - y for (a, x), (b, y) in combinations(named, 2)}
        judgement = equivalence_verdict(pairs, [bad - level for level in levels], self._scale().threshold)
        return self.reported(judgement, diverged)
