"""Quasi-random search: a scrambled Sobol sequence, which leaves smaller holes than independent draws."""

import keras_tuner
import numpy as np
from scipy.stats import qmc

from textbook.search.oracles.base import Mended
from textbook.search.space import values_at


class SobolOracle(Mended, keras_tuner.Oracle):
    """Trial k takes point k of one Sobol sequence over all hyperparameters, scrambled by the seed.

    Every hyperparameter but a `Fixed` is a dimension, conditional ones too; where one is inactive, its coordinate goes
    unused. Best with 2^m trials, over which the sequence is balanced. A point whose values an earlier trial had, as
    happens where all hyperparameters are discrete, is passed over; after 20 in a row the space counts as exhausted.

    Args:
        space, objective, trials, seed, options: as for `RandomOracle`.

    Source: `scipy.stats.qmc.Sobol` (Joe & Kuo 2008); Owen scrambling (Matoušek 1998).

    >>> space = keras_tuner.HyperParameters()
    >>> _ = space.Float("momentum", 0.0, 1.0)
    >>> oracle = SobolOracle(space, "val_loss", trials=4)
    >>> sorted(int(4 * oracle.create_trial(slot).hyperparameters["momentum"]) for slot in "abcd")
    [0, 1, 2, 3]
    """

    def __init__(self, space=None, objective="val_loss", *, trials: int = 16, seed: int = 0, **options):
        super().__init__(space, objective, max_trials=trials, seed=seed, **options)
        self._passed_over = 0
        self._sequence, self._position = None, 0

    def populate_space(self, trial_id: str) -> dict:
        """keras-tuner's hook: the next point with values that no trial had yet."""
        space = self.hyperparameters.space
        varied = [not isinstance(one, keras_tuner.engine.hyperparameters.Fixed) for one in space]
        for collision in range(self._max_collisions + 1):
            units = np.full(len(space), 0.5)
            units[varied] = self._point(int(trial_id) + self._passed_over + collision, sum(varied))
            values = values_at(space, units)
            if not self._duplicate(values):
                self._passed_over += collision
                return {"status": "RUNNING", "values": values}
        return {"status": "STOPPED", "values": None}

    def _point(self, number: int, dimensions: int) -> np.ndarray:
        if dimensions == 0:
            return np.empty(0)
        if self._sequence is None or self._sequence.d != dimensions:
            self._sequence = qmc.Sobol(dimensions, scramble=True, seed=self.draw("sobol"))
            self._position = 0
        if number < self._position:
            self._sequence.reset()
            self._position = 0
        if number > self._position:
            self._sequence.fast_forward(number - self._position)
        self._position = number + 1
        return self._sequence.random(1)[0]

    def get_state(self) -> dict:
        return {**super().get_state(), "passed_over": self._passed_over}

    def set_state(self, state: dict) -> None:
        super().set_state(state)
        self._passed_over = state["passed_over"]
