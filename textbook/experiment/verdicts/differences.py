"""Tests of differences, rule R1: two arms, one quantity against a number, and a difference of differences.

The classes have lower-case names because a claim reads like a sentence: paired("test_loss", lower="a", than="b").
"""

from dataclasses import dataclass, field

import numpy as np

from textbook.experiment.verdicts.base import Metric, describe, names
from textbook.experiment.verdicts.tables import aligned
from textbook.statistics import Judgement, paired_verdict


@dataclass(frozen=True, repr=False)
class paired(Metric):
    """R1: one arm's metric is lower, or higher, than another's, seed by seed.

    The difference is positive in the claimed direction: than − lower, or higher − than; on the log scale the ratio
    than/lower, or higher/than.

    Args:
        lower, higher: the arm that the claim favours; exactly one of the two.
        than: the arm that it is compared with.
        by: the column, or tuple of columns, that names an arm; arms are then values or tuples of them.

    >>> paired("test_loss", lower="step decay", than="constant")
    paired('test_loss', lower='step decay', than='constant')
    """

    lower: object = field(default=None, kw_only=True)
    higher: object = field(default=None, kw_only=True)
    than: object = field(default=None, kw_only=True)
    by: str | tuple[str, ...] = field(default="condition", kw_only=True)

    def __post_init__(self):
        super().__post_init__()
        if (self.lower is None) == (self.higher is None) or self.than is None:
            raise ValueError(
                f"expected lower= or higher=, and than=, got lower={self.lower!r}, higher={self.higher!r}, "
                f"than={self.than!r}: write paired(metric, lower=ARM, than=ARM)"
            )
        favoured, other = self._arms()
        if favoured == other:
            raise ValueError(f"expected two different arms, got {self.than!r} twice: name the arm to compare with")

    def _arms(self):
        favoured = self.lower if self.higher is None else self.higher
        return _key(favoured, self.by), _key(self.than, self.by)

    @property
    def sentence(self) -> str:
        """The rule applied, in a line."""
        word, arm = ("lower", self.lower) if self.higher is None else ("higher", self.higher)
        return (
            f"{self.metric}{self.epoch_phrase()} {word} for {arm!r} than for {self.than!r}, paired by seed, "
            f"95 % t interval, {self.scale_phrase()}"
        )

    def judge(self, tables) -> Judgement:
        """Judges the last epoch of each run, or the one chosen; diverged runs count as a guess."""
        arms, diverged = self.values(tables, names(self.by), self._arms())
        favoured, other = _aligned(arms, self._arms(), self.by)
        difference = other - favoured if self.higher is None else favoured - other
        return self.reported(paired_verdict(difference, self._scale().threshold), diverged)


@dataclass(frozen=True, repr=False)
class estimate(Metric):
    """R1: a quantity with one value per seed lies above, or below, a number.

    "Holds" needs the whole interval beyond the number and the mean beyond it by δ.

    Args:
        above, below: the number; exactly one of the two. On the log scale it is a factor, and 1 means "no change".

    >>> estimate("optimism", above=0, delta=0.5, unit="points")
    estimate('optimism', above=0, unit='points', delta=0.5)
    """

    above: float | None = field(default=None, kw_only=True)
    below: float | None = field(default=None, kw_only=True)

    def __post_init__(self):
        super().__post_init__()
        if (self.above is None) == (self.below is None):
            raise ValueError(
                f"expected either above= or below=, got above={self.above!r}, below={self.below!r}: "
                "write estimate(metric, above=0)"
            )

    @property
    def sentence(self) -> str:
        """The rule applied, in a line."""
        word, number = ("above", self.above) if self.below is None else ("below", self.below)
        return (
            f"{self.metric}{self.epoch_phrase()} {word} {number:g}, one value per seed, 95 % t interval, "
            f"{self.scale_phrase()}"
        )

    def judge(self, tables) -> Judgement:
        """Judges the values less the number, in the claimed direction."""
        arms, diverged = self.values(tables, ())
        number = self.above if self.below is None else self.below
        # apply() so that the number meets the values on their own scale: points, or a logarithm.
        values = arms[()].to_numpy() - self._scale().apply(np.asarray(float(number)), "above or below")
        difference = values if self.below is None else -values
        return self.reported(paired_verdict(difference, self._scale().threshold), diverged)


@dataclass(frozen=True, repr=False)
class contrast(Metric):
    """R1 on an interaction: the difference in one setting is larger than the difference in another.

    (A − B) − (C − D) for first=(A, B) and second=(C, D), seed by seed; on the log scale (A/B) / (C/D). "It depends on
    the setting" is claimed by this, never by one difference passing and another not.

    Args:
        first: (A, B); second: (C, D): arms.
        by: the column, or tuple of columns, that names an arm.

    >>> contrast("test_loss", first=(("full", "epochs"), ("32", "epochs")),
    ...          second=(("full", "updates"), ("32", "updates")), by=("batch", "budget")).by
    ('batch', 'budget')
    """

    first: tuple = field(kw_only=True)
    second: tuple = field(kw_only=True)
    by: str | tuple[str, ...] = field(default="condition", kw_only=True)

    def __post_init__(self):
        super().__post_init__()
        for word in ("first", "second"):
            pair = getattr(self, word)
            if not isinstance(pair, tuple | list) or len(pair) != 2 or pair[0] == pair[1]:
                raise ValueError(f"expected {word}= as a pair of two different arms, got {pair!r}")
            object.__setattr__(self, word, tuple(pair))
        if self.first == self.second:
            raise ValueError(f"expected two different pairs of arms, got {self.first!r} twice")

    @property
    def sentence(self) -> str:
        """The rule applied, in a line."""
        (a, b), (c, d) = self.first, self.second
        sign, joint = ("/", "over") if self._scale().log else ("−", "above")
        return (
            f"{self.metric}{self.epoch_phrase()}: {a!r} {sign} {b!r} is {joint} {c!r} {sign} {d!r}, paired by seed, "
            f"95 % t interval, {self.scale_phrase()}"
        )

    def judge(self, tables) -> Judgement:
        """Judges the difference of the two differences."""
        keys = [_key(arm, self.by) for arm in (*self.first, *self.second)]
        arms, diverged = self.values(tables, names(self.by), keys)
        a, b, c, d = _aligned(arms, keys, self.by)
        return self.reported(paired_verdict((a - b) - (c - d), self._scale().threshold), diverged)


def _key(arm, by):
    """An arm as the tuple of its columns' values."""
    columns = names(by)
    key = tuple(arm) if len(columns) > 1 and isinstance(arm, tuple | list) else (arm,)
    if len(key) != len(columns):
        raise ValueError(f"expected an arm as a value for each of {', '.join(columns)}, got {arm!r}")
    return key


def _aligned(arms, keys, by):
    """The arms' values, one array for each key, over the seeds that they share."""
    wanted = {describe(names(by), key): arms[key] for key in keys}
    _, columns = aligned(wanted)
    values = dict(zip(wanted, columns, strict=True))
    return [values[describe(names(by), key)] for key in keys]
