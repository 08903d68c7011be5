"""Ctrl-C and kill -9 at awkward moments: nothing half-written, and the next run goes on."""

import json
import os
import signal
import subprocess
import time

import pandas as pd
import pytest

from benchmarks.equal_books import differences, half_written
from benchmarks.interruptions import interrupted

# one child after the other dies as by kill -9 when its n-th call of a function of `os` begins, until one comes through
KILLER = """
import os, signal
import matplotlib.figure, pandas, scipy.stats
from textbook.experiment.command_line import main

def dying(real, number):
    calls = iter(range(1, number))
    def call(*arguments, **settings):
        if next(calls, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **settings)
    return call

for number in {numbers}:
    child = os.fork()
    if not child:
        os.{function} = dying(os.{function}, number)
        os._exit(main("{package}.one", ["--out", f"killed-{{number}}"]))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(status, flush=True)
    if status != -signal.SIGKILL:
        break
"""


# each write of a section's files, and some of the pages', which are many
NUMBERS = (*range(1, 10), *range(11, 60, 4))


def state(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".csv", ".png")}


def whole(path):
    """Whether a file is complete, by its own format."""
    if path.suffix == ".json":
        return bool(json.loads(path.read_bytes()))
    if path.suffix == ".csv":
        return len(pd.read_csv(path)) == 32
    return path.read_bytes().endswith(b"</html>" if path.suffix == ".html" else b"IEND\xaeB`\x82")


@pytest.mark.parametrize("function", ["replace", "fsync"])
def test_kill_9_at_every_write_leaves_only_whole_files(story, function):
    story.main("--out", "clean")
    clean = state(story.folder / "clean" / "one")
    names = sorted(path.name for path in (story.folder / "clean").rglob("[!.]*") if path.is_file())
    done = story.python(KILLER.format(function=function, package=story.package, numbers=NUMBERS))
    statuses = [int(line) for line in done.stdout.splitlines() if line.lstrip("-").isdigit()]
    assert statuses[-1] == 0, done.stderr
    assert set(statuses[:-1]) == {-signal.SIGKILL}
    assert len(statuses) > 9
    for number in NUMBERS[: len(statuses) - 1]:
        out = story.folder / f"killed-{number}" / "one"
        assert all(whole(path) for path in out.glob("[!.]*")), number
        assert story.main("--out", f"killed-{number}")[0] == 0
        assert state(out) == clean
        assert sorted(path.name for path in out.parent.rglob("[!.]*") if path.is_file()) == names
        assert not list(out.glob(".*"))
        assert all(len(path.name) == 64 for path in (out.parent / ".cache").iterdir())


def test_kill_9_while_measuring_goes_on_from_the_finished_sections(story):
    story.coin("second", number="1.3", changes={"rows = []": "rows = []\n    import os\n    os.kill(os.getpid(), 9)"})
    story.sections("coin", "second")
    done = story.process()
    assert done.returncode == -signal.SIGKILL
    assert "1.2-a  holds" in done.stdout
    story.coin("second", number="1.3")
    status, _, err = story.main()
    assert status == 0
    assert "[1/2] 1.2 coin (cached)" in err
    assert "[2/2] 1.3 second\n" in err


def test_ctrl_c_gives_one_line_and_130(story):
    story.coin(
        "slow",
        number="1.3",
        changes={"rows = []": 'rows = []\n    open("at work", "w").close()\n    import time\n    time.sleep(60)'},
    )
    story.sections("coin", "slow")
    with subprocess.Popen(
        story.command(),
        cwd=story.folder,
        env=story.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        while not os.path.exists(story.folder / "at work") and running.poll() is None:
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert err.splitlines()[-1] == "interrupted; what was finished is kept, and the next run goes on from there"
    assert "Traceback" not in err
    assert "1.2-a  holds" in out
    assert [section["name"] for section in json.loads((story.out / "results.json").read_text())["sections"]] == ["coin"]


def test_a_cached_run_loads_no_tensorflow(story):
    story.main()
    done = story.python(
        "import sys\n"
        "from textbook.experiment.command_line import main\n"
        f"status = main('{story.package}.one', ['--out', 'out'])\n"
        "print(status, [name for name in ('tensorflow', 'keras', 'jax', 'torch') if name in sys.modules])\n"
    )
    assert "(cached)" in done.stderr
    assert done.stdout.endswith("0 []\n")


# takes longer than a run's start, in steps; one section reads the clock, whose numbers differ from run to run
SLOW = {"for seed in run.seeds:": "import time\n    for seed in run.seeds:\n        time.sleep(0.05)"}
TIMED = {
    'DATA = "none"': 'DATA = "none"\nMEASURED = ("test_loss",)',
    "loss = shift + luck(seed)": "loss = shift + time.perf_counter() % 1",
    **SLOW,
}


@pytest.fixture
def slow_book(story):
    story.coin(changes=SLOW)
    story.coin("second", number="1.3", changes=SLOW)
    story.coin("timed", number="1.4", changes=TIMED)
    story.sections("coin", "second", "timed")
    return story


def test_killed_at_random_moments_a_book_ends_with_the_files_of_an_undisturbed_run(slow_book):
    said = []
    found = interrupted(
        [*slow_book.command(), "--out", "book"],
        slow_book.folder / "runs",
        package=f"{slow_book.package}.one",
        times=3,
        seed=1,
        environment=slow_book.environment,
        tell=said.append,
    )
    assert found == []
    assert [line.partition(" after")[0] for line in said if line.startswith("kill ")] == [
        f"kill {number} of 3" for number in (1, 2, 3)
    ]
    book = slow_book.folder / "runs" / "killed" / "book"
    assert {"1.2-coin.csv", "1.3-second.png", "1.4-timed.json"} <= {path.name for path in (book / "one").iterdir()}


def change(name, old, new):
    def changed(book):
        path = book / "one" / name
        text = path.read_bytes()
        assert old in text
        path.write_bytes(text.replace(old, new))

    return changed


@pytest.mark.parametrize(
    ("damage", "name"),
    [
        (change("1.2-coin.csv", b"loaded", b"golden"), "one/1.2-coin.csv"),
        (change("1.2-coin.png", b"IDAT", b"IDAX"), "one/1.2-coin.png"),
        (change("1.2-coin.json", b'"verdict": "holds"', b'"verdict": "fails"'), "one/1.2-coin.json"),
        (change("1.4-timed.csv", b"loaded", b"golden"), "one/1.4-timed.csv"),
        (lambda book: (book / "one" / "1.2-coin.png").unlink(), "one/1.2-coin.png"),
        (lambda book: (book / "one" / ".1.2-coin.png.77.part").touch(), "one/.1.2-coin.png.77.part"),
        (lambda book: (book / ".cache" / "measuring-it").touch(), ".cache/measuring-it"),
    ],
)
def test_what_an_interrupted_run_might_spoil_is_found(story, damage, name):
    story.coin("timed", number="1.4", changes={**TIMED, "time.sleep(0.05)": "pass"})
    story.sections("coin", "timed")
    for out in ("a", "b"):
        assert story.main("--out", out)[0] == 0
    a, b = story.folder / "a", story.folder / "b"
    assert differences(a, b) == []
    damage(b)
    (found,) = differences(a, b)
    assert found.startswith(name)


def test_a_file_that_was_cut_is_half_written(story):
    story.main()
    out = story.folder / "out"
    assert half_written(out) == []
    for path in story.out.iterdir():
        path.write_bytes(path.read_bytes()[:-9])
    assert half_written(out) == [f"one/{name}" for name in sorted(path.name for path in story.out.iterdir())]
