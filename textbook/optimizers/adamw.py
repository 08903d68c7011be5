"""Adam with decoupled weight decay that may be a schedule of its own."""

import keras

from textbook.optimizers.scheduled_classes import backend_class, known_as
from textbook.optimizers.scheduled_optimizer import ScheduledOptimizer


@known_as(keras.optimizers.AdamW)
class AdamW(ScheduledOptimizer, backend_class(keras.optimizers.AdamW)):
    """`keras.optimizers.AdamW` whose `weight_decay`, `beta_1`, `beta_2` or clipping may be a schedule.

    At update k, counted from 0: w ← w − η(k)·λ(k)·w, then the update of `Adam`.

    The decay that a weight feels is η·λ, so a cycled rate cycles it as well. The paper's decay has the schedule's
    multiplier alone: to hold η·λ fixed while η changes, schedule λ(k) = c / η(k).

    Args:
        learning_rate: η, a number or a `LearningRateSchedule`.
        weight_decay: λ, a number from 0 up or a `LearningRateSchedule` of such.
        beta_1, beta_2: numbers from 0 to 1 or `LearningRateSchedule`s of such.
        epsilon, amsgrad, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum and the rest: as in Keras; see
            `AdamW.schedulable` for those that may be a schedule.

    A schedule counts updates, also with `gradient_accumulation_steps`.

    Raises: ValueError for a schedule without `in_steps`, for one that starts outside the hyperparameter's range, for an
        argument that cannot be one; and for a later assignment to a scheduled hyperparameter.

    Source: Loshchilov and Hutter (2019), Decoupled weight decay regularization.

    >>> from textbook.schedules import StepDecay
    >>> weight = keras.Variable([1.0])
    >>> optimizer = AdamW(0.5, weight_decay=StepDecay(0.4, factor=0.5, every=1).in_steps(1))  # 0.4, 0.2, 0.1 …
    >>> optimizer.build([weight])
    >>> for _ in range(3):  # without a gradient only the decay is left: 0.8 · 0.9 · 0.95
    ...     optimizer.apply([keras.ops.zeros(1)])
    >>> round(weight.numpy().item(), 5)
    0.684
    """
