"""An optimizer like the model's, but for a number or two, to be tried in its place."""

import keras

from textbook.model_state import inner

_EXCLUDED = ("_exclude_from_weight_decay", "_exclude_from_weight_decay_pattern")


def with_settings(optimizer, **settings):
    """A new optimizer of the same kind and arguments, with other ones in place of some; its slots are empty.

    A new one, because a compiled train function keeps the numbers of the optimizer that it was compiled with, whatever
    is assigned to it later. Loss scaling is put around it again. Its rate is a plain number.
    """
    holder = inner(optimizer)
    arguments = {**holder.get_config(), "learning_rate": 0.01, **settings}
    made = type(holder).from_config(arguments)
    for name in _EXCLUDED:
        if hasattr(holder, name):
            setattr(made, name, getattr(holder, name))
    if holder is optimizer:
        return made
    scale = optimizer.get_config()
    return keras.optimizers.LossScaleOptimizer(
        made, initial_scale=scale["initial_scale"], dynamic_growth_steps=scale["dynamic_growth_steps"]
    )


def momentum_of(optimizer) -> str:
    """The name of the optimizer's momentum: "momentum", or "beta_1" for those of Adam's kind; ValueError for none."""
    arguments = inner(optimizer).get_config()
    for name in ("momentum", "beta_1"):
        if name in arguments:
            return name
    raise ValueError(
        f"expected an optimizer with a momentum or beta_1, got {type(inner(optimizer)).__name__}; "
        "mend by compiling with SGD or Adam, for instance"
    )
