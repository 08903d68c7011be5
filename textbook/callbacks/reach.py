"""Which hyperparameters of an optimizer a callback can change, and why not the others."""

import numbers

import keras

from textbook.schedules.base import Schedule

# counts, which Keras compares with whole numbers when the optimizer is built
_COUNTS = ("gradient_accumulation_steps", "ema_overwrite_frequency")


def optimizer_of(model):
    """The optimizer whose attributes count: the one inside a `LossScaleOptimizer`, where mixed precision adds one."""
    return getattr(model.optimizer, "inner_optimizer", model.optimizer)


def has_rate_schedule(model) -> bool:
    """Whether compile was given a schedule in place of a learning rate."""
    optimizer = optimizer_of(model)
    return optimizer is not None and not isinstance(optimizer.get_config().get("learning_rate", 0.0), numbers.Real)


def step_is_compiled(model) -> bool:
    """Whether the training step is traced once, with Python numbers baked in, rather than run anew every time."""
    if model.run_eagerly:
        return False
    # TensorFlow always makes a graph; JAX and torch run Python unless they are told to compile
    return True if keras.backend.backend() == "tensorflow" else bool(model.jit_compile)


def obstacle(model, name: str) -> str | None:
    """Why setting the optimizer's `name` from a callback would fail or be ignored; None where it works."""
    optimizer = optimizer_of(model)
    own = type(optimizer).__name__
    if optimizer is None:
        return "expected a model compiled with an optimizer, got one without; mend by compile(optimizer=…)"
    if name == "learning_rate":
        if has_rate_schedule(model):
            return (
                f"expected a learning rate as a number, got a schedule in the compiled {own}, which no callback can "
                "set; mend by keeping one of the two"
            )
        return None
    if name not in _numbers(optimizer):
        known = ", ".join(["learning_rate", *_numbers(optimizer)])
        return f"expected a number of {own} ({known}), got {name!r}; mend by one of these names"
    current = getattr(optimizer, name)
    if isinstance(current, keras.optimizers.schedules.LearningRateSchedule | Schedule):
        return (
            f"expected {name} as a number, got {current!r} in the compiled {own}, which schedules it itself; "
            "mend by keeping one of the two"
        )
    if name == "momentum" and isinstance(current, numbers.Real) and current == 0:
        return (
            f"expected {own} compiled with a momentum above 0, got 0, with which it has no velocity; mend by "
            "compiling with the schedule's first value"
        )
    if name == "ema_momentum" and not optimizer.use_ema:
        return f"expected {own} compiled with use_ema=True, got an optimizer that reads no ema_momentum; mend by it"
    if not step_is_compiled(model):
        return None
    if isinstance(current, keras.Variable) and any(current is variable for variable in optimizer.variables):
        return None
    return (
        f"expected a {name} that the training step reads at every update, got {current!r}, a number baked into the "
        f"compiled step, which would ignore the callback; mend by an optimizer of textbook.optimizers with "
        f"{name}=schedule.in_steps(n), or by compile(run_eagerly=True)"
    )


def _numbers(optimizer) -> list[str]:
    """Names of the constructor's arguments that hold a number, a variable, a schedule, or None for none of it."""
    kinds = (numbers.Real, keras.Variable, keras.optimizers.schedules.LearningRateSchedule, Schedule, type(None))
    held = {name: getattr(optimizer, name, "") for name in optimizer.get_config() if name != "learning_rate"}
    return [
        name
        for name, value in held.items()
        if isinstance(value, kinds) and not isinstance(value, bool) and name not in _COUNTS
    ]
