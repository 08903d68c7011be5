"""Gradient descent whose momentum may be a schedule."""

import keras

from textbook.optimizers.scheduled_classes import backend_class, known_as
from textbook.optimizers.scheduled_optimizer import ScheduledOptimizer


@known_as(keras.optimizers.SGD)
class SGD(ScheduledOptimizer, backend_class(keras.optimizers.SGD)):
    """`keras.optimizers.SGD` whose `momentum`, `weight_decay` or clipping may be a schedule.

    At update k, counted from 0: v ← μ(k)·v − η(k)·g, then w ← w + v; with `nesterov`, w ← w + μ(k)·v − η(k)·g. The rate
    stands inside the velocity, as in Keras and unlike torch. Weight decay comes before: w ← w − η(k)·λ(k)·w.

    Args:
        learning_rate: η, a number or a `LearningRateSchedule`.
        momentum: μ, a number from 0 to 1 or a `LearningRateSchedule` of such, such as `rate.momentum`.
        nesterov, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum and the rest: as in Keras;
            see `SGD.schedulable` for those that may be a schedule.

    A schedule counts updates, also with `gradient_accumulation_steps`. With a scheduled momentum there is a velocity
    even where the schedule starts at 0.

    Raises: ValueError for a schedule without `in_steps`, for one that starts outside the hyperparameter's range, for an
        argument that cannot be one; and for a later assignment to a scheduled hyperparameter.

    Source: Sutskever et al. (2013), On the importance of initialization and momentum in deep learning.

    >>> from textbook.schedules import StepDecay
    >>> weight = keras.Variable([0.0])
    >>> optimizer = SGD(1.0, momentum=StepDecay(0.5, factor=0.5, every=1).in_steps(1))  # 0.5, 0.25, 0.125 …
    >>> optimizer.build([weight])
    >>> for _ in range(3):  # velocities −1, −(1 + 0.25), −(1 + 0.125 · 1.25)
    ...     optimizer.apply([keras.ops.ones(1)])
    >>> round(weight.numpy().item(), 5)
    -3.40625
    """
