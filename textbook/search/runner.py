"""The loop of a search: ask the oracle for a wave of trials, train it, tell the oracle, and keep what came of it."""

import logging
import math
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from textbook.replicas.replica_state import ReplicaState
from textbook.search.builders import Network, built
from textbook.search.project import Project, Record, curves_of
from textbook.search.result import SearchResult
from textbook.search.training import Trainer
from textbook.search.trials import COMPLETED, FAILED, Job, Trained, judge, seed_of

_LOG = logging.getLogger("textbook.search")


@dataclass(frozen=True)
class Settings:
    """What a search trains with, beside its oracle's arguments.

    Attributes:
        epochs: of each trial, unless the oracle says how many (Hyperband).
        batch_size: samples, or the name of a hyperparameter.
        keep: so many best trials keep their models.
        wave: trials asked for at once, at most; None leaves it to the oracle.
        engine: as `ReplicaTrainer` takes it.
        stage, worker: words for the table.
        progress: say on stderr how many trials have ended, and the best score so far.
    """

    epochs: int
    batch_size: int | str = 32
    keep: int = 1
    wave: int | None = None
    engine: str | None = None
    stage: str = ""
    worker: str = ""
    progress: bool = False


class Runner:
    """Runs a search in a project folder, from its beginning or from where it was left.

    Args:
        build: a keras-tuner builder.
        split: a `textbook.splits.Split`.
        oracle: one of `textbook.search.oracles`, whose project folder is `folder`.
        goes_on: whether trials go on from others (Hyperband); then the models kept are those of the last epoch.
    """

    def __init__(self, build, split, oracle, settings: Settings, folder: Path, *, goes_on: bool = False):
        self._build, self._split, self._oracle, self._settings = build, split, oracle, settings
        self.project = Project(folder)
        self._objective = oracle.objective
        self._scores: dict[str, float] = {}
        self._trainer = Trainer(
            build, split, objective=self._objective.name, direction=self._objective.direction,
            engine=settings.engine, keep_state=goes_on,
        )  # fmt: skip

    def run(self) -> None:
        """Train trials until the oracle has no more, and delete what only trials that go on need."""
        self.train()
        self.tidy()

    def train(self) -> None:
        """Train trials until the oracle has no more."""
        while trials := self._ask():
            _LOG.info("training trials %s", ", ".join(trial.trial_id for trial in trials))
            jobs = [self._job(trial) for trial in trials]
            by_number = {job.number: (trial, job) for trial, job in zip(trials, jobs, strict=True)}
            for done in self._trainer.train(jobs):
                own = [by_number[one.number] for one in done]
                self._tell([trial for trial, _ in own], [job for _, job in own], done)

    def tidy(self) -> None:
        """Delete the states of trials: nobody goes on any more."""
        for trial_id in self._oracle.trials:
            self.project.state(trial_id).unlink(missing_ok=True)

    def result(self) -> SearchResult:
        """What the trials in the folder say together."""
        records = {trial_id: self.project.read(trial_id) for trial_id in sorted(self._oracle.trials, key=int)}
        records = {trial_id: record for trial_id, record in records.items() if record}
        rows = [self._row(trial_id, record) for trial_id, record in records.items()]
        curves = [self._curve(trial_id, record) for trial_id, record in records.items()]
        curves = [curve for curve in curves if len(curve)]
        return SearchResult(
            pd.DataFrame(rows),
            pd.concat(curves, ignore_index=True) if curves else pd.DataFrame({"trial": [], "epoch": []}),
            space=self._oracle.get_space(),
            objective=self._objective,
            seed=self._oracle.seed,
            build=self._build,
            retrain=self.retrain,
            models=self.model,
            directory=self.project.folder,
        )

    def model(self, number: int):
        """The model of a trial, compiled, with the weights that were kept.

        Raises: ValueError where none were kept.
        """
        trial_id = next(trial_id for trial_id in self._oracle.trials if int(trial_id) == number)
        trial = self._oracle.trials[trial_id]
        record = self.project.read(trial_id)
        if record is None or record.seed != self._seed(trial):
            raise ValueError(
                f"expected the search that this result is of in {self.project.folder}, got another one, which was "
                "written over it; mend by another directory for each search"
            )
        weights = self.project.weights(trial_id)
        row = self._split.samples(self._split.rows[0][:1])
        network = built(Network(self._build, trial.hyperparameters)(), row)
        network.load_weights(weights)
        model = built(self._build(trial.hyperparameters.copy()), row)
        model.set_weights(network.get_weights())
        return model

    def retrain(self, values: dict, seeds, epochs: int) -> pd.DataFrame:
        """Train some values for other seeds: a row per seed and epoch, test part included."""
        hyperparameters = self._oracle.get_space()
        hyperparameters.values = dict(values)
        size = self._batch_size(hyperparameters)
        jobs = [Job(number, hyperparameters.copy(), seed, size, epochs) for number, seed in enumerate(seeds)]
        return self._trainer.retrain(jobs)

    def _ask(self) -> list:
        """The next wave of trials, none where the search has ended."""
        limits = [limit for limit in (self._settings.wave, self._oracle.wave_limit()) if limit]
        trials = []
        with self._oracle.batched():
            while not limits or len(trials) < min(limits):
                trial = self._oracle.create_trial(f"slot {len(trials)}")
                if trial.status != "RUNNING":
                    break
                trials.append(trial)
        return trials

    def _job(self, trial) -> Job:
        values = trial.hyperparameters.values
        parent, start = values.get("tuner/trial_id"), None
        if parent is not None:
            path = self.project.state(parent)
            # without it everything is trained from the beginning, which gives the same bits and takes longer
            start = ReplicaState.load(path) if path.exists() else None
        return Job(
            int(trial.trial_id),
            trial.hyperparameters,
            self._seed(trial),
            self._batch_size(trial.hyperparameters),
            values.get("tuner/epochs", self._settings.epochs),
            start,
        )

    def _batch_size(self, hyperparameters) -> int:
        size = self._settings.batch_size
        return size if isinstance(size, int) else int(hyperparameters.values[size])

    def _seed(self, trial) -> int:
        """Of the trial whose network this one goes on with, however many times promoted."""
        while (parent := trial.hyperparameters.values.get("tuner/trial_id")) is not None:
            trial = self._oracle.trials[parent]
        return seed_of(self._oracle.seed, int(trial.trial_id))

    def _tell(self, trials, jobs: list[Job], trained: list[Trained]) -> None:
        records = {}
        for trial, job, one in zip(trials, jobs, trained, strict=True):
            record = records[trial.trial_id] = self._record(trial, job, one)
            if one.state is not None and record.status == COMPLETED:
                self.project.keep_state(trial.trial_id, one.state)
            # before the oracle knows that the trial has ended: after a kill in between it is run again
            if record.status != FAILED or not self._completed(trial.trial_id):
                self.project.write(trial.trial_id, record)
        self._keep_models(records, {trial.trial_id: one for trial, one in zip(trials, trained, strict=True)})
        with self._oracle.batched():
            for trial in trials:
                self._end(trial, records[trial.trial_id])
        if self._settings.progress:
            self._say()

    def _say(self) -> None:
        sign = 1 if self._objective.direction == "min" else -1
        scores = [score for score in self._scores.values() if math.isfinite(score)]
        best = f", best {self._objective.name} {sign * min(scores):.4g}" if scores else ""
        print(f"{len(self._scores)} trials ended{best}", file=sys.stderr, flush=True)

    def _completed(self, trial_id: str) -> bool:
        """Whether another process, which took this one for dead, completed the trial meanwhile."""
        known = self.project.read(trial_id)
        return known is not None and known.status == COMPLETED

    def _record(self, trial, job: Job, one: Trained) -> Record:
        before = None
        if job.start is not None:
            before = self.project.read(trial.hyperparameters.values["tuner/trial_id"])
        curves = curves_of(one, before)
        status, score, best = FAILED, float("nan"), 0
        if not one.error:
            if self._objective.name not in curves:
                raise ValueError(
                    f"expected objective as one of {', '.join(curves.columns.drop('epoch'))}, got "
                    f"{self._objective.name!r}; mend by naming one"
                )
            status, score, best = judge(curves, self._objective.name, self._objective.direction)
        return Record(
            status, score, best, curves.to_dict("list"), one.engine, one.seconds,
            self._settings.worker or f"process {os.getpid()}", job.seed, self._settings.stage, one.error,
        )  # fmt: skip

    def _end(self, trial, record: Record) -> None:
        if record.status == FAILED:
            trial.status, trial.message = "INVALID", record.error
        else:
            trial.status = "COMPLETED"  # the oracle sees that the score of an infeasible one is no number
            self._oracle.update_trial(trial.trial_id, {self._objective.name: record.score}, step=record.best_epoch)
        self._oracle.end_trial(trial)

    def _keep_models(self, records: dict[str, Record], wave: dict[str, Trained]) -> None:
        """Write the models of this wave's trials that are among the best so far, and delete those that are no more.

        The best by the records in the folder, where other processes may be at work too: what is not among the best of
        some trials is not among the best of all, so none deletes what another one must keep.
        """
        sign = 1 if self._objective.direction == "min" else -1
        for trial_id, record in (records | self.project.others(self._scores.keys() | records.keys())).items():
            self._scores[trial_id] = sign * record.score
        scored = [trial_id for trial_id, score in self._scores.items() if math.isfinite(score)]
        best = set(sorted(scored, key=lambda one: (self._scores[one], int(one)))[: self._settings.keep])
        for trial_id in best & wave.keys():
            self.project.keep_model(trial_id, wave[trial_id].model())
        # not those of trials whose record came only now: their model is being written
        self.project.forget_models(self._scores.keys() - best)

    def _row(self, trial_id: str, record: Record) -> dict:
        values = self._oracle.trials[trial_id].hyperparameters.values
        names = [parameter.name for parameter in self._oracle.get_space().space]
        parent = values.get("tuner/trial_id")
        return {
            "trial": int(trial_id), "status": record.status, "score": record.score, "best_epoch": record.best_epoch,
            "epochs": record.epochs, **{name: values.get(name) for name in names}, "stage": record.stage,
            "bracket": values.get("tuner/bracket"), "round": values.get("tuner/round"),
            "parent": float("nan") if parent is None else int(parent), "seed": record.seed, "engine": record.engine,
            "worker": record.worker, "seconds": record.seconds, "error": record.error,
        }  # fmt: skip

    @staticmethod
    def _curve(trial_id: str, record: Record) -> pd.DataFrame:
        curve = pd.DataFrame(record.curves)
        curve.insert(0, "trial", int(trial_id))
        return curve
