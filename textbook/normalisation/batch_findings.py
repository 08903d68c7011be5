"""Rules on the batches of training: of one row, of few, in an order of their own."""

from collections.abc import Iterator

from textbook.normalisation.finding import ERROR, WARNING, Facts, Finding, finding_at
from textbook.normalisation.layer_facts import LayerFacts

_BATCH_NOISE, _AVERAGE_NOISE = 0.3, 0.1  # standard deviations of the inputs
_EXCESS = 4.0  # of the variance between batch means


def one_value(facts: Facts) -> Iterator[Finding]:
    """Batches of one row, or a last one of one row."""
    at = [layer for layer in facts.layers if layer.seen and layer.learns and layer.training.places <= 1]
    if not at:
        return
    if at[0].batch_size == 1:
        yield finding_at(
            "batch of one", ERROR, at,
            "a batch of one row has one value a channel, its own mean: the output is β whatever the input, nothing is "
            "learnt through it, and the moving variance goes to 0",
            "batches of 16 rows or more, or GroupNormalization or LayerNormalization",
        )  # fmt: skip
    elif facts.rows.last == 1:
        yield finding_at(
            "last batch of one", WARNING, at,
            f"{facts.rows.of} rows in batches of {at[0].batch_size} leave a last batch of one row in every epoch: "
            "its output is β, its update teaches these layers nothing, and it draws the moving variance towards 0",
            f"leave one row out, or batch({at[0].batch_size}, drop_remainder=True)",
        )  # fmt: skip


def tiny(facts: Facts) -> Iterator[Finding]:
    """Batches so small that their means scatter, or a moving average of few of them."""
    if facts.rows.batch_size == 1:
        return
    learning = [layer for layer in facts.layers if layer.seen and layer.learns]
    noisy = [layer for layer in learning if layer.batch_noise > _BATCH_NOISE and not _alike(facts, layer)]
    if noisy:
        worst = max(noisy, key=lambda layer: layer.batch_noise)
        yield finding_at(
            "tiny batches", WARNING, noisy,
            f"in batches of {worst.batch_size} rows the mean scatters by {worst.batch_noise:.2g} standard deviations "
            f"of the inputs ({worst.name}), noise that training has and inference has not",
            "larger batches, or GroupNormalization",
            {layer.name: layer.batch_noise for layer in noisy},
        )  # fmt: skip
    short = [layer for layer in learning if layer.average_noise > _AVERAGE_NOISE]
    if short:
        worst = max(short, key=lambda layer: layer.average_noise)
        momentum = worst.layer.momentum
        torch = f" (torch's {momentum:g} is Keras's {1 - momentum:g})" if momentum <= 0.5 else ""
        yield finding_at(
            "short memory", WARNING, short,
            f"with momentum {momentum:g} the moving mean is that of the last few batches, and scatters by "
            f"{worst.average_noise:.2g} standard deviations of the inputs. Keras's momentum is the weight of the old "
            f"value{torch}",
            "momentum 0.9 or 0.99, or larger batches",
            {layer.name: layer.average_noise for layer in short},
        )  # fmt: skip


def order(facts: Facts) -> Iterator[Finding]:
    """Batches whose rows are like each other."""
    at = [layer for layer in facts.layers if _alike(facts, layer)]
    if at:
        excess = {layer: layer.training.excess_between_batches() for layer in at}
        worst = max(at, key=lambda layer: excess[layer])
        yield finding_at(
            "batches alike inside", WARNING, at,
            f"the batches' means vary {excess[worst]:.2g} times as much as in batches drawn at random ({worst.name}): "
            "the rows come sorted, so in training each row is normalised by rows like itself",
            "shuffle rows before batching: .shuffle(n) before .batch(b)",
            {layer.name: excess[layer] for layer in at},
        )  # fmt: skip


def _alike(facts: Facts, layer: LayerFacts) -> bool:
    if facts.rows.drawn or not layer.training.batches:
        return False  # drawn at random here; how fit gets them is its own affair
    return layer.training.excess_between_batches() > _EXCESS
