"""Trials trained at once where their networks share a graph, and one by one by `model.fit` where they cannot stack."""

import dataclasses
import logging
import traceback
import warnings
from collections.abc import Iterator, Sequence

import keras
import numpy as np
import pandas as pd

from textbook.replicas import EarlyStopping, ReplicaTrainer
from textbook.search.plain_fit import fit_trial
from textbook.search.stacks import Stack, Stacks
from textbook.search.trials import Job, Trained

_LOG = logging.getLogger("textbook.search")

# columns of the replica trainer that are not a trial's curve; a search never sees the test part
_ASIDE = ("condition", "seed", "diverged", "chance_loss", "chance_accuracy", "engine", "seconds", "selected", "updates")
_NOTHING = pd.DataFrame({"epoch": pd.Series(dtype=int)})


class Trainer:
    """Trains trials of a search on the training part of a split, and measures them on its validation part.

    Args:
        build: a keras-tuner builder, hp → compiled model.
        split: a `textbook.splits.Split`; its test part is not looked at.
        objective, direction: a column of the curves, and "min" or "max": the model that is kept is that of its best
            epoch.
        engine: "replicas", "fit", or None for the surrounding session's; as `ReplicaTrainer` takes it.
        keep_state: keep what trials need to go on; then the model that is kept is that of the last epoch.
    """

    def __init__(self, build, split, *, objective: str, direction: str, engine: str | None, keep_state: bool = False):
        engine = engine or ("fit" if keras.backend.backend() == "torch" else None)  # which stacks nothing
        self._build, self._split, self._engine, self._keep_state = build, split, engine, keep_state
        self._objective, self._stop = objective, None
        if not keep_state:
            self._stop = EarlyStopping(
                monitor=objective, mode=direction, patience=2**62, restore_best_weights=True
            )  # fmt: skip
        self._stacks = Stacks(build)

    def train(self, jobs: Sequence[Job]) -> Iterator[list[Trained]]:
        """The trials, a stack at a time, so that what is done can be kept before the next stack is begun.

        Raises: ValueError, before anything is trained, for an objective that training will not measure.
        """
        stacks, errors = self._stacks.sort(jobs)
        for stack in stacks:
            self._check_objective(stack)
        if errors:
            yield [Trained(number, curves=_NOTHING.copy(), error=error) for number, error in errors.items()]
        for stack in stacks:
            yield self._train(stack)

    def _check_objective(self, stack: Stack) -> None:
        """Refuse an objective that training will not measure, before anything is trained.

        Raises: ValueError.
        """
        if (names := stack.compiled.names()) is None:
            return
        columns = ["loss", "clean_loss", *names]
        columns += [f"val_{name}" for name in columns]
        if self._objective not in [*columns, "penalty"]:
            raise ValueError(
                f"expected objective as one of {', '.join(columns)}, got {self._objective!r}; mend by naming one, or "
                "by adding the metric to compile in the builder"
            )

    def retrain(self, jobs: Sequence[Job]) -> pd.DataFrame:
        """One network trained anew for several seeds: a row per seed and epoch, the test part measured once.

        Raises: what the builder raises; ValueError for a network that cannot be stacked.
        """
        stacks, errors = self._stacks.sort(jobs)
        if errors:
            raise ValueError(f"expected hyperparameters that the builder takes, got: {next(iter(errors.values()))}")
        return pd.concat([self._trained(stack).table for stack in stacks], ignore_index=True)

    def _trained(self, stack: Stack):
        return ReplicaTrainer(
            stack.network,
            self._split,
            conditions={"trials": stack.condition(self._stop)},
            seeds=[job.seed for job in stack.jobs],
            epochs=stack.jobs[0].epochs,
            metrics=stack.compiled.measured(),
            engine=self._engine,
            keep_state=self._keep_state,
        ).run()

    def _train(self, stack: Stack) -> list[Trained]:
        try:
            result = self._trained(stack)
        except ValueError as error:  # how the replica trainer refuses what a stack would train in another way than fit
            if stack.jobs[0].start is not None:
                _LOG.info("trained from the first epoch on, with the same result: %s", error)
                stack.jobs = [dataclasses.replace(job, start=None) for job in stack.jobs]
                return self._train(stack)
            warnings.warn(f"trained one by one by model.fit, since they cannot be stacked: {error}", stacklevel=2)
            return [self._fit(job) for job in stack.jobs]
        except Exception as error:  # one network that cannot be trained must not cost the others their trials
            warnings.warn(f"trained one by one by model.fit, since a stack raised {error!r}", stacklevel=2)
            return [self._fit(dataclasses.replace(job, start=None)) for job in stack.jobs]
        rows = dict(list(result.table.groupby("seed")))
        return [self._of(result, rows[job.seed], job) for job in stack.jobs]

    def _of(self, result, rows: pd.DataFrame, job: Job) -> Trained:
        aside = [name for name in rows if name in _ASIDE or name.startswith(("test_", "selected"))]
        return Trained(
            job.number,
            curves=rows.drop(columns=aside).reset_index(drop=True),
            engine=rows["engine"].iloc[0],
            seconds=float(np.nansum(rows["seconds"])),
            model=lambda: result.trained("trials", job.seed),
            state=result.state("trials", job.seed) if self._keep_state else None,
        )

    def _fit(self, job: Job) -> Trained:
        try:
            return fit_trial(self._build, self._split, job, stop=self._stop)
        except Exception:  # a trial that raises has failed, and the others go on
            return Trained(job.number, curves=_NOTHING.copy(), error=traceback.format_exc())
