"""Judging from many seeds: intervals, the rules of judgement on arrays, discoveries, components of variance.

`judgement` has the verdict words and `Judgement`; `intervals` the intervals of a mean and of a share; `rules` turns
differences into a verdict; `discoveries` is the correction of Benjamini and Hochberg; `components` finds the share of
each random factor in a crossed design; `selection` what keeping the best of several runs gains. Arrays in, plain
numbers out: tables are the business of `textbook.experiment`.
"""

from textbook.statistics.components import VarianceComponent, variance_components
from textbook.statistics.discoveries import keep_discoveries
from textbook.statistics.intervals import mean_interval, mean_p_value, overlapping_splits_interval, wilson_interval
from textbook.statistics.judgement import (
    EXACT,
    FAILS,
    HOLDS,
    INCONCLUSIVE,
    NO_DIFFERENCE,
    REVERSED,
    VIOLATED,
    WORDS,
    Judgement,
)
from textbook.statistics.rules import (
    equivalence_verdict,
    exact_verdict,
    five_way,
    paired_verdict,
    seeds_for_share,
    share_verdict,
    slope_verdict,
    trend_verdict,
)
from textbook.statistics.selection import Selection, best_of

__all__ = [
    "EXACT",
    "FAILS",
    "HOLDS",
    "INCONCLUSIVE",
    "NO_DIFFERENCE",
    "REVERSED",
    "VIOLATED",
    "WORDS",
    "Judgement",
    "Selection",
    "VarianceComponent",
    "best_of",
    "equivalence_verdict",
    "exact_verdict",
    "five_way",
    "keep_discoveries",
    "mean_interval",
    "mean_p_value",
    "overlapping_splits_interval",
    "paired_verdict",
    "seeds_for_share",
    "share_verdict",
    "slope_verdict",
    "trend_verdict",
    "variance_components",
    "wilson_interval",
]
