"""One finding of a batch norm report, and the facts that the rules look at."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from textbook.normalisation.layer_facts import LayerFacts

ERROR, WARNING, NOTE = "error", "warning", "note"
SEVERITIES = (ERROR, WARNING, NOTE)

RECALIBRATE = "textbook.normalisation.recalibrate(model, x_train)"
_COST, _LEAST_COST = 0.05, 0.01  # of a loss: what counts as a difference, as a share and in its own unit


@dataclass(frozen=True)
class Finding:
    """One fault, or something to know, with the layers where it was found.

    Attributes:
        kind: a word for programs, such as "lag".
        severity: "error" (predictions or training are wrong), "warning" (likely costs something), "note".
        layers: names of the layers.
        message: what was found, with its numbers; mend: what to do.
        numbers: those numbers by layer name.
    """

    kind: str
    severity: str
    layers: tuple[str, ...]
    message: str
    mend: str
    numbers: dict = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Facts:
    """Everything that the rules look at.

    Attributes:
        layers: of the batch norms; updates: that the optimizer has made, None where nobody knows.
        rows: the `SampledRows`; costs: the loss with its own statistics and with those of the rows, or None.
        written: layer → the `training` written into its call in a graph.
        takes_training: whether the model's own `call` has that argument, so that `fit` can hand it down.
    """

    layers: tuple[LayerFacts, ...]
    rows: object
    updates: int | None
    costs: tuple[float, float] | None
    written: Mapping
    takes_training: bool = True

    @property
    def stale_costs(self) -> bool:
        """Whether the loss is higher with the moving statistics than with those of the rows."""
        if self.costs is None:
            return False
        own, again = self.costs
        if not math.isfinite(own) and math.isfinite(again):
            return True
        return own - again > max(_LEAST_COST, _COST * abs(again))


def finding_at(kind, severity, layers, message, mend, numbers=None) -> Finding:
    """A finding at these layers."""
    return Finding(kind, severity, tuple(layer.name for layer in layers), message, mend, numbers or {})
