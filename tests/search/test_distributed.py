import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

from tests.search.chief_at_work import free_port, oracle_in
from textbook import search, splits
from textbook.search import __main__ as command
from textbook.search import distributed
from textbook.search.chief import NoResult
from textbook.search.distributed import Place
from textbook.search.oracles import cost

SCRIPT = Path(__file__).with_name("distributed_script.py")
VARIABLES = [f"KERASTUNER_{name}" for name in ("TUNER_ID", "ORACLE_IP", "ORACLE_PORT")]
VARIABLES += [f"TEXTBOOK_SEARCH_{name}" for name in ("LEASE", "PATIENCE", "WAVE")]


@pytest.fixture
def no_variables(monkeypatch):
    for name in VARIABLES:
        monkeypatch.setenv(name, "")  # so that what the command sets is taken back
        monkeypatch.delenv(name)


class Processes:
    """The script in processes of its own, one thread each."""

    def __init__(self, folder: Path):
        self.folder, self.port = folder, free_port()
        self._running, self._environment = [], {**os.environ, "PYTHONPATH": str(Path.cwd())}
        threads = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
        self._environment |= {name: "1" for name in threads} | {"TF_CPP_MIN_LOG_LEVEL": "3"}

    def start(self, name: str, *words: str, directory="shared", **variables: str) -> subprocess.Popen:
        part = ["-m", "textbook.search", *words] if words else []
        own = ["--port", str(self.port), "--"] if words else []
        arguments = [sys.executable, *part, str(SCRIPT), *own, directory, f"{name}.table"]
        with (self.folder / f"{name}.err").open("ab") as errors:
            process = subprocess.Popen(
                arguments, cwd=self.folder, env=self._environment | variables, stdout=errors, stderr=errors
            )
        self._running.append(process)
        return process

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.err").read_text()

    def end(self):
        for process in self._running:
            if process.poll() is None:
                process.kill()
            process.wait()


@pytest.fixture
def processes(tmp_path):
    running = Processes(tmp_path)
    yield running
    running.end()


def wait_for(*paths: Path, among: list[subprocess.Popen] = ()) -> None:
    for _ in range(6000):
        if all(path.exists() for path in paths):
            return
        assert all(process.poll() is None for process in among), "a process ended early"
        time.sleep(0.05)
    raise AssertionError(f"expected {paths}")


def halting(folder: Path, name: str) -> dict[str, str]:
    return {"HALT": str(folder / f"{name} is in a trial"), "GATE": str(folder / "gate")}


def assert_same(folder: Path, one: str, other: str) -> pd.DataFrame:
    """Same bits in the tables and curves of two processes, and in what their best models say."""
    tables = [pd.read_pickle(folder / f"{name}.table") for name in (one, other)]
    measured = ["worker", "seconds"]
    pd.testing.assert_frame_equal(*[table.drop(columns=measured) for table in tables], check_exact=True)
    curves = [pd.read_pickle(folder / f"{name}.table.curves") for name in (one, other)]
    pd.testing.assert_frame_equal(*curves, check_exact=True)
    np.testing.assert_array_equal(*[np.load(folder / f"{name}.table.outputs.npy") for name in (one, other)])
    return tables[1]


