"""What all oracles share: keras-tuner's own ones, with what they get wrong mended."""

import contextlib
import math
import re
import threading

import keras_tuner
import numpy as np
from keras_tuner.src.distribute import utils as distribution
from keras_tuner.src.engine import metrics_tracking
from keras_tuner.src.engine import oracle as locking
from keras_tuner.src.engine.objective import create_objective

from textbook.search.oracles.resuming import Resumable
from textbook.search.space import check_space, values_at
from textbook.seeding import sequence

_NAMED_ERROR = re.compile(r"[A-Za-z_.]+(Error|Exception)\b")


def check_whole(number, name: str, *, least: int) -> None:
    """Refuse anything but a whole number from `least` up, or None."""
    if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < least):
        raise ValueError(f"expected {name} as a whole number from {least} up, got {number!r}")


class Mended(Resumable):
    """A mixin before a keras-tuner oracle: `class RandomOracle(Mended, keras_tuner.oracles.RandomSearchOracle)`.

    - Trial k's values come from (seed, k) alone, through `values_at`; 0 is a seed like any other.
    - A trial whose score is not finite is infeasible: it fails, and the search goes on. Where *all* trials failed,
      asking for another one after the last raises a RuntimeError, unless a chief serves workers.
    - State files are written whole. A search that was killed goes on: trials that were started and not ended are handed
      out again first, in order of number, with the same values. A changed space or argument is refused.
    - Without a project folder (no `Tuner`, no `_set_project_dir`) nothing is written.
    - Nothing is printed unless `verbose` is set.

    Attributes:
        all_failed_raises: False leaves it to the caller to notice that all trials failed.
    """

    def __init__(self, space, objective, *, seed: int, **options):
        check_whole(options.get("max_trials"), "trials", least=1)
        sequence(seed, "hyperparameters")  # refuses what is no seed
        if space is not None:
            check_space(space)
            # trials add what they discover; the caller's own space stays as it is
            space = space.copy()
        self._check_objective(objective)
        # keras-tuner takes seed 0 for none, and draws one: it is set below
        super().__init__(objective=objective, hyperparameters=space, seed=1, **options)
        self.seed = int(seed)
        self.verbose = 0
        self.all_failed_raises = True
        self._start_saving(space)
        self._number = 0
        self._one_at_a_time = threading.RLock()

    @staticmethod
    def _check_objective(objective) -> None:
        if isinstance(objective, str):
            try:
                create_objective(objective)
            except ValueError:
                raise ValueError(
                    f"expected an objective whose direction is known, such as val_loss or val_accuracy, got "
                    f"{objective!r}; mend by another name, or by keras_tuner.Objective({objective!r}, 'min' or 'max')"
                ) from None
        for one in objective if isinstance(objective, list) else [objective]:
            if isinstance(one, keras_tuner.Objective) and one.direction not in ("min", "max"):
                likely = "max" if "max" in str(one.direction) else "min"
                raise ValueError(
                    f'expected an objective\'s direction as "min" or "max", got {one.direction!r}; mend by '
                    f"keras_tuner.Objective({one.name!r}, direction={likely!r})"
                )

    def arguments(self) -> dict:
        """What a search must keep when it goes on, by name; numbers and words only."""
        return {
            "oracle": type(self).__name__,
            "objective": str(self.objective),
            "seed": self.seed,
            "trials": self.max_trials,
        }

    def wave_limit(self) -> int | None:
        """How many trials may be asked for at once: None for as many as there are, until STOPPED or IDLE.

        None for all oracles here: one that learns from wave to wave ends its waves itself, by IDLE.
        """
        return None

    # --- values ---------------------------------------------------------------------------------------------------

    def draw(self, purpose: str, *key: int) -> np.random.Generator:
        """A random generator that depends on the search's seed, a purpose and numbers only (trial, attempt)."""
        root = sequence(self.seed, purpose)
        return np.random.default_rng(np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, *key)))

    def populate_space(self, trial_id: str) -> dict:
        """keras-tuner's hook: the values of a new trial, with "status" RUNNING, IDLE (ask later) or STOPPED."""
        self._number = int(trial_id)
        return super().populate_space(trial_id)

    def _random_values(self) -> dict | None:
        """Values that no trial had yet; None after 20 collisions, when the space counts as exhausted."""
        for attempt in range(self._max_collisions + 1):
            units = self.draw("hyperparameters", self._number, attempt).random(len(self.hyperparameters.space))
            values = values_at(self.hyperparameters.space, units)
            if not self._duplicate(values):
                return values
        return None

    # --- trials ---------------------------------------------------------------------------------------------------

    def create_trial(self, tuner_id: str):
        """A trial to run, or one with status IDLE (ask again when another ended) or STOPPED (no more).

        Each id holds one trial at a time; asking again under the same id gives the same trial.
        """
        with self._alone():
            # keras-tuner takes the last of its queue
            self._retry_queue.sort(key=int, reverse=True)
            again = bool(self._retry_queue) and tuner_id not in self.ongoing_trials
            if again:
                # what the interrupted run reported would be averaged with what this one reports
                trial = self.trials[self._retry_queue[-1]]
                trial.metrics = metrics_tracking.MetricsTracker()
                trial.score, trial.best_step, trial.message = None, 0, None
            trial = super().create_trial(tuner_id)
            if again:
                self._save_trial(trial)
            if trial.status == "STOPPED" and self.all_failed_raises and not distribution.has_chief_oracle():
                self.raise_if_all_failed()
            return trial

    def raise_if_all_failed(self) -> None:
        """Raise a RuntimeError if there were trials, all have ended, and none completed."""
        if not self.trials or self.ongoing_trials or any(trial.status != "FAILED" for trial in self.trials.values()):
            return
        first = min(self.trials.values(), key=lambda trial: int(trial.trial_id))
        lines = (first.message or "no message").strip().splitlines()
        # TensorFlow's errors go on for pages after the line that says what is wrong
        reason = next((line for line in reversed(lines) if _NAMED_ERROR.match(line)), lines[-1])
        mend = "what the first error says" if first.score is None else "by smaller learning rates"
        raise RuntimeError(
            f"expected a trial with a finite {self.objective.name}, got {len(self.trials)} that all failed; the first: "
            f"{reason}; mend {mend}"
        )

    def update_trial(self, trial_id: str, metrics, step: int = 0):
        """Record what a trial reports; NaN is a value like any other here. Returns the trial.

        A trial that has ended stays as it is: its worker was taken for dead, and another one was faster.
        """
        with self._alone():
            trial = self.trials[trial_id]
            if trial_id in self.end_order:
                return trial
            self._check_objective_found(metrics)
            for name, value in metrics.items():
                if not trial.metrics.exists(name):
                    trial.metrics.register(name, direction=self._direction(name))
                # not through the tracker, which looks for the best value so far and warns where there is only NaN
                trial.metrics.metrics[name].update(float(value), step=step)
            self._save_trial(trial)
            return trial

    def _direction(self, metric: str) -> str | None:
        objectives = getattr(self.objective, "objectives", [self.objective])
        return next((one.direction for one in objectives if one.name == metric), None)

    def score_trial(self, trial) -> None:
        """The best value of the objective over all that was reported, NaN if there was none but NaN."""
        history = trial.metrics.get_history(self.objective.name)
        means = [(float(np.mean(seen.value)), seen.step) for seen in history]
        better = max if self.objective.direction == "max" else min
        numbers = [pair for pair in means if not math.isnan(pair[0])]
        # of equal values the first, as keras-tuner has it
        trial.score, trial.best_step = better(numbers, key=lambda pair: pair[0]) if numbers else (math.nan, 0)

    def end_trial(self, trial) -> None:
        """Record the end of a trial: COMPLETED becomes FAILED where the score is not finite (see `infeasible`).

        A trial that has ended stays as it is, as in `update_trial`.
        """
        with self._alone(), self.batched():
            known = self.trials[trial.trial_id]
            if trial.trial_id in self.end_order:
                return
            if trial.hyperparameters is not known.hyperparameters:
                # it came back from a worker: what it discovered is added, what we proposed stays exact
                for name, value in trial.hyperparameters.values.items():
                    known.hyperparameters.values.setdefault(name, value)
                known.hyperparameters.merge(trial.hyperparameters, overwrite=False)
                trial.hyperparameters = known.hyperparameters
            if trial.status == "COMPLETED":
                self.score_trial(known)
                if not math.isfinite(known.score):
                    trial.status = "INVALID"
                    trial.message = f"expected a finite {self.objective.name}, got {known.score}: infeasible"
            super().end_trial(trial)
            trial.status = known.status

    def get_best_trials(self, num_trials: int = 1) -> list:
        """The best completed trials, at most so many; of equal scores the earlier. (keras-tuner adds failed ones.)"""
        sign = -1 if self.objective.direction == "max" else 1
        completed = [trial for trial in self.trials.values() if trial.status == "COMPLETED"]
        return sorted(completed, key=lambda trial: (sign * trial.score, int(trial.trial_id)))[:num_trials]

    def hand_on(self, tuner_id: str) -> None:
        """Take a worker's trial from it, for instance because the worker died: whoever asks next gets it."""
        with self._alone():
            trial = self.ongoing_trials.pop(tuner_id, None)
            self.tuner_ids.discard(tuner_id)
            if trial is not None:
                self._retry_queue.append(trial.trial_id)
                self.save()

    def infeasible(self, trial_id: str) -> bool:
        """Whether a trial ended with a score that is not finite, rather than by an error."""
        trial = self.trials[trial_id]
        return trial.status == "FAILED" and trial.score is not None

    def update_space(self, hyperparameters) -> None:
        """Add what a builder declared beyond the known space, once it is checked as `check_space` does."""
        check_space(hyperparameters)
        super().update_space(hyperparameters)

    def _retry(self, trial) -> bool:
        # keras-tuner's, without its print
        if trial.status != "INVALID":
            return False
        if self._run_times[trial.trial_id] > self.max_retries_per_trial:
            trial.status = "FAILED"
            return False
        self._retry_queue.append(trial.trial_id)
        return True

    def _check_consecutive_failures(self) -> None:
        """Three failures in a row end keras-tuner's search; here they are three trials of a poor region."""

    # --- threads --------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _alone(self):
        """One thread at a time, by keras-tuner's own lock; unlike there, the lock is free again after an error.

        keras-tuner tells threads apart by name, so a lock of ours keeps out namesakes.
        """
        with self._one_at_a_time:
            name = threading.current_thread().name
            if locking.THREADS[self] == name:
                yield
                return
            try:
                with locking.LOCKS[self]:
                    locking.THREADS[self] = name
                    try:
                        yield
                    finally:
                        locking.THREADS[self] = None
            finally:
                # as keys of these, all oracles of a process would stay in memory; a chief's thread looks at them itself
                if not distribution.has_chief_oracle():
                    locking.LOCKS.pop(self, None)
                    locking.THREADS.pop(self, None)
