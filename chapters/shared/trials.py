"""A pool of trials: networks of the book trained with random hyperparameters, one row for each.

Measured once for all chapters that ask which hyperparameter matters, or how a search would have gone. Every trial has
data, initial weights and an order of its own, so that no lucky split favours a setting.
"""

import functools

import numpy as np
import pandas as pd

from textbook.experiment import Run
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.schedules import ExponentialDecay
from textbook.seeding import stream

# Widths, depths and batch sizes are few: each width with each depth is a network to compile, and the trials that also
# share their batch size are trained at once.
CHOICES = {
    "batch_size": (16, 64, 256),
    "width": (16, 64),
    "depth": (1, 2),
    "momentum": (0.0, 0.5, 0.8, 0.9, 0.95),
    "decay": (1.0, 0.5, 0.2, 0.1, 0.03),
}
WEIGHT_DECAYS = (1e-5, 1e-1)
HYPERPARAMETERS = ("learning_rate", "batch_size", "width", "depth", "momentum", "decay", "weight_decay")
TRIALS_PER_SEED = 25
_RESULTS = ("val_loss", "val_accuracy", "test_loss", "test_accuracy", "diverged")


def trials(
    run: Run, *, data: str = "digits", lowest: float = 1e-4, highest: float = 1.0, epochs: int = 6
) -> pd.DataFrame:
    """Train `TRIALS_PER_SEED` random trials for each seed of the run.

    Learning rate and weight decay are drawn log-uniformly, the others evenly from `CHOICES`. `width` is the units of
    each hidden layer and `depth` their number; `decay` is the factor by which the rate falls, exponentially, from the
    first epoch to the end.

    Args:
        lowest, highest: the range of learning rates.
        epochs: of every trial.

    Returns: a row per trial: `trial`, `seed` (the one that drew it), the hyperparameters, `val_loss`, `val_accuracy`,
        `test_loss`, `test_accuracy` after the last epoch (a guess's, where the trial `diverged`), and `diverged`.
    """
    pool = pd.concat([_draw(seed, lowest, highest) for seed in run.seeds], ignore_index=True)
    epochs, splits = run.epochs(epochs), run.splits(data)
    results = []
    for (width, depth, batch_size), rows in pool.groupby(["width", "depth", "batch_size"]):
        condition = Condition(
            learning_rate={
                trial: ExponentialDecay(rate, factor=decay, every=epochs)
                for trial, rate, decay in zip(rows.trial, rows.learning_rate, rows.decay, strict=True)
            },
            momentum=dict(zip(rows.trial, rows.momentum, strict=True)),
            weight_decay=dict(zip(rows.trial, rows.weight_decay, strict=True)),
            batch_size=int(batch_size),
        )
        build = functools.partial(mlp, hidden=(int(width),) * int(depth))
        curves = train_replicas(build, splits, conditions={"": condition}, seeds=tuple(rows.trial), epochs=epochs)
        results.append(_last(curves))
    return pool.merge(pd.concat(results), on="trial", validate="one_to_one")


def _draw(seed: int, lowest: float, highest: float) -> pd.DataFrame:
    """The trials of one seed. A trial's number is also the seed of its data, weights and order."""
    random, count = stream(seed, "trials"), TRIALS_PER_SEED
    drawn = {
        "trial": seed * 1000 + np.arange(count),
        "seed": seed,
        "learning_rate": np.exp(random.uniform(np.log(lowest), np.log(highest), count)),
        "weight_decay": np.exp(random.uniform(*np.log(WEIGHT_DECAYS), count)),
    }
    return pd.DataFrame(drawn | {name: random.choice(values, count) for name, values in CHOICES.items()})


def _last(curves: pd.DataFrame) -> pd.DataFrame:
    """What each trial ends with, a diverged one with the loss and accuracy of a guess."""
    last = curves[curves.epoch == curves.epoch.max()].rename(columns={"seed": "trial"})
    for name in _RESULTS[:-1]:
        guess = last.chance_loss if name.endswith("loss") else last.chance_accuracy
        last[name] = last[name].mask(last.diverged, guess)
    return last[["trial", *_RESULTS]]
