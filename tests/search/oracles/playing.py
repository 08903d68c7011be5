"""A search without training: an oracle's trials get their scores from a function of their values."""

import math

import keras_tuner
import numpy as np

from textbook.search.oracles import BayesianOracle, GridOracle, HyperbandOracle, RandomOracle, SobolOracle


class Killed(BaseException):
    """The process is gone."""


def mixed_space() -> keras_tuner.HyperParameters:
    """Five hyperparameters, one of them active in one branch only."""
    hp = keras_tuner.HyperParameters()
    hp.Float("rate", 1e-4, 1.0, sampling="log")
    hp.Choice("optimizer", ["sgd", "adam"])
    with hp.conditional_scope("optimizer", ["sgd"]):
        hp.Float("momentum", 0.0, 0.9, step=0.3)
    hp.Boolean("bias")
    hp.Fixed("width", 32)
    return hp


def loss(values: dict) -> float:
    """A bowl over log rate, lower with momentum; NaN for the largest rates."""
    if values["rate"] > 0.3:
        return math.nan
    return (math.log10(values["rate"]) + 2) ** 2 + (0.3 if values["bias"] else 0.0) - 0.1 * values.get("momentum", 0.5)


ORACLES = {
    "random": lambda **options: RandomOracle(mixed_space(), "val_loss", **{"trials": 9} | options),
    "sobol": lambda **options: SobolOracle(mixed_space(), "val_loss", **{"trials": 9} | options),
    "grid": lambda **options: GridOracle(mixed_space(), "val_loss", **{"points": 2} | options),
    "hyperband": lambda **options: HyperbandOracle(
        mixed_space(), "val_loss", **{"max_epochs": 4, "factor": 2} | options
    ),
    "bayesian": lambda **options: BayesianOracle(
        mixed_space(), "val_loss", **{"trials": 9, "num_initial_points": 4, "wave": 3} | options
    ),
}


def play(oracle, score=loss, *, at_once: int = 1, shuffle: int | None = None, ends: int | None = None) -> dict:
    """Run a search: ask for up to `at_once` trials, end one (the first, or one drawn with seed `shuffle`), ask again.

    After `ends` ended trials the process is killed, with the others under way. Returns `table(oracle)`.
    """
    rng = np.random.default_rng(shuffle)
    running, ended = {}, 0
    for _ in range(10_000):
        for slot in range(at_once):
            if slot in running:
                continue
            trial = oracle.create_trial(f"slot{slot}")
            if trial.status != "RUNNING":
                break
            running[slot] = trial
        if not running:
            assert trial.status == "STOPPED", f"nothing runs, and the answer is {trial.status}"
            return table(oracle)
        slot = list(running)[0 if shuffle is None else int(rng.integers(len(running)))]
        if ended == ends:
            raise Killed
        finish(oracle, running.pop(slot), score)
        ended += 1
    raise AssertionError("the search does not end")


def finish(oracle, trial, score=loss) -> None:
    """Report a trial's score, and its end."""
    oracle.update_trial(trial.trial_id, {oracle.objective.name: score(trial.hyperparameters.values)}, step=1)
    trial.status = "COMPLETED"
    oracle.end_trial(trial)


def table(oracle) -> dict:
    """Trial number → values, status and score (as text, in which NaN equals NaN)."""
    return {
        int(trial.trial_id): (dict(trial.hyperparameters.values), trial.status, repr(trial.score))
        for trial in oracle.trials.values()
    }
