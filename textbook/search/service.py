"""What the chief of a search answers its workers, in keras-tuner's own gRPC service."""

import functools
import logging

import grpc
import keras_tuner
from keras_tuner.src import protos
from keras_tuner.src.engine.trial import Trial, TrialStatus

from textbook.search.leases import Leases
from textbook.search.oracles.files import read_state
from textbook.search.project import Project
from textbook.search.trials import FAILED

_LOG = logging.getLogger("textbook.search")
DISCOVERED = "discovered.json"
# beside keras-tuner's messages, which have no room for them: who asks, in which search, why it leaves; the lease
SEARCH, WORKER, LEAVES, LEASE = "search", "worker-bin", "leaves-bin", "lease"


class Refused(Exception):
    """A request that the chief does not answer, with the gRPC status that says why."""

    def __init__(self, code: grpc.StatusCode, message: str):
        super().__init__(message)
        self.code = code


def worker_of(tuner_id: str) -> str:
    """The worker that asked under an id; each of its slots has one. "" for an id of a search without chief.

    >>> worker_of("w1#3f/slot 0")
    'w1#3f'
    """
    return tuner_id.rpartition("/")[0]


def _answer(method):
    """Note who asked; tell the worker what went wrong, and the chief too where it is the oracle's own error."""

    @functools.wraps(method)
    def answered(self, request, context):
        try:
            context.set_trailing_metadata(((LEASE, str(self.leases.seconds)),))
            return method(self, request, self._known(context))
        except Refused as refused:
            context.abort(refused.code, str(refused))
        except Exception as error:  # raised again by `serve`: without its oracle a chief is of no use
            self.error = error
            context.abort(grpc.StatusCode.INTERNAL, f"the chief's oracle raised {type(error).__name__}: {error}"[:1000])

    return answered


class Servicer(protos.get_service_grpc().OracleServicer):
    """keras-tuner's oracle service, as far as the workers of a search need it.

    Its messages carry metrics in 32 bits, spaces in another order and no error texts, so they only name trials here: a
    worker reads the values of its trial from trial.json, and the chief reads what came of it from the worker's
    record.json, and what the builder declared only then from discovered.json.

    - GetSpace: a worker says that it is there, or that it leaves.
    - CreateTrial: a trial; IDLE also where all have been handed out and some may yet have to be handed on.
    - GetTrial: a sign of life. Nothing is written.
    - EndTrial: who ends a trial first ends it; who was taken for dead meanwhile may be the one.

    Attributes:
        finished: whether all trials have ended and there are no more.
        error: what an oracle raised.
    """

    def __init__(self, oracle, project: Project, *, search: str, leases: Leases):
        self.oracle, self.project, self.search, self.leases = oracle, project, search, leases
        self.finished, self.error = False, None

    @_answer
    def GetSpace(self, request, about):
        if LEAVES in about:
            self.leave(about[WORKER], about[LEAVES])
        return protos.get_service().GetSpaceResponse()

    @_answer
    def CreateTrial(self, request, about):
        with self.oracle._alone():
            trial = self.oracle.create_trial(request.tuner_id)
            status = trial.status
            if status == TrialStatus.STOPPED and not self._settled():
                status = TrialStatus.IDLE
        if status == TrialStatus.STOPPED:
            self.finished = True
            self.leases.forget(about[WORKER])
        return protos.get_service().CreateTrialResponse(trial=_named(trial.trial_id, status))

    @_answer
    def GetTrial(self, request, about):
        status = self._trial(request.trial_id).status
        return protos.get_service().GetTrialResponse(trial=_named(request.trial_id, status))

    @_answer
    def EndTrial(self, request, about):
        trial_id = request.trial.trial_id
        known = self._trial(trial_id)
        record = self.project.read(trial_id)
        if record is None:
            raise Refused(
                grpc.StatusCode.NOT_FOUND,
                f"expected the record of trial {trial_id} in {self.project.folder}, found none; mend by a directory "
                "that chief and workers share",
            )
        oracle = self.oracle
        trial = Trial(self._discovered(known), trial_id=trial_id, status=TrialStatus.COMPLETED)
        with oracle._alone(), oracle.batched():
            if record.status == FAILED:
                trial.status, trial.message = TrialStatus.INVALID, record.error
            else:
                oracle.update_trial(trial_id, {oracle.objective.name: record.score}, step=record.best_epoch)
            oracle.end_trial(trial)  # one that has ended stays as it is
            if trial_id in oracle.end_order and trial_id in oracle._retry_queue:
                oracle._retry_queue.remove(trial_id)
        return protos.get_service().EndTrialResponse()

    def probe(self) -> None:
        """Find out whether the search has ended where nobody asks: a trial that comes of it waits for who does."""
        with self.oracle._alone():
            if self._settled() and not self.oracle._retry_queue:
                status = self.oracle.create_trial("chief").status
                self.oracle.hand_on("chief")
                self.finished = status == TrialStatus.STOPPED

    def leave(self, worker: str, reason: str) -> None:
        """Hand on what a worker holds."""
        self.leases.forget(worker)
        with self.oracle._alone(), self.oracle.batched():
            held = {slot: one.trial_id for slot, one in self.oracle.ongoing_trials.items() if worker_of(slot) == worker}
            for slot in held:
                self.oracle.hand_on(slot)
        trials = f"; trials {', '.join(sorted(held.values()))} are handed on" if held else ""
        _LOG.warning("%s %s%s", worker.partition("#")[0], reason, trials)

    def hold_again(self, held: dict[str, str]) -> None:
        """After a restart: leave trials to the workers that had them, who may still be at it, for a lease."""
        with self.oracle._alone():
            for slot, trial_id in held.items():
                if worker_of(slot) and trial_id in self.oracle._retry_queue:
                    self.oracle._retry_queue.remove(trial_id)
                    self.oracle.ongoing_trials[slot] = self.oracle.trials[trial_id]
                    self.leases.heard(worker_of(slot))

    def _settled(self) -> bool:
        return not self.oracle.ongoing_trials

    def _known(self, context) -> dict[str, str]:
        """What a worker says about itself, who is heard with it."""
        about = {
            key: value.decode() if isinstance(value, bytes) else value for key, value in context.invocation_metadata()
        }
        if about.get(SEARCH) != self.search or WORKER not in about:
            raise Refused(
                grpc.StatusCode.FAILED_PRECONDITION,
                f"expected a worker of the search in {self.project.folder.name}, got one of another search, or the "
                "same script with other settings or other data",
            )
        self.leases.heard(about[WORKER])
        return about

    def _trial(self, trial_id: str) -> Trial:
        if trial_id not in self.oracle.trials:
            raise Refused(
                grpc.StatusCode.NOT_FOUND, f"expected a trial of {self.project.folder.name}, got {trial_id!r}"
            )
        return self.oracle.trials[trial_id]

    def _discovered(self, known: Trial) -> keras_tuner.HyperParameters:
        """The trial's hyperparameters, with those that the worker left in `DISCOVERED`."""
        path = self.project.trial(known.trial_id) / DISCOVERED
        if not path.exists():
            return known.hyperparameters
        return keras_tuner.HyperParameters.from_config(
            read_state(str(path), needs=("space", "values"), mend="deleting it")
        )


def _named(trial_id: str, status: str):
    return protos.get_proto().Trial(trial_id=trial_id, status=TrialStatus.to_proto(status))
