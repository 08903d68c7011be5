"""Tests of claims on tables: each names its columns and arms, and `judge(tables)` gives a `Judgement`.

| test | rule | question |
| --- | --- | --- |
| `paired` | R1 | is one arm lower, or higher, than another? |
| `estimate` | R1 | is one quantity above, or below, a number? |
| `contrast` | R1 | is the difference in one setting larger than in another ("depends")? |
| `trend` | R2 | does a metric rise, or fall, with a knob? |
| `exact` | R3 | does an identity hold to a tolerance? |
| `share` | R4 | does an event happen in more, or fewer, than a share of the seeds? |
| `equivalent` | R5 | are several arms the same, for all that matters? |
| `slope` | R6 | does a power law have the exponent that theory says? |
"""

from textbook.experiment.verdicts.differences import contrast, estimate, paired
from textbook.experiment.verdicts.equivalence import equivalent
from textbook.experiment.verdicts.events import share
from textbook.experiment.verdicts.identities import exact
from textbook.experiment.verdicts.knobs import slope, trend

__all__ = ["contrast", "equivalent", "estimate", "exact", "paired", "share", "slope", "trend"]
