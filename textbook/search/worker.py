"""A worker of a search: gets trials from the chief, says that it is alive while it trains them, and reports them."""

import contextlib
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path

import grpc
from keras_tuner.src import protos
from keras_tuner.src.engine.trial import Trial, TrialStatus

from textbook.search.chief import NoResult
from textbook.search.oracles.files import read_state, write_whole
from textbook.search.service import DISCOVERED, LEASE, LEAVES, SEARCH, WORKER

# a chief that is started again is found within two seconds; a proxy has no part in it
_OPTIONS = [
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 2000),
    ("grpc.enable_http_proxy", 0),
]
# no answer, or another search's: the chief is starting, or is at the search before or after this one
_AGAIN = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.FAILED_PRECONDITION)
# seconds: for an answer, which a Bayesian oracle thinks about; for one to a sign of life; between two attempts
_ANSWER, _BEAT, _PAUSE = 60.0, 5.0, 0.25


class Over(Exception):
    """The chief has brought the search to its end and is gone."""


class Line:
    """A worker's line to the chief. Each request may be sent twice: the chief answers as it did the first time.

    Args:
        place: with `name`, `address` and `patience`.
        search: the word that stands for the search.
        over: whether the shared folder says that the search has ended.
    """

    def __init__(self, place, search: str, *, over: Callable[[], bool]):
        self._place, self._over = place, over
        # two processes of the same name are two workers, and one that is started again is another one
        self.worker = f"{place.name}#{secrets.token_hex(4)}"
        self.lease = place.lease
        self._about = ((SEARCH, search), (WORKER, self.worker.encode()))
        self._channel = grpc.insecure_channel(place.address, options=_OPTIONS)
        self._stub = protos.get_service_grpc().OracleStub(self._channel)

    def close(self) -> None:
        self._channel.close()

    def join(self) -> None:
        """Wait for the chief of this search, or for word that the search is over."""
        with contextlib.suppress(Over):
            self.ask("GetSpace", protos.get_service().GetSpaceRequest())

    def ask(self, method: str, request):
        """The chief's answer, waited for through its absence.

        Raises: Over where there is no chief any more and no need of one; NoResult where there is none for longer than
            the patience, or it refuses the request.
        """
        until = time.monotonic() + self._place.patience
        while True:
            try:
                return self._send(method, request, timeout=min(_ANSWER, self._place.patience))
            except grpc.RpcError as error:
                if error.code() not in _AGAIN:
                    raise NoResult(error.details()) from None
                if self._over():
                    raise Over from None
                if time.monotonic() > until:
                    found = error.details() if error.code() == grpc.StatusCode.FAILED_PRECONDITION else "no answer"
                    raise NoResult(
                        f"expected the chief of this search at {self._place.address}, got {found} for "
                        f"{self._place.patience:g} s; mend by starting the chief, with the same script and settings"
                    ) from None
                time.sleep(_PAUSE)

    def beat(self, trial_id: str) -> None:
        """Say that this worker is alive. A chief that does not hear it will hear the next one."""
        with contextlib.suppress(grpc.RpcError):
            self._send("GetTrial", protos.get_service().GetTrialRequest(trial_id=trial_id), timeout=_BEAT)

    def leave(self, reason: str) -> None:
        """Give back what this worker holds; where the chief does not hear it, the lease does the same later."""
        more = ((LEAVES, reason.encode()[:500]),)
        with contextlib.suppress(grpc.RpcError):
            self._send("GetSpace", protos.get_service().GetSpaceRequest(), more=more, timeout=2.0)

    def _send(self, method: str, request, *, more=(), **options):
        answer, call = getattr(self._stub, method).with_call(request, metadata=(*self._about, *more), **options)
        told = dict(call.trailing_metadata())
        if LEASE not in told:
            raise NoResult(
                f"expected a chief of textbook.search at {self._place.address}, got another server; mend by the port "
                "of the chief"
            )
        self.lease = float(told[LEASE])
        return answer


class RemoteOracle:
    """The chief's oracle as a `Runner` needs it: asks for trials and ends them over the line.

    Values come from the trial.json that the chief wrote, exact to the bit.

    Args:
        oracle: this process's own, for what does not change: space, objective, seed.
        folder: of the project.
    """

    def __init__(self, line: Line, oracle, folder: Path):
        self._line, self._oracle, self._folder = line, oracle, folder
        self.objective, self.seed = oracle.objective, oracle.seed
        self.wave_limit = oracle.wave_limit
        self.trials = self
        self.held: dict[str, None] = {}

    def __getitem__(self, trial_id: str) -> Trial:
        path = self._folder / f"trial_{trial_id}" / "trial.json"
        if not path.exists():
            raise NoResult(
                f"expected trial {trial_id} in {self._folder}, where the chief writes it, found none; mend by a "
                "directory that chief and workers share"
            )
        return Trial.from_state(read_state(str(path), needs=("trial_id", "hyperparameters"), mend="a new project"))

    def batched(self):
        """Nothing is written here."""
        return contextlib.nullcontext(self)

    def create_trial(self, slot: str) -> Trial:
        """A trial, or one with status STOPPED; IDLE only for a worker that holds another one, and need not wait."""
        request = protos.get_service().CreateTrialRequest(tuner_id=f"{self._line.worker}/{slot}")
        while True:
            try:
                answer = self._line.ask("CreateTrial", request).trial
            except Over:
                return Trial(None, status=TrialStatus.STOPPED)
            status = TrialStatus.from_proto(answer.status)
            if status == TrialStatus.RUNNING:
                self.held[answer.trial_id] = None
                return self[answer.trial_id]
            if status == TrialStatus.STOPPED or self.held:
                return Trial(None, status=status)
            time.sleep(min(_PAUSE, self._line.lease / 4))

    def update_trial(self, trial_id: str, metrics, step: int = 0) -> None:
        """The chief reads the score from the record, where it is exact."""

    def end_trial(self, trial: Trial) -> None:
        """Report a trial whose record is written."""
        known = {one.name for one in self._oracle.get_space().space}
        if any(one.name not in known for one in trial.hyperparameters.space):
            path = self._folder / f"trial_{trial.trial_id}" / DISCOVERED
            write_whole(str(path), trial.hyperparameters.get_config())
        proto = protos.get_proto().Trial(trial_id=trial.trial_id, status=TrialStatus.to_proto(trial.status))
        with contextlib.suppress(Over):  # another worker, to whom it was handed on, has ended it
            self._line.ask("EndTrial", protos.get_service().EndTrialRequest(trial=proto))
        self.held.pop(trial.trial_id)


def work(line: Line, oracle, folder: Path, train: Callable[[RemoteOracle], None]) -> None:
    """Train trials until the chief has no more; its trials go back when this process cannot go on.

    Args:
        train: trains the trials that an oracle gives until it gives no more.

    Raises: NoResult where the chief is gone; what `train` raises.
    """
    remote, done = RemoteOracle(line, oracle, folder), threading.Event()

    def beats():
        while not done.wait(min(line.lease / 4, _BEAT)):
            for trial_id in list(remote.held)[:1]:
                line.beat(trial_id)

    heart = threading.Thread(target=beats, daemon=True, name="heartbeat")
    heart.start()
    try:
        train(remote)
    except BaseException as error:
        line.leave(f"left: {type(error).__name__}: {error}")
        raise
    finally:
        done.set()
        heart.join()
