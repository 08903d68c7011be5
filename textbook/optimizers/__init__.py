"""Keras optimizers whose momentum, betas and weight decay may be schedules. Importing this imports Keras.

- `sgd`, `adam`, `adamw`: `SGD`, `Adam`, `AdamW`
- `scheduled_classes`: `scheduled(keras_optimizer_class)`, the same for any other class of optimizers
- `scheduled_optimizer`: `ScheduledOptimizer`, what all of them add to Keras's
- `hyperparameter`: which hyperparameters may be a schedule, and the checks of those given
- `reading`: what Keras's update finds in the place of a Python float
"""

from textbook.optimizers.adam import Adam
from textbook.optimizers.adamw import AdamW
from textbook.optimizers.scheduled_classes import register_keras_classes, scheduled
from textbook.optimizers.scheduled_optimizer import ScheduledOptimizer
from textbook.optimizers.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "ScheduledOptimizer", "scheduled"]

register_keras_classes()
