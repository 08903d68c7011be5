"""A model's penalties, random layers and label smoothing, off for a while and then as they were."""

import contextlib
from collections.abc import Iterator

import keras

from textbook.replicas.number_places import numbers_of, placed


@contextlib.contextmanager
def regularisation_off(model) -> Iterator[tuple[str, ...]]:
    """Train a compiled model without what keeps it from fitting its data to the last bit.

    - regularisers of weights and of outputs are taken away;
    - layers that draw random numbers of their own (dropout, noise, augmentation) act as at inference, also recurrent
      and attention layers with a dropout inside; batch normalisation goes on in training mode;
    - label smoothing of the loss and the optimizer's weight decay are 0.

    What a layer of your own adds with `add_loss` stays on. Functions that were traced before keep what they have: take
    the model's train function away as well.

    Yields: what was switched off, in words.
    """
    with contextlib.ExitStack() as stack:
        said = []
        for layer in model._flatten_layers():
            for owner in (*layer._trainable_variables, *layer._non_trainable_variables):
                if getattr(owner, "regularizer", None) is not None:
                    stack.enter_context(lent_attribute(owner, "regularizer", None))
                    said.append(f"the penalty of {owner.path}")
            if getattr(layer, "activity_regularizer", None) is not None:
                stack.enter_context(lent_attribute(layer, "activity_regularizer", None))
                said.append(f"the penalty on the outputs of {layer.name}")
            if layer is not model and draws(layer):
                stack.enter_context(at_inference(layer))
                said.append(f"{type(layer).__name__} {layer.name}")
        smoothing = {
            name: 0.0
            for name, number in (numbers_of(model.loss) if isinstance(model.loss, keras.losses.Loss) else {}).items()
            if name == "loss.label_smoothing" and number.value
        }
        if smoothing:
            stack.enter_context(placed(model.loss, smoothing))
            said.append("label smoothing")
        optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
        if optimizer.weight_decay:
            stack.enter_context(lent_attribute(optimizer, "weight_decay", None))
            said.append("the optimizer's weight decay")
        yield tuple(said)


@contextlib.contextmanager
def lent_attribute(owner, name: str, value) -> Iterator[None]:
    """Inside the `with`, an attribute has this value, and behind it its own again."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


def draws(layer) -> bool:
    """Whether a layer has random numbers of its own, or a recurrent cell that has, and some rate above 0 for them."""
    holder = getattr(layer, "cell", layer)
    if not (layer._seed_generators or getattr(holder, "_seed_generators", ())):
        return False
    rates = [getattr(holder, name) for name in ("dropout", "recurrent_dropout") if hasattr(holder, name)]
    return not rates or any(rates)


@contextlib.contextmanager
def at_inference(layer) -> Iterator[None]:
    """Inside the `with`, a layer whose call is always told training=False, whatever the model around it says."""
    own, call = vars(layer).get("call"), layer.call

    def without_training(*inputs, **settings):
        if "training" in layer.call_signature_parameters:
            settings["training"] = False
        return call(*inputs, **settings)

    vars(layer)["call"] = without_training  # past Keras's own bookkeeping of attributes
    try:
        yield
    finally:
        if own is None:
            del vars(layer)["call"]
        else:
            vars(layer)["call"] = own
