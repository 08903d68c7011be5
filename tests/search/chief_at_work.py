"""A chief that serves from a thread, and workers that do not train: scores are a function of the values."""

import contextlib
import socket
import threading

import keras_tuner
import pandas as pd

from tests.search.oracles.playing import loss, mixed_space
from textbook.search.chief import serve
from textbook.search.distributed import Place
from textbook.search.oracles import RandomOracle
from textbook.search.project import Project, Record
from textbook.search.service import SEARCH, WORKER, Servicer
from textbook.search.trials import FAILED, judge
from textbook.search.worker import Line


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def place(name="chief", *, port=None, lease=60.0, patience=60.0) -> Place:
    return Place(name, f"127.0.0.1:{port or free_port()}", lease=lease, patience=patience)


def oracle_in(folder, *, trials=6, seed=3, reload=False, **options) -> RandomOracle:
    """A search's oracle in its folder; of the trials of seed 3, number 1 is infeasible."""
    oracle = RandomOracle(mixed_space(), keras_tuner.Objective("val_loss", "min"), trials=trials, seed=seed, **options)
    folder.mkdir(parents=True, exist_ok=True)
    oracle._set_project_dir(str(folder.parent), folder.name)
    if reload:
        oracle.reload()
    return oracle


def line_to(chief: Place, name="w1", *, search="a search", over=lambda: False, patience=60.0) -> Line:
    return Line(Place(name, chief.address, patience=patience), search, over=over)


def write(folder, trial, *, error="", score=None) -> Record:
    """Leave the record of a trial, as a worker does before it reports."""
    values = trial.hyperparameters.values
    curves = {} if error else {"epoch": [1], "val_loss": [loss(values) if score is None else score]}
    status, best, epoch = (FAILED, float("nan"), 0) if error else judge(pd.DataFrame(curves), "val_loss", "min")
    record = Record(status, best, epoch, curves, "fit", 0.0, "w", 0, "", error)
    Project(folder).write(trial.trial_id, record)
    return record


def finish(remote, folder, trial, **outcome) -> None:
    """Report a trial as a worker does: the record first."""
    record = write(folder, trial, **outcome)
    trial.status = "INVALID" if record.status == FAILED else "COMPLETED"
    remote.end_trial(trial)


def work_off(remote, folder) -> list[str]:
    """Take trial by trial until there are no more; their ids."""
    done = []
    while (trial := remote.create_trial("slot 0")).status == "RUNNING":
        finish(remote, folder, trial)
        done.append(trial.trial_id)
    return done


@contextlib.contextmanager
def chief_at_work(oracle, folder, at: Place, over=lambda: None):
    """`serve` in a thread; yields a list that holds what it raised, when it has ended."""
    raised = []

    def run():
        try:
            serve(oracle, folder, at, "a search", over=over)
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield raised
    thread.join(timeout=60)
    assert not thread.is_alive(), "the chief hangs"


class Call:
    """What gRPC tells a service about a request."""

    def __init__(self, worker="w1", search="a search", **more):
        self._about = [(WORKER, worker.encode()), (SEARCH, search), *more.items()]

    def invocation_metadata(self):
        return self._about

    def set_trailing_metadata(self, metadata):
        self.told = dict(metadata)

    def abort(self, code, details):
        raise AssertionError(f"{code.name}: {details}")


def servicer_in(folder, leases, **options) -> Servicer:
    return Servicer(oracle_in(folder, **options), Project(folder), search="a search", leases=leases)