@pytest.mark.slow
def test_a_killed_worker_and_a_killed_chief_leave_no_trace_in_the_table(processes, tmp_path):
    """Random search, and Hyperband after it: trials go on from states that other workers left."""
    chief = processes.start("chief", "chief", "--lease", "3")
    workers = [processes.start(f"w{i}", "worker", "--name", f"w{i}", **halting(tmp_path, f"w{i}")) for i in (1, 2, 3)]
    wait_for(*[tmp_path / f"w{i} is in a trial" for i in (1, 2, 3)], among=[chief, *workers])
    # six of eight trials are out, and none has ended
    workers[0].kill()
    chief.kill()
    chief.wait()
    (tmp_path / "gate").touch()
    chief = processes.start("chief", "chief", "--lease", "3")
    alone = processes.start("alone", directory="alone")
    assert [process.wait(300) for process in (chief, *workers[1:], alone)] == [0, 0, 0, 0]
    for name in ("chief", "w2", "w3"):
        for kind in ("random", "hyperband"):
            table = assert_same(tmp_path, f"alone.{kind}", f"{name}.{kind}")
            assert set(table.worker) <= {"w2", "w3"}
    assert "w1 was silent for 3 s; trials " in processes.said("chief")
    assert len(table) == cost(4, 2)[0]
    assert (table.parent >= 0).sum() > 0
    assert list((tmp_path / "shared" / "hyperband").rglob("state.npz")) == []


@pytest.mark.slow
def test_ctrl_c_ends_a_worker_and_a_chief_without_a_traceback(processes, tmp_path):
    chief = processes.start("chief", "chief")
    worker = processes.start("w1", "worker", "--name", "w1", **halting(tmp_path, "w1"))
    wait_for(tmp_path / "w1 is in a trial", among=[chief, worker])
    worker.send_signal(signal.SIGINT)
    assert worker.wait(300) == 130
    chief.send_signal(signal.SIGINT)
    assert chief.wait(300) == 130
    assert "w1: interrupted; the same command goes on" in processes.said("w1")
    assert "w1 left: KeyboardInterrupt: ; trials 0, 1 are handed on" in processes.said("chief")
    assert "chief: interrupted after 0 trials; the same command goes on" in processes.said("chief")
    for name in ("w1", "chief"):
        assert "Traceback" not in processes.said(name)
    assert processes.start("later").wait(300) == 0
    assert (pd.read_pickle(tmp_path / "later.random.table").status == "completed").sum() == 8


def test_the_place_is_that_of_the_environment(no_variables, monkeypatch):
    assert Place.here() is None
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "w1")
    with pytest.raises(ValueError, match="got no KERASTUNER_ORACLE_PORT; mend by setting it"):
        Place.here()
    monkeypatch.setenv("KERASTUNER_ORACLE_PORT", "8123")
    assert Place.here() == Place("w1", "127.0.0.1:8123", lease=60, patience=600, wave=None)
    assert not Place.here().chief
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "chief")
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "::1")
    monkeypatch.setenv("TEXTBOOK_SEARCH_LEASE", "2.5")
    monkeypatch.setenv("TEXTBOOK_SEARCH_WAVE", "4")
    assert Place.here() == Place("chief", "[::1]:8123", lease=2.5, patience=600, wave=4)
    assert Place.here().chief
    monkeypatch.setenv("TEXTBOOK_SEARCH_PATIENCE", "-1")
    with pytest.raises(ValueError, match="expected TEXTBOOK_SEARCH_PATIENCE as a number above 0, got '-1'"):
        Place.here()


def build(hp):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(hp.Float("rate", 1e-4, 0.1, sampling="log")), "mse")
    return model


@pytest.fixture
def part():
    x = np.random.default_rng(0).normal(size=(60, 3))
    return splits.split((x, x.sum(axis=1)), seed=0, sizes=(40, 15, 5))


@pytest.mark.parametrize("name", ["chief", "w1"])
def test_a_folder_that_would_be_lost_is_refused(no_variables, monkeypatch, part, tmp_path, name):
    monkeypatch.setenv("KERASTUNER_TUNER_ID", name)
    monkeypatch.setenv("KERASTUNER_ORACLE_PORT", str(free_port()))
    (tmp_path / "search.json").write_text("{}")
    with pytest.raises(
        ValueError, match=r"folder that chief and workers share.*got directory=None; mend by a directory"
    ):
        search.random_search(build, part, trials=2)
    with pytest.raises(ValueError, match="got overwrite=True; mend by deleting it by hand"):
        search.random_search(build, part, trials=2, directory=tmp_path, overwrite=True)
    assert (tmp_path / "search.json").exists()


