"""What a trial asks for, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from textbook import seeding

COMPLETED, INFEASIBLE, FAILED = "completed", "infeasible", "failed"


@dataclass(frozen=True)
class Job:
    """One trial to train.

    Attributes:
        number: of the trial, from 0.
        hyperparameters: keras-tuner's, with the values of this trial.
        seed: of initial weights, data order and masks.
        batch_size: samples.
        epochs: behind it when it is done, counted from the very beginning.
        start: a `ReplicaState` to go on from, or None.
    """

    number: int
    hyperparameters: Any
    seed: int
    batch_size: int
    epochs: int
    start: Any = None


@dataclass
class Trained:
    """What came of a trial.

    Attributes:
        number: of the trial.
        curves: a row per epoch: epoch (from 1), loss, metrics, val_loss, …, learning_rate; empty where it raised.
        engine: "replicas" or "fit"; "" where it raised.
        seconds: of training and evaluation, its share of what was trained with it.
        error: what was raised, in full; "" otherwise.
        model: a function that gives the trained model, at the best epoch where weights of epochs are kept.
        state: what it needs to go on, where that was asked for.
    """

    number: int
    curves: pd.DataFrame
    engine: str = ""
    seconds: float = 0.0
    error: str = ""
    model: Callable | None = None
    state: Any = None


def seed_of(search_seed: int, number: int) -> int:
    """The seed of a trial: a function of the search's seed and the trial's number alone; below 2⁵³, so exact in JSON.

    >>> seed_of(0, 1) == seed_of(0, 1), seed_of(0, 1) == seed_of(1, 0)
    (True, False)
    """
    parent = seeding.sequence(search_seed, "trial")
    child = np.random.SeedSequence(parent.entropy, spawn_key=(*parent.spawn_key, number))
    return int(child.generate_state(1, np.uint64)[0] >> 11)


def judge(curves: pd.DataFrame, objective: str, direction: str) -> tuple[str, float, int]:
    """(status, score, best epoch) of a trial's curve.

    The score is the objective's best value over the epochs. A trial whose objective is not finite after some epoch has
    diverged: it is infeasible and has no score, however good it was before.
    """
    values = curves[objective].to_numpy(float)
    if not np.isfinite(values).all():
        return INFEASIBLE, float("nan"), 0
    best = int(values.argmin() if direction == "min" else values.argmax())
    return COMPLETED, float(values[best]), int(curves["epoch"].iloc[best])
