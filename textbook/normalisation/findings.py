"""All that a batch norm report looks for, rule by rule."""

from textbook.normalisation import batch_findings, channel_findings, mode_findings, statistics_findings
from textbook.normalisation.finding import SEVERITIES, Facts, Finding

RULES = (
    mode_findings.told_in_inference,
    statistics_findings.not_finite,
    statistics_findings.inputs_not_finite,
    mode_findings.written,
    statistics_findings.never_updated,
    statistics_findings.lag,
    statistics_findings.few_rows,
    statistics_findings.small_lag_at_a_price,
    batch_findings.one_value,
    batch_findings.order,
    batch_findings.tiny,
    mode_findings.frozen,
    statistics_findings.modes,
    channel_findings.dead,
    mode_findings.not_told_in_training,
    channel_findings.bias,
    mode_findings.unread,
)


def findings(facts: Facts) -> list[Finding]:
    """What the rules find, errors first, and in the order of the rules."""
    found = [one for rule in RULES for one in rule(facts)]
    return sorted(found, key=lambda one: SEVERITIES.index(one.severity))
