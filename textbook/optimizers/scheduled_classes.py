"""`scheduled`: a class with schedules for any Keras optimizer class, the same one each time, known to Keras."""

import keras

from textbook.optimizers.scheduled_optimizer import ScheduledOptimizer

_WRAPPERS = (keras.optimizers.LossScaleOptimizer, keras.optimizers.MultiOptimizer)
_MADE: dict[type, type] = {}


def scheduled(keras_optimizer_class: type) -> type:
    """A subclass of a Keras optimizer class whose momentum, decay and the like may be a `LearningRateSchedule`.

    Which ones: `momentum`, `beta_1`, `beta_2`, `adam_beta_1`, `adam_beta_2`, `rho`, `weight_decay`,
    `adam_weight_decay`, `clipnorm`, `clipvalue`, `global_clipnorm`, `ema_momentum`, as far as the class takes them; see
    its attribute `schedulable`. `ScheduleFreeAdamW` keeps its `beta_1`: it has to know the one of the update before.

    The optimizer's formula stays Keras's own with h(k) in place of h, at update k counted from 0. The classes for
    Keras's own optimizers load from saved models wherever `textbook.optimizers` has been imported. The one for a class
    of yours loads once `scheduled(YourClass)` has been called.

    Args:
        keras_optimizer_class: a subclass of `keras.optimizers.Optimizer` that computes updates itself.

    Raises: ValueError for anything else, and for a wrapper such as `LossScaleOptimizer`.

    Source: chapter 4, 4.7.2; Smith (2018), A disciplined approach to neural network hyper-parameters, part 1.

    >>> from textbook.schedules import StepDecay
    >>> RMSprop = scheduled(keras.optimizers.RMSprop)
    >>> optimizer = RMSprop(0.001, rho=StepDecay(0.8, factor=0.5, every=1).in_steps(10))
    >>> round(float(optimizer.rho), 6), RMSprop is scheduled(keras.optimizers.RMSprop)
    (0.8, True)
    """
    if not isinstance(keras_optimizer_class, type) or not issubclass(keras_optimizer_class, keras.optimizers.Optimizer):
        raise ValueError(
            f"expected a class of Keras optimizers, got {keras_optimizer_class!r}; "
            "mend by scheduled(keras.optimizers.RMSprop), for instance"
        )
    if issubclass(keras_optimizer_class, _WRAPPERS):
        raise ValueError(
            f"expected an optimizer that computes updates itself, got {keras_optimizer_class.__name__}, which hands "
            "them to another; mend by scheduling the optimizers that it is given"
        )
    if issubclass(keras_optimizer_class, ScheduledOptimizer):
        return keras_optimizer_class
    if keras_optimizer_class not in _MADE:
        name = keras_optimizer_class.__name__
        text = f"`{name}` whose hyperparameters may be schedules; see `textbook.optimizers.scheduled`."
        body = {"__doc__": text, "__module__": "textbook.optimizers"}
        known_as(keras_optimizer_class)(type(name, (ScheduledOptimizer, backend_class(keras_optimizer_class)), body))
    return _MADE[keras_optimizer_class]


def register_keras_classes() -> None:
    """Make the class for each optimizer of Keras's own, so that saved models with one are found."""
    optimizer = keras.optimizers.Optimizer
    for thing in vars(keras.optimizers).values():
        if isinstance(thing, type) and issubclass(thing, optimizer) and thing not in (optimizer, *_WRAPPERS):
            scheduled(thing)


def known_as(keras_optimizer_class: type):
    """Decorates the class that `scheduled(keras_optimizer_class)` is to return, and registers it with Keras."""
    # "SGD" of Keras's own; "package>Name" of a registered class
    name = keras.saving.get_registered_name(keras_optimizer_class).replace(">", ".")

    def register(cls: type) -> type:
        _MADE[keras_optimizer_class] = cls
        return keras.saving.register_keras_serializable(package="textbook", name=name)(cls)

    return register


def backend_class(keras_optimizer_class: type) -> type:
    """The class of what Keras makes when this one is called: on torch, one that updates all variables at once."""
    if keras.backend.backend() == "torch" and keras_optimizer_class.__module__.startswith("keras."):
        return type(keras_optimizer_class.__new__(keras_optimizer_class))
    return keras_optimizer_class
