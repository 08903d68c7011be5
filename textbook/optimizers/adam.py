"""Adam whose betas may be schedules."""

import keras

from textbook.optimizers.scheduled_classes import backend_class, known_as
from textbook.optimizers.scheduled_optimizer import ScheduledOptimizer


@known_as(keras.optimizers.Adam)
class Adam(ScheduledOptimizer, backend_class(keras.optimizers.Adam)):
    """`keras.optimizers.Adam` whose `beta_1`, `beta_2`, `weight_decay` or clipping may be a schedule.

    At update k, counted from 0, with t = k + 1, β₁ = β₁(k) and β₂ = β₂(k): m ← β₁·m + (1 − β₁)·g,
    v ← β₂·v + (1 − β₂)·g², then w ← w − η(k) · √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε).

    The bias is corrected by the *present* β to the power t, as Keras and torch do; exact for a beta that changes would
    be the product of all betas so far. The difference fades with βᵗ.

    Args:
        learning_rate: η, a number or a `LearningRateSchedule`.
        beta_1, beta_2: numbers from 0 to 1 or `LearningRateSchedule`s of such.
        epsilon, amsgrad, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum and the rest: as in
            Keras; see `Adam.schedulable` for those that may be a schedule.

    A schedule counts updates, also with `gradient_accumulation_steps`.

    Raises: ValueError for a schedule without `in_steps`, for one that starts outside the hyperparameter's range, for an
        argument that cannot be one; and for a later assignment to a scheduled hyperparameter.

    Source: Kingma and Ba (2015), Adam: A method for stochastic optimization.

    >>> from textbook.schedules import StepDecay
    >>> weight = keras.Variable([0.0])
    >>> optimizer = Adam(0.1, beta_1=StepDecay(0.8, factor=0.5, every=1).in_steps(1))  # 0.8, 0.4, 0.2 …
    >>> optimizer.build([weight])
    >>> optimizer.apply([keras.ops.ones(1)])  # m = 0.2
    >>> optimizer.apply([keras.ops.ones(1)])  # m = 0.4 · 0.2 + 0.6 = 0.68, corrected by 1 − 0.4²
    >>> round(weight.numpy().item(), 4)  # −0.1 · (1 + 0.68 / 0.84)
    -0.181
    """
