"""A search in several processes: the same script runs in each, and keras-tuner's variables say which part it takes.

KERASTUNER_TUNER_ID is "chief" in one process and a name of its own in every other; KERASTUNER_ORACLE_IP and
KERASTUNER_ORACLE_PORT say where the chief serves. The chief holds the oracle and trains nothing; a worker asks it for
trials, trains them, and leaves records and models in the project's folder, which all share. In every process the search
returns the same `SearchResult`. `python -m textbook.search` sets the variables.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import sys
from pathlib import Path

from textbook.search.chief import raise_if_all_failed, serve
from textbook.search.oracles.files import read_state, write_whole
from textbook.search.worker import Line, work

LEASE, PATIENCE, WAVE, PORT, LOOPBACK = 60.0, 600.0, 8, 8000, "127.0.0.1"


@dataclasses.dataclass(frozen=True)
class Place:
    """The part that this process takes in a search of several.

    Attributes:
        name: of the worker, for the table; "chief" for the chief.
        address: where the chief serves, host:port.
        lease: seconds after which a silent worker's trials are handed on; the chief's counts.
        patience: seconds that a chief waits for workers, and a worker for its chief.
        wave: trials that a worker takes at once, at most; None leaves it to the search.
    """

    name: str
    address: str
    lease: float = LEASE
    patience: float = PATIENCE
    wave: int | None = None

    @property
    def chief(self) -> bool:
        return self.name == "chief"

    @classmethod
    def here(cls) -> "Place | None":
        """As the environment has it; None where it names no part.

        TEXTBOOK_SEARCH_LEASE and TEXTBOOK_SEARCH_PATIENCE (seconds) and TEXTBOOK_SEARCH_WAVE (trials) may be set too.

        Raises: ValueError for a variable that is missing, or is no number.
        """
        name, port = os.environ.get("KERASTUNER_TUNER_ID"), os.environ.get("KERASTUNER_ORACLE_PORT")
        host = os.environ.get("KERASTUNER_ORACLE_IP")
        if not (name or port or host):
            return None
        if not (name and port):
            lacks = "KERASTUNER_ORACLE_PORT" if name else "KERASTUNER_TUNER_ID"
            raise ValueError(
                f"expected KERASTUNER_TUNER_ID and KERASTUNER_ORACLE_PORT both or neither, got no {lacks}; mend by "
                "setting it, or by python -m textbook.search, which sets all"
            )
        host = host or LOOPBACK
        return cls(
            name,
            f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            _positive("TEXTBOOK_SEARCH_LEASE", float, LEASE),
            _positive("TEXTBOOK_SEARCH_PATIENCE", float, PATIENCE),
            _positive("TEXTBOOK_SEARCH_WAVE", int, None),
        )


def _positive(variable: str, kind: type, default):
    text = os.environ.get(variable)
    if not text:
        return default
    try:
        number = kind(text)
    except ValueError:
        number = 0
    if not 0 < number < float("inf"):
        raise ValueError(f"expected {variable} as a number above 0, got {text!r}")
    return number


def refuse_folder(directory) -> None:
    """Raises: ValueError, for a folder that is to be temporary, or deleted first."""
    got, mend = ("directory=None", "a directory=") if directory is None else ("overwrite=True", "deleting it by hand")
    raise ValueError(
        "expected a folder that chief and workers share, and that a chief which is started again finds as it was, "
        f"got {got}; mend by {mend}"
    )


def take_part(place: Place, oracle, folder: Path, described: dict, *, wave: int | None, open_folder, runner_in):
    """Serve a search to its end as the chief, or work for it as long as it has trials.

    Args:
        oracle: of the search; when this returns it knows all trials, on a worker from the shared folder.
        folder: of the project, on a disk that all processes see.
        described: what belongs to the search beside its oracle's arguments.
        wave: trials at once, as the search has it.
        open_folder: prepares the folder, reloads what is there, and refuses what is another search's.
        runner_in: folder, another oracle, changed settings → a `Runner`.

    Returns: a runner that has nothing left to run.

    Raises: ValueError for a folder that belongs to another search; chief.NoResult where the search cannot go on;
        SystemExit with status 130 when interrupted.
    """
    search = _name(oracle, folder, described)
    with _interrupted(place, oracle):
        if place.chief:
            open_folder()
            _mark(folder, search, finished=False)
            serve(oracle, folder, place, search, over=lambda: _mark(folder, search, finished=True))
            runner = runner_in(folder)
            runner.tidy()
            return runner
        with contextlib.closing(Line(place, search, over=lambda: _over(folder, search))) as line:
            line.join()
            open_folder()
            own = {"worker": place.name, "wave": place.wave or wave or WAVE}
            work(line, oracle, folder, lambda remote: runner_in(folder, remote, **own).train())
        oracle.reload()
        raise_if_all_failed(oracle)
        return runner_in(folder)


def _name(oracle, folder: Path, described: dict) -> str:
    """A word that stands for a search: chief and worker compare theirs, since a script may search more than once."""
    known = [folder.name, described, oracle.arguments(), oracle.get_space().get_config()["space"]]
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


def _mark(folder: Path, search: str, *, finished: bool) -> None:
    write_whole(str(folder / "chief.json"), {"search": search, "finished": finished})


def _over(folder: Path, search: str) -> bool:
    """Whether a chief has brought this search to its end."""
    path = folder / "chief.json"
    if not path.exists():
        return False
    state = read_state(str(path), needs=("search", "finished"), mend="deleting it and starting the chief again")
    return state["finished"] and state["search"] == search


@contextlib.contextmanager
def _interrupted(place: Place, oracle):
    """Ctrl-C ends the process with a line and status 130: its state is whole, and there is nothing to trace."""
    try:
        yield
    except KeyboardInterrupt:
        ended = f" after {len(oracle.end_order)} trials" if place.chief else ""
        print(f"{place.name}: interrupted{ended}; the same command goes on", file=sys.stderr)
        raise SystemExit(130) from None
