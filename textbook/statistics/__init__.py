"""Judging from many seeds: intervals, the rules of judgement on arrays, discoveries, components of variance.

`judgement` has the verdict words and `Judgement`; `intervals` the intervals of a mean and of a share; `rules` turns
differences into a verdict; `discoveries` is the correction of Benjamini and Hochberg; `components` finds the share of
each random factor in a crossed design; `selection` what keeping the best of several runs gains; `replication` what
fewer seeds would have concluded; `heterogeneity` whether several settings have one effect; `bias_variance` takes errors
apart; `optimism` says by how much a winner's score overstates it, and `holdout_size` how many rows a test set needs.
Arrays in, plain numbers out: tables are the business of `textbook.experiment`.
"""

from textbook.statistics.bias_variance import BiasVariance, bias_variance, log_loss_parts
from textbook.statistics.components import VarianceComponent, variance_components
from textbook.statistics.discoveries import keep_discoveries
from textbook.statistics.heterogeneity import Heterogeneity, same_effect, same_sign, words_disagree
from textbook.statistics.holdout_size import accuracy_half_width, rows_for_half_width
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
from textbook.statistics.optimism import ChoiceOptimism, choice_optimism, winners_luck
from textbook.statistics.replication import (
    FIVE_WORDS,
    bare_words,
    contradicts,
    disjoint_groups,
    seeds_to_agree,
    word_shares,
    words_of,
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
    "FIVE_WORDS",
    "HOLDS",
    "INCONCLUSIVE",
    "NO_DIFFERENCE",
    "REVERSED",
    "VIOLATED",
    "WORDS",
    "BiasVariance",
    "ChoiceOptimism",
    "Heterogeneity",
    "Judgement",
    "Selection",
    "VarianceComponent",
    "accuracy_half_width",
    "bare_words",
    "best_of",
    "bias_variance",
    "choice_optimism",
    "contradicts",
    "disjoint_groups",
    "equivalence_verdict",
    "exact_verdict",
    "five_way",
    "keep_discoveries",
    "log_loss_parts",
    "mean_interval",
    "mean_p_value",
    "overlapping_splits_interval",
    "paired_verdict",
    "rows_for_half_width",
    "same_effect",
    "same_sign",
    "seeds_for_share",
    "seeds_to_agree",
    "share_verdict",
    "slope_verdict",
    "trend_verdict",
    "variance_components",
    "wilson_interval",
    "winners_luck",
    "word_shares",
    "words_disagree",
    "words_of",
]
