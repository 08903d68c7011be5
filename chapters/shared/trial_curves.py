"""A pool of trials with their learning curves: on each seed's split, one network trained with many random settings.

Measured once for the sections that replay searches. A search is then a choice of rows of the pool, and any number of
searches costs nothing more. Settings are drawn anew for each seed, and all trials of a seed share its split, as those
of a search do; initial weights and order are their own. Numbers alone differ, so that all are trained at once.
"""

import dataclasses
import functools

import numpy as np
import pandas as pd

from textbook.experiment import Run
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.schedules import ExponentialDecay
from textbook.seeding import stream

UNITS = ("u_rate", "u_momentum", "u_weight_decay", "u_decay")
LOWEST, HIGHEST = 1e-6, 10.0
TRAIN_ROWS = 512
_DISTANCES, _WEIGHT_DECAYS, _DECAYS = (0.01, 1.0), (1e-5, 1e-1), (0.01, 1.0)
_MOST_TRIALS = 1000
_SCORES = ("val_loss", "val_accuracy", "test_loss")


def trial_curves(
    run: Run,
    *,
    data: str = "digits",
    optimizer: str = "sgd",
    count: int = 128,
    share: float = 1.0,
    epochs: int = 8,
) -> pd.DataFrame:
    """Train `count` random settings of MLP 64-32-10 on each seed's split and keep their curves.

    Learning rate (`LOWEST` to `HIGHEST`), 1 − momentum (0.01 to 1), weight decay (1e-5 to 0.1) and the factor by which
    the rate falls until the end (0.01 to 1) are log-uniform. A setting depends on (seed, trial) alone: another share
    of the training rows trains the same settings, and a smaller count their beginning.

    Args:
        optimizer: "sgd", or another one with the drawn number as its rate and no use for the momentum.
        count: trials of each seed, at most 1000.
        share: of the `TRAIN_ROWS` training rows; the other parts keep their rows.
        epochs: of every trial.

    Returns: a row per seed, trial and epoch: `seed`, `trial` (from 0), `epoch`, the coordinates `UNITS` (0 to 1),
        `learning_rate`, `momentum`, `weight_decay`, `decay`, `val_loss`, `val_accuracy`, `test_loss` (after the last
        epoch, NaN before), `diverged`, `chance_loss`. A diverged trial has the loss and accuracy of a guess.
    """
    if not 1 <= count <= _MOST_TRIALS or not 0 < share <= 1:
        raise ValueError(f"expected 1 to {_MOST_TRIALS} trials a seed and a share up to 1, got {count} and {share}")
    settings = pd.concat([settings_of(seed, count) for seed in run.seeds], ignore_index=True)
    numbers = (settings.seed * _MOST_TRIALS + settings.trial).tolist()
    epochs, splits = run.epochs(epochs), run.splits(data, (TRAIN_ROWS, 473, 300))
    parts = {seed: _smaller(splits(seed), share) for seed in run.seeds}
    rates = [
        ExponentialDecay(rate, factor=decay, every=epochs)
        for rate, decay in zip(settings.learning_rate, settings.decay, strict=True)
    ]
    condition = Condition(
        learning_rate=dict(zip(numbers, rates, strict=True)),
        momentum=dict(zip(numbers, settings.momentum, strict=True)) if optimizer == "sgd" else None,
        weight_decay=dict(zip(numbers, settings.weight_decay, strict=True)),
        optimizer=optimizer,
    )
    curves = train_replicas(
        functools.partial(mlp, hidden=(32,)),
        lambda number: parts[number // _MOST_TRIALS],
        conditions={"": condition},
        seeds=tuple(numbers),
        epochs=epochs,
        batch_size=32,
    )
    return _joined(settings, curves)


def settings_of(seed: int, count: int) -> pd.DataFrame:
    """The first `count` settings of one seed: coordinates in the unit cube, and what they mean."""
    units = stream(seed, "settings").random((count, len(UNITS)))
    table = pd.DataFrame({"seed": seed, "trial": np.arange(count)} | dict(zip(UNITS, units.T, strict=True)))
    return table.assign(
        learning_rate=_log_uniform(table.u_rate, LOWEST, HIGHEST),
        momentum=1 - _log_uniform(table.u_momentum, *_DISTANCES),
        weight_decay=_log_uniform(table.u_weight_decay, *_WEIGHT_DECAYS),
        decay=_log_uniform(table.u_decay, *_DECAYS),
    )


def ends(pool: pd.DataFrame) -> pd.DataFrame:
    """The last row of every trial."""
    return pool[pool.epoch == pool.epoch.max()].reset_index(drop=True)


def _log_uniform(unit, low: float, high: float):
    return low * (high / low) ** unit


def _smaller(part, share: float):
    """The split with the first rows of its training part, which are in random order."""
    train, validation, test = part.rows
    return dataclasses.replace(part, rows=(train[: max(1, round(share * len(train)))], validation, test))


def _joined(settings: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Settings and curves side by side; a trial that has diverged after an epoch scores as a guess there."""
    rows = curves.assign(trial=curves.seed % _MOST_TRIALS, seed=curves.seed // _MOST_TRIALS)
    final = rows.epoch == rows.epoch.max()
    for name in _SCORES:
        guess = rows.chance_loss if name.endswith("loss") else rows.chance_accuracy
        measured = final | (name != "test_loss")
        rows[name] = rows[name].mask(rows.diverged & measured, guess)
    kept = ["seed", "trial", "epoch", *_SCORES, "diverged", "chance_loss"]
    return settings.merge(rows[kept], on=["seed", "trial"])
