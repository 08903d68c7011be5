"""Rules on moving statistics: never moved, broken, behind, or of other inputs than those of inference."""

import math
from collections.abc import Iterator

from textbook.normalisation.finding import ERROR, NOTE, RECALIBRATE, WARNING, Facts, Finding, finding_at
from textbook.normalisation.layer_facts import LayerFacts

_LAG, _GREAT_LAG = 0.25, 1.0  # standard deviations of the inputs
_RATIO, _GREAT_RATIO = 1.5, 4.0  # of variances, either way
_MODES = 1.15  # of variances between the two modes
_COST, _LEAST_COST = 1.2, 0.02  # of the losses: a factor, and a difference in their unit


def not_finite(facts: Facts) -> Iterator[Finding]:
    """NaN or infinity in moving statistics."""
    at = [layer for layer in facts.layers if not layer.finite]
    if at:
        yield finding_at(
            "not finite", ERROR, at,
            "the moving statistics hold NaN or infinite values, which one bad batch leaves there for ever, and every "
            "prediction with them",
            f"find the batch (rows with NaN, a diverged update), then {RECALIBRATE}",
        )  # fmt: skip


def inputs_not_finite(facts: Facts) -> Iterator[Finding]:
    """NaN or infinity in what the layers get on these rows."""
    at = [layer for layer in facts.layers if layer.seen and not layer.finite_inputs]
    if not at:
        return
    broken = facts.rows.broken
    if broken:
        cause = f"{broken} of {facts.rows.rows} rows hold such values themselves"
        mend = "leave such rows out or fill them in, for training above all: one of them spoils the moving statistics"
    else:
        cause = "the rows are finite, so the weights before are not, or a layer overflows"
        mend = "go back to weights from before, a lower rate or clipnorm; in float16 also smaller inputs"
    yield finding_at(
        "inputs not finite", ERROR, at,
        f"their inputs are NaN or infinite on these rows: {cause}. Nothing else can be said of these layers", mend,
    )  # fmt: skip


def few_rows(facts: Facts) -> Iterator[Finding]:
    """Rows too few to hold moving statistics against."""
    at = [layer for layer in facts.layers if layer.judged and layer.by_chance > _LAG]
    if at:
        worst = max(at, key=lambda layer: layer.by_chance)
        yield finding_at(
            "few rows", NOTE, at,
            f"the mean of {facts.rows.rows} rows is off by about {worst.by_chance:.2g} standard deviations by chance "
            f"({worst.name}), too much to hold moving statistics against it",
            "give it more rows, 100 or so",
        )  # fmt: skip


def never_updated(facts: Facts) -> Iterator[Finding]:
    """Moving statistics that are still those of the start."""
    at = [layer for layer in facts.layers if layer.initial and layer.seen]
    if not at:
        return
    if facts.updates:
        text = (
            f"the moving statistics are still the 0 and 1 of the start, after {facts.updates} updates: "
            "the layers were frozen or told training=False, the model's own call takes no training, or a training loop "
            "calls model(x) without training=True"
        )
        severity = ERROR
    else:
        text = (
            "the moving statistics are the 0 and 1 of the start: the model is untrained, or was trained by a loop that "
            "calls model(x) without training=True"
        )
        severity = ERROR if facts.stale_costs else WARNING
    mend = f"train it; or, if it is trained, call model(x, training=True) in the loop, and {RECALIBRATE}"
    if not any(layer.layer.trainable for layer in at):
        text += ". They are frozen, so training does not change that"
        mend = "load the weights of the trained layers that were meant to be frozen, or trainable = True before compile"
    yield finding_at("never updated", severity, at, text, mend)


