"""A user's optimizer, refused in words where a stack would silently apply it in another way than `fit`."""

import inspect

import keras


def check_optimizer(optimizer) -> None:
    """Refuse an optimizer that a stack would silently apply in another way than `fit`.

    Raises: ValueError for a schedule inside it, gradient accumulation, loss scaling, several optimizers in one, weights
    excluded from decay, and for a class whose `get_config` leaves settings out, as every training starts from a copy.
    """
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        raise ValueError(
            f"expected optimizer as a Keras optimizer or its name, got {type(optimizer).__name__}; "
            "pass for instance 'adam' or keras.optimizers.Adam(beta_1=0.8)"
        )
    kind = type(optimizer).__name__
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer) or optimizer.loss_scale_factor is not None:
        raise ValueError(
            f"expected an optimizer without loss scaling, got {kind} with it; leave it out, since float32 needs none"
        )
    if isinstance(optimizer, keras.optimizers.MultiOptimizer):
        raise ValueError(f"expected one optimizer for all weights, got {kind}; pass one, or train with model.fit")
    if optimizer.gradient_accumulation_steps:
        raise ValueError(
            f"expected an optimizer without gradient accumulation, got gradient_accumulation_steps="
            f"{optimizer.gradient_accumulation_steps}; make batch_size that many times as large"
        )
    rate = optimizer._learning_rate
    if not isinstance(rate, keras.Variable):
        schedule = isinstance(rate, keras.optimizers.schedules.LearningRateSchedule)
        name = type(rate).__name__ if schedule else "a function"
        raise ValueError(
            f"expected a number as the learning rate inside the optimizer, got {name}; "
            "pass Condition(learning_rate=schedule.per_update()) with a schedule of textbook.schedules"
        )
    # Keras keeps the variables and the patterns of their names apart
    if any(getattr(optimizer, f"_exclude_from_weight_decay{named}", None) for named in ("", "_pattern")):
        raise ValueError(
            f"expected weight decay of all weights, got {kind} after exclude_from_weight_decay, which Keras does not "
            "keep in copies; train it with model.fit"
        )
    _check_settings(optimizer)


def _check_settings(optimizer) -> None:
    parameters = list(inspect.signature(type(optimizer).__init__).parameters.values())[1:]
    named = {p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
    lost = sorted(named - set(optimizer.get_config()))
    if lost:
        raise ValueError(
            f"expected get_config of {type(optimizer).__name__} to hold all that its __init__ takes, got it without "
            f"{', '.join(lost)}; add them, so that copies of the optimizer have its settings"
        )
