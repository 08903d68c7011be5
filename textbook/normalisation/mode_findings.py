"""Rules on the mode in which batch norms run: frozen, or told another one than the model is in."""

from collections.abc import Iterator

from textbook.normalisation.finding import ERROR, NOTE, WARNING, Facts, Finding, finding_at


def told_in_inference(facts: Facts) -> Iterator[Finding]:
    """The batch's statistics used at inference, by a call with training=True."""
    at = [layer for layer in facts.layers if True in layer.inference.told and layer.layer.trainable]
    if at:
        yield finding_at(
            "training at inference", ERROR, at,
            "they normalise by the batch even at inference, since a layer around them calls them with training=True. "
            "What one row gets depends on the rows beside it, and a single row gets β",
            "hand training on: self.norm(x, training=training)",
        )  # fmt: skip


def not_told_in_training(facts: Facts) -> Iterator[Finding]:
    """Moving statistics used in training, by a call with training=False."""
    at = [layer for layer in facts.layers if layer.layer.trainable and layer.training.told == {False}]
    if at and not facts.takes_training:
        yield finding_at(
            "inference in training", WARNING, at,
            "they run as in inference even in fit: the model's own call has no argument training, so that fit cannot "
            "hand it down. Their moving statistics never move, and dropout never drops",
            "def call(self, x, training=None) in the model, and self.norm(x, training=training)",
        )  # fmt: skip
    elif at:
        yield finding_at(
            "inference in training", NOTE, at,
            "they run as in inference even in fit, since a layer around them calls them with training=False (on JAX "
            "also a subclass whose call does not hand training on): their moving statistics never move, while γ and β "
            "do",
            "right for fine-tuning; otherwise hand training on: self.norm(x, training=training)",
        )  # fmt: skip


def written(facts: Facts) -> Iterator[Finding]:
    """`training` written into a functional call, which does not count."""
    for told, mode in ((False, "training"), (True, "inference")):
        at = [
            layer
            for layer in facts.layers
            if facts.written.get(layer.layer) is told
            and layer.layer.trainable
            and (not told) in getattr(layer, mode).told
        ]
        if not at:
            continue
        instead = "normalise by the batch and change their statistics" if mode == "training" else "use their statistics"
        yield finding_at(
            "training overridden", WARNING, at,
            f"training={told} was written into the call, and Keras 3 overrides it: in a functional model what fit, "
            f"evaluate and predict pass down counts, so in {mode} these layers {instead}",
            "trainable = False on the batch norms (then they run as in inference), before compile"
            if mode == "training" else "a layer of your own that calls the batch norm with training=True",
        )  # fmt: skip


def frozen(facts: Facts) -> Iterator[Finding]:
    """Frozen batch norms, and batch norms behind a frozen layer."""
    at = [layer for layer in facts.layers if not layer.layer.trainable]
    if at:
        yield finding_at(
            "frozen", NOTE, at, "they use their moving statistics in training too, and never change them",
            "right for fine-tuning; otherwise trainable = True before compile",
        )  # fmt: skip
    at = [
        layer
        for layer in facts.layers
        if layer.learns and layer.source is not None and layer.source.weights and not layer.source.trainable
    ]
    if at:
        yield finding_at(
            "frozen before", WARNING, at,
            "the layer before is frozen and they are not: in training they normalise by the new data's batches and "
            "change their statistics, so the frozen part does not stay as it was",
            "freeze them too",
        )  # fmt: skip


def unread(facts: Facts) -> Iterator[Finding]:
    """Layers that did not run, or where nothing could be read."""
    at = [layer for layer in facts.layers if not layer.training.calls]
    if at:
        yield finding_at("not run", NOTE, at, "the model did not run them on these rows", "nothing to mend if so meant")
    at = [layer for layer in facts.layers if layer.training.unread and not layer.seen]
    if at:
        yield finding_at(
            "unreadable", NOTE, at, "they run inside a compiled loop, where their inputs cannot be read",
            "report on the inner model by itself",
        )  # fmt: skip
