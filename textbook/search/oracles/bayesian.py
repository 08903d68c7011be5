"""Bayesian search: a Gaussian process predicts the score, and the next trials are where it may be lowest."""

import warnings

import keras_tuner
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from textbook.search.oracles.base import Mended, check_whole
from textbook.search.space import unit_of, values_at

_CANDIDATES, _BEST, _MOVES = 1000, 10, 30
_DISTANCES = (0.1, 0.03, 0.01, 0.003)


class BayesianOracle(Mended, keras_tuner.oracles.BayesianOptimizationOracle):
    """keras-tuner's Gaussian process, learning from wave to wave.

    The first `num_initial_points` trials are random. After them come waves of `wave` trials: all of a wave learn from
    every trial before the wave, and none from the others of the wave, whose scores are taken as predicted plus one
    standard deviation. So trial k's values depend on the seed, k and the scores before its wave, not on who finishes
    first; a trial whose wave is not due yet is IDLE. A smaller wave learns more per trial, a larger one trains more
    trials at once.

    Infeasible and failed trials count as the worst score seen, so the search keeps away from them. A proposal that an
    earlier trial had gives way to the next best.

    Args:
        space, objective, trials, seed, options: as for `RandomOracle`.
        num_initial_points: random trials first; by default three per hyperparameter that is not fixed, at least three.
        wave: trials that are asked for at once.
        alpha: noise of a score, as variance relative to the variance of the scores.
        beta: how many standard deviations below the prediction count as promise.

    Source: Snoek et al., "Practical Bayesian optimization of machine learning algorithms" (NeurIPS 2012); lower
    confidence bound of Srinivas et al. (ICML 2010).
    """

    def __init__(
        self,
        space=None,
        objective="val_loss",
        *,
        trials: int = 16,
        seed: int = 0,
        num_initial_points: int | None = None,
        wave: int = 4,
        alpha: float = 1e-4,
        beta: float = 2.6,
        **options,
    ):
        check_whole(num_initial_points, "num_initial_points", least=2)
        check_whole(wave, "wave", least=1)
        for name, number in (("alpha", alpha), ("beta", beta)):
            if not (np.isfinite(number) and number > 0):
                raise ValueError(f"expected {name} above 0, got {number!r}")
        options |= {"num_initial_points": num_initial_points, "alpha": alpha, "beta": beta}
        super().__init__(space, objective, max_trials=trials, seed=seed, **options)
        self.wave = wave
        self._fitted = None

    def arguments(self) -> dict:
        own = {"num_initial_points": self.num_initial_points, "wave": self.wave, "alpha": self.alpha, "beta": self.beta}
        return {**super().arguments(), **own}

    def initial_points(self) -> int:
        """How many trials are random."""
        return self.num_initial_points or max(3 * len(self._nonfixed_space()), 3)

    def ready(self) -> int:
        """How many new trials would be handed out now, asked for one after the other."""
        number, initial = len(self.trials), self.initial_points()
        end = initial if number < initial else self._start(number) + self.wave
        return max(0, min(end, self.max_trials) - number) if self._due(number) else 0

    def populate_space(self, trial_id: str) -> dict:
        """keras-tuner's hook: random values first, then the most promising ones."""
        self._number = number = int(trial_id)
        if not self._due(number):
            return {"status": "IDLE", "values": None}
        before = [trial for trial in self.trials.values() if int(trial.trial_id) < self._start(number)]
        if number < self.initial_points() or sum(trial.status == "COMPLETED" for trial in before) < 2:
            return self._random_populate_space()
        values = self._propose(before, self._start(number))
        return {"status": "RUNNING", "values": values} if values else self._random_populate_space()

    def _start(self, number: int) -> int:
        """The first number of a trial's wave."""
        initial = self.initial_points()
        return 0 if number < initial else initial + (number - initial) // self.wave * self.wave

    def _due(self, number: int) -> bool:
        ended = set(self.end_order)
        return all(key in ended for key in self.trials if int(key) < self._start(number))

    def _propose(self, before: list, start: int) -> dict | None:
        x = np.array([self._vector(trial) for trial in before])
        y = self._losses(before)
        mates = [trial for trial in self.trials.values() if start <= int(trial.trial_id) < self._number]
        process = self._fit(x, y, start)
        if mates:
            also = np.array([self._vector(trial) for trial in mates])
            mean, deviation = process.predict(also, return_std=True)
            kernel = process.kernel_
            process = self._make_gpr().set_params(kernel=kernel, optimizer=None)
            process.fit(np.concatenate([x, also]), np.concatenate([y, mean + deviation]))

        def bound(points):
            mean, deviation = process.predict(points, return_std=True)
            return mean - self.beta * deviation

        rng = self.draw("acquisition", self._number)
        points = rng.random((_CANDIDATES, x.shape[1]))
        points = points[np.argsort(bound(points), kind="stable")]
        # the best of them are moved about, less and less far: some hundred points cost one prediction
        for distance in _DISTANCES:
            best = np.repeat(points[:_BEST], _MOVES, axis=0)
            moved = np.clip(best + distance * rng.standard_normal(best.shape), 0.0, 1.0)
            points = np.concatenate([points, moved])
            points = points[np.argsort(bound(points), kind="stable")]
        for point in points:
            values = self._values(point)
            if not self._duplicate(values):
                return values
        return None

    def _fit(self, x: np.ndarray, y: np.ndarray, start: int):
        """The process fitted to the trials before a wave; the same for all trials of the wave."""
        if self._fitted is None or self._fitted[0] != (start, x.shape):
            with warnings.catch_warnings():
                # a length scale at the end of its range: a hyperparameter that matters not at all, as many do
                warnings.simplefilter("ignore", ConvergenceWarning)
                self._fitted = ((start, x.shape), self._make_gpr().fit(x, y))
        return self._fitted[1]

    def _make_gpr(self):
        number = int(self.draw("surrogate", 0).integers(2**31))
        return super()._make_gpr().set_params(random_state=number)

    def _losses(self, trials: list) -> np.ndarray:
        """Scores with lower as better, the worst one for trials that failed; (trials,)."""
        sign = -1 if self.objective.direction == "max" else 1
        losses = [sign * trial.score if trial.status == "COMPLETED" else np.nan for trial in trials]
        return np.nan_to_num(np.array(losses, dtype=float), nan=np.nanmax(losses))

    def _vector(self, trial) -> list[float]:
        """A trial's coordinates, the default's where a hyperparameter was inactive or not known yet."""
        known = trial.hyperparameters
        return [
            unit_of(one, known.values[one.name] if known.is_active(one) and one.name in known.values else one.default)
            for one in self._nonfixed_space()
        ]

    def _values(self, point: np.ndarray) -> dict:
        varied, coordinates = {id(one) for one in self._nonfixed_space()}, iter(point)
        units = [next(coordinates) if id(one) in varied else 0.5 for one in self.hyperparameters.space]
        return values_at(self.hyperparameters.space, units)

    def set_state(self, state: dict) -> None:
        super().set_state(state)
        self._fitted = None
