"""Random search: each trial's values are drawn independently."""

import keras_tuner

from textbook.search.oracles.base import Mended


class RandomOracle(Mended, keras_tuner.oracles.RandomSearchOracle):
    """keras-tuner's random search, where trial k's values depend on (seed, k) alone.

    Values that an earlier trial had are drawn again; after 20 collisions the search ends early, for the space is
    exhausted or nearly so.

    Args:
        space: a `keras_tuner.HyperParameters` with the ranges, or None where a `Tuner` is to discover them.
        objective: a `keras_tuner.Objective`, or a name whose direction keras-tuner knows, such as "val_loss".
        trials: at most.
        seed: from 0 up.
        options: keras-tuner's `allow_new_entries`, `tune_new_entries` and `max_retries_per_trial`.

    Source: Bergstra & Bengio, "Random search for hyper-parameter optimization" (JMLR 2012).

    >>> space = keras_tuner.HyperParameters()
    >>> _ = space.Float("rate", 1e-4, 1.0, sampling="log")
    >>> oracle = RandomOracle(space, "val_loss", trials=2)
    >>> [oracle.create_trial(slot).status for slot in "abc"]
    ['RUNNING', 'RUNNING', 'STOPPED']
    """

    def __init__(self, space=None, objective="val_loss", *, trials: int = 10, seed: int = 0, **options):
        super().__init__(space, objective, max_trials=trials, seed=seed, **options)