def lag(facts: Facts) -> Iterator[Finding]:
    """Moving statistics that are not those of the rows."""
    at = [layer for layer in facts.layers if layer.judged and layer.finite and not layer.initial and _lags(layer)]
    for frozen in (False, True):
        here = [layer for layer in at if layer.learns != frozen]
        if not here:
            continue
        numbers = {layer.name: {"lag": layer.lag, "variance_ratio": layer.typical_ratio} for layer in here}
        worst = max(here, key=lambda layer: max(layer.lag / _LAG, _factor(layer) / _RATIO))
        great = worst.lag > _GREAT_LAG or _factor(worst) > _GREAT_RATIO
        # frozen layers keep their statistics in the comparison of losses too, so it says nothing of them
        severity = ERROR if (great if frozen or facts.costs is None else facts.stale_costs) else WARNING
        text = (
            f"the moving statistics are not those of these rows: in {worst.name} the mean is off by {worst.lag:.2g} "
            f"standard deviations, the variance by a factor of {worst.typical_ratio:.3g}. "
        )
        if frozen:
            kind, cause = (
                "frozen on other data",
                "They run as in inference in training too, which therefore does not mend it",
            )
            mend = f"{RECALIBRATE}, which sets frozen ones too, or unfreeze the batch norms for some epochs"
        else:
            kind, cause = "lag", _cause(facts, worst)
            mend = (
                f"if these rows are like those of training, {RECALIBRATE} or train with momentum 0.9; if they are not, "
                "that is the finding"
            )
        yield finding_at(kind, severity, here, text + cause, mend, numbers)


def small_lag_at_a_price(facts: Facts) -> Iterator[Finding]:
    """Moving statistics that look right and yet cost loss, as deep networks that are very sure make them do."""
    known = [layer for layer in facts.layers if layer.judged and layer.finite and not layer.initial and layer.learns]
    if facts.costs is None or not known or any(_lags(layer) or layer.by_chance > _LAG for layer in known):
        return
    own, again = facts.costs
    if own > _COST * again + _LEAST_COST:
        worst = max(known, key=lambda layer: layer.lag)
        yield finding_at(
            "small lag", WARNING, [worst],
            f"no moving statistic is far from that of these rows (the mean of {worst.name} by {worst.lag:.2g} standard "
            f"deviations), but together they cost: the loss would be {again:.3g} in place of {own:.3g}",
            f"{RECALIBRATE}, a rate that falls towards the end, or momentum 0.9",
        )  # fmt: skip


def _cause(facts: Facts, layer: LayerFacts) -> str:
    needed = layer.updates_needed
    text = f"At momentum {layer.layer.momentum:g} the average takes {needed:.0f} updates to forget all but 1 %"
    if facts.updates and math.isfinite(needed):
        left = layer.layer.momentum**facts.updates
        text += f"; the optimizer has made {facts.updates}"
        if left > 0.01:
            return text + f", so {min(left, 0.99):.0%} of the first 0 and 1 is left"
    return text + ": the weights move faster than that, or the rows differ from those of training"


def modes(facts: Facts) -> Iterator[Finding]:
    """Inputs that vary more, or less, at inference than in training."""
    at = [
        layer
        for layer in facts.layers
        if layer.judged
        and layer.finite
        and not any(1 / _MODES < ratio < _MODES for ratio in (layer.mode_ratio, layer.off_from(layer.quiet)[1]))
    ]
    if at:
        worst = max(at, key=lambda layer: abs(math.log(layer.mode_ratio)))
        yield finding_at(
            "other inputs at inference", WARNING, at,
            "at inference, with dropout, noise and augmentation off, the inputs have "
            f"{worst.mode_ratio:.2g} times the variance that they have in training ({worst.name}), and the moving "
            "statistics are of training",
            f"put dropout behind the last batch norm, or {RECALIBRATE}, which has all of these off",
            {layer.name: layer.mode_ratio for layer in at},
        )  # fmt: skip


def _factor(layer: LayerFacts) -> float:
    return max(layer.typical_ratio, 1 / layer.typical_ratio)


def _lags(layer: LayerFacts) -> bool:
    """Whether the moving statistics fit what the layer gets neither with dropout nor without, beyond chance."""
    return layer.by_chance <= _LAG and all(
        lag > _LAG or not 1 / _RATIO <= ratio <= _RATIO
        for lag, ratio in (layer.off_from(layer.training), layer.off_from(layer.quiet))
    )