def test_a_finished_search_gives_its_result_to_chief_and_workers_alike(no_variables, monkeypatch, part, tmp_path):
    settings = {"trials": 3, "epochs": 1, "directory": tmp_path / "a"}
    alone = search.random_search(build, part, **settings)
    monkeypatch.setenv("KERASTUNER_ORACLE_PORT", str(free_port()))
    monkeypatch.setenv("TEXTBOOK_SEARCH_PATIENCE", "0.5")
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "w1")
    with pytest.raises(NoResult, match="got no answer"):
        search.random_search(build, part, **settings)
    for name in ("chief", "w1"):
        monkeypatch.setenv("KERASTUNER_TUNER_ID", name)
        found = search.random_search(build, part, **settings)
        pd.testing.assert_frame_equal(found.table, alone.table, check_exact=True)
    with pytest.raises(NoResult, match="got no answer"):
        search.random_search(build, part, **settings | {"trials": 4})


def test_a_search_has_one_name_for_chief_and_workers_and_another_one_has_another(tmp_path):
    described = {"epochs": 3, "batch_size": 32, "data": "1f"}

    def name(folder="a", *, of=described, **options):
        return distributed._name(oracle_in(tmp_path / folder, **options), tmp_path / folder, of)

    assert name() == name()
    assert len({name(), name("b"), name(trials=7), name(seed=4), name(of=described | {"data": "2f"})}) == 5


def run(script: str, tmp_path, monkeypatch, *words: str) -> int:
    (tmp_path / "script.py").write_text(script)
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    monkeypatch.setattr(sys, "path", list(sys.path))
    at = words.index("--") if "--" in words else len(words)
    return command.main([words[0], str(tmp_path / "script.py"), *words[1:at], *words[at:]])


SHOW = f"import os, sys; print(sys.argv[1:], __name__, *[os.environ.get(name) for name in {VARIABLES!r}])"


def test_the_command_runs_the_script_in_its_place(no_variables, tmp_path, monkeypatch, capsys):
    assert run(SHOW, tmp_path, monkeypatch, "chief", "--lease", "3", "--", "--data", "digits") == 0
    assert capsys.readouterr().out == "['--data', 'digits'] __main__ chief 127.0.0.1 8000 3.0 600.0 None\n"
    words = ("worker", "--name", "w1", "--port", "8123", "--host", "10.0.0.1", "--wave", "2")
    assert run(SHOW, tmp_path, monkeypatch, *words) == 0
    assert capsys.readouterr().out == "[] __main__ w1 10.0.0.1 8123 3.0 600.0 2\n"


def test_the_command_s_exit_status_tells(no_variables, tmp_path, monkeypatch, capsys):
    assert run("raise KeyboardInterrupt", tmp_path, monkeypatch, "chief") == 130
    failing = "from textbook.search.chief import NoResult; raise NoResult('expected workers')"
    assert run(failing, tmp_path, monkeypatch, "chief") == 1
    assert capsys.readouterr().err.endswith("chief: expected workers\n")
    with pytest.raises(ZeroDivisionError):
        run("1 / 0", tmp_path, monkeypatch, "worker")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["worker", "no.py"], "expected a script, got no.py"),
        (["chief", "no.py", "--port", "70000"], "expected a port from 1 to 65535, got 70000"),
        (["chief", "no.py", "--lease", "0"], "expected seconds above 0, got '0'"),
        (["worker", "no.py", "--name", "chief"], "that is not the chief's, got 'chief'"),
        (["worker", "no.py", "--wave", "x"], "expected a whole number from 1 up, got 'x'"),
        (["boss", "no.py"], "invalid choice: 'boss'"),
    ],
)
def test_a_mistaken_command_is_refused(words, message, capsys):
    with pytest.raises(SystemExit) as end:
        command.main(words)
    assert end.value.code == 2
    assert message in capsys.readouterr().err
