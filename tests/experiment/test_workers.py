"""Sections that train are measured in processes of their own: same tables, same crashes, and nobody left behind."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

# a section counts as training because its code imports Keras; the processes import that, and train nothing
TRAINS = {"rows = []": "import os\n    import keras\n    assert keras\n    rows = []\n    {extra}"}
SAY = r'sys.stderr.write(f"{__name__} in {os.getpid()}\n")'  # one write: two processes say it at once
SLEEP = 'open(f"at work {os.getpid()}", "w").close()\n    import time\n    time.sleep(120)'


@pytest.fixture
def light_keras(story):
    """A stand-in on the story's path: processes are at issue, and each would take seconds to import the real one."""
    (story.folder / "keras.py").write_text('"""Nothing here trains with it."""\n')


@pytest.fixture
def book(story):
    def write(**extras: str) -> None:
        """A section of each name, which trains; a text adds lines to `measure`."""
        for number, (name, extra) in enumerate(extras.items(), 1):
            add(name, extra, number)
        story.sections(*extras)

    def add(name: str, extra: str, number: int, **changes: str) -> None:
        trains = {old: new.format(extra=extra) for old, new in TRAINS.items()}
        story.coin(name, number=f"1.{number}", changes={**trains, **changes})

    write.add = add
    return write


def pids(err: str) -> dict[str, int]:
    """{section: number of the process that measured it}, from what the sections said."""
    said = [line.split(" in ") for line in err.splitlines() if " in " in line and line.startswith("story_")]
    return {module.rpartition(".")[2]: int(pid) for module, pid in said}


def tables(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.csv")}


def start(story) -> subprocess.Popen:
    """A run in a session of its own, as a terminal gives it one."""
    return subprocess.Popen(
        story.command(),
        cwd=story.folder,
        env=story.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def until(true, seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.05)
    return true()


def at_work(story) -> list[int]:
    return [int(path.name.rpartition(" ")[2]) for path in story.folder.glob("at work *")]


def gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return False
    return state == "Z"


def test_processes_measure_what_the_run_alone_would(story, book, light_keras):
    book(first=SAY, second=SAY)
    together = story.process()
    assert together.returncode == 0, together.stderr
    assert len(set(pids(together.stderr).values())) == 2
    both = tables(story.out)
    assert "(cached)" not in together.stderr
    assert not json.loads((story.out / "1.1-first.json").read_text())["cached"]
    alone = story.process("first", "--out", "alone")
    assert alone.returncode == 0, alone.stderr
    assert tables(story.folder / "alone" / "one") == {"1.1-first.csv": both["1.1-first.csv"]}


def test_a_crash_in_a_process_is_the_sections_own(story, book, light_keras):
    book(first='raise RuntimeError("no luck")', second=SAY)
    done = story.process()
    assert done.returncode == 1
    assert "1.1 first crashed:" in done.stderr
    assert "RuntimeError: no luck" in done.stderr
    assert "in measure" in done.stderr  # the line of the section is named
    assert done.stderr.splitlines()[-1] == "crashed: first"
    assert list(tables(story.out)) == ["1.2-second.csv"]


def test_bad_input_found_in_a_process_is_one_line(story, book, light_keras):
    book(first='raise ValueError("expected better seeds")', second=SLEEP)
    done = story.process("--seeds", "3")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "error: first: expected better seeds"
    assert "Traceback" not in done.stderr


def test_a_killed_process_costs_no_section(story, book, light_keras):
    kill = "import multiprocessing\n    multiprocessing.parent_process() and os.kill(os.getpid(), 9)"
    book(first=kill, second=SAY)
    done = story.process()
    assert done.returncode == 0, done.stderr
    assert "a process that measured was killed" in done.stderr
    assert len(tables(story.out)) == 2


def test_kill_9_ends_the_processes_too(story, book, light_keras):
    book(first=SLEEP, second=SLEEP)
    with start(story) as running:
        assert until(lambda: len(at_work(story)) == 2 or running.poll() is not None)
        running.kill()
        assert until(lambda: all(map(gone, at_work(story))), 10)
    book(first="", second="")
    assert story.process().returncode == 0
    assert all(len(path.name) == 64 for path in (story.folder / "out" / ".cache").iterdir())


def test_ctrl_c_ends_the_processes_too(story, book, light_keras):
    book(first=SLEEP, second=SLEEP)
    with start(story) as running:
        assert until(lambda: len(at_work(story)) == 2 or running.poll() is not None)
        os.killpg(running.pid, signal.SIGINT)  # a terminal tells every process of the group
        _, err = running.communicate(timeout=30)
    assert running.returncode == 130
    assert [line for line in err.splitlines() if line != "measuring"] == [
        "interrupted; what was finished is kept, and the next run goes on from there"
    ]
    assert until(lambda: all(map(gone, at_work(story))), 10)


def test_a_process_that_is_starting_ignores_ctrl_c(story, book, light_keras):
    book(first=SLEEP, second=SLEEP)
    children = Path("/proc/{}/task/{}/children")
    with start(story) as running:
        listed = Path(str(children).format(running.pid, running.pid))
        if not listed.exists():
            running.kill()
            pytest.skip("this system does not list a process's children")
        assert until(lambda: len(listed.read_text().split()) >= 3)  # two that measure, and Python's resource tracker
        for child in listed.read_text().split():
            os.kill(int(child), signal.SIGINT)
        assert until(lambda: len(at_work(story)) == 2 or running.poll() is not None)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "Traceback" not in err


def test_clock_readings_are_left_to_the_run_itself(story, book, light_keras):
    book(first=SAY, second=SAY, timed=SAY)
    book.add("timed", SAY, 3, **{'DATA = "none"': 'DATA = "none"\nMEASURED = ("seconds",)'})
    story.sections("timed", "first", "second")
    with start(story) as running:
        _, err = running.communicate(timeout=120)
    assert running.returncode == 0, err
    where = pids(err)
    assert where["timed"] == running.pid
    assert running.pid not in (where["first"], where["second"])
    assert list(where)[-1] == "timed"  # when the others are idle
