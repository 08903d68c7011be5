"""Rules on channels: a bias that does nothing, inputs without a spread, a scale that is gone."""

from collections.abc import Callable, Iterator

import numpy as np

from textbook.normalisation.finding import NOTE, WARNING, Facts, Finding, finding_at


def bias(facts: Facts) -> Iterator[Finding]:
    """A bias that the batch norm takes away."""
    at = [
        layer
        for layer in facts.layers
        if layer.learns and layer.layer.center and layer.source is not None and layer.source.bias is not None
    ]
    if at:
        count = sum(int(np.prod(layer.source.bias.shape)) for layer in at)
        yield finding_at(
            "redundant bias", NOTE, at,
            f"the layer before has a bias, which the batch's mean takes away again and β replaces: {count} numbers "
            "that do nothing in training",
            "use_bias=False in the layer before; harmless in a model that is trained",
        )  # fmt: skip


def dead(facts: Facts) -> Iterator[Finding]:
    """Channels without spread, or without scale."""
    rules = (
        ("constant inputs", WARNING, "constant",
         "the input is the same in every row, so the output is β: a ReLU before it that never opens, a pixel that is "
         "always 0, or rows that are all alike",
         "look at the layer before: a lower rate, or leave such inputs out"),
        ("below epsilon", WARNING, "below_epsilon",
         "the variance of the inputs is below ε, so they are divided by √ε and stay small",
         "larger inputs or weights, or epsilon=1e-5"),
    )  # fmt: skip
    seen = [layer for layer in facts.layers if layer.judged]
    for kind, severity, name, text, mend in rules:
        yield from _channels(seen, kind, severity, lambda layer, name=name: getattr(layer, name), text, mend)
    yield from _channels(
        facts.layers, "no scale", NOTE, lambda layer: layer.without_scale,
        "|γ| is below 0.001, so the output is β: the channel is switched off, as weight decay on γ does it",
        "prune such channels, or leave γ out of the decay",
    )  # fmt: skip


def _channels(layers, kind: str, severity: str, which: Callable, text: str, mend: str) -> Iterator[Finding]:
    counts = {layer: int(which(layer).sum()) for layer in layers}
    at = [layer for layer, count in counts.items() if count]
    if at:
        channels = sum(len(layer.moving_mean) for layer in at)
        number = sum(counts.values())
        text = f"{number} of {channels} channels: {text}"
        yield finding_at(kind, severity, at, text, mend, {layer.name: counts[layer] for layer in at})
