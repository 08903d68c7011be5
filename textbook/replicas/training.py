"""The short form: conditions and seeds in, a tidy table out. Importing this loads no TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas


def train_replicas(build, splits, *, seeds, epochs: int | None = None, conditions=None, **settings) -> pandas.DataFrame:
    """Train every condition with every seed and return the table of `ReplicaTrainer(…).run()`.

    Columns, a row per condition, seed and epoch:
        `condition`, `seed`, `epoch` (passes begun, from 1; the last is a part of one where a budget of updates or
        seconds ends within it), `updates` (completed);
        `loss` and metrics as Keras reports them in training: running means over the epoch, dropout on, penalties in;
        `clean_loss`, `clean_accuracy`: the training part after the epoch, dropout off, without penalties; `penalty`;
        `val_loss` (as Keras: with penalties), `val_clean_loss`, `val_accuracy`; `test_…` likewise, at the epoch whose
        weights are kept;
        `learning_rate` of the epoch's last update; `selected`, where a condition can stop early: the epoch whose
        weights are kept; `diverged`; `chance_loss`, `chance_accuracy`: of the best guess that ignores x; `engine`, that
        trained the row; `seconds`: measured, the epoch's share of wall time.
    Losses are means in nats (cross-entropy) or squared units of y; accuracies are shares from 0 to 1. With several
    outputs, metrics carry their output's name. With `Seeds`, the columns `split_seed`, `weights_seed`, `order_seed`,
    `masks_seed` say what `seed` counts.

    Takes the arguments of `ReplicaTrainer`, and raises what it raises.
    """
    from textbook.replicas.trainer import ReplicaTrainer  # here, because a cached run loads no TensorFlow

    return ReplicaTrainer(build, splits, seeds=seeds, epochs=epochs, conditions=conditions, **settings).run().table
