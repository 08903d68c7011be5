"""A run of several chapters: one set of processes for all of them, and everything where each chapter alone puts it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from textbook.experiment import ahead, cache, measuring, outline, section, workers
from textbook.experiment.run import Run

TRAINS = {"rows = []": "import os\n    import keras\n    assert keras\n    rows = []"}
SAY = {
    # one write: two processes say it at once
    'print("measuring", file=sys.stderr)': "import os\n"
    '    sys.stderr.write(f"{__name__} {run.seeds[0]} in {os.getpid()}\\n")'
}
TIMED = {'DATA = "none"': 'DATA = "none"\nMEASURED = ("seconds",)'}
UNFAVOURABLE = {'lower="loaded", than="fair"': 'lower="fair", than="loaded"'}


@pytest.fixture
def book(story):
    """A story of two chapters with the same sections; processes import a stand-in for Keras and train nothing."""
    (story.folder / "keras.py").write_text('"""Nothing here trains with it."""\n')

    def write(**sections: dict) -> None:
        for number, (name, changes) in enumerate(sections.items(), 1):
            story.coin(name, number=f"1.{number}", changes={**TRAINS, **SAY, **changes})
        story.sections(*sections)
        shutil.copytree(story.chapter, story.chapter.with_name("two"))

    return write


def run(story, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", story.package, "--out", "out", *arguments],
        cwd=story.folder,
        env=story.environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def said(err: str) -> list[tuple[str, int, int]]:
    """(section as "one.first", first seed, process) of every measurement, in order."""
    lines = [line.split() for line in err.splitlines() if line.startswith("story_") and " in " in line]
    return [(module.partition(".")[2], int(seed), int(process)) for module, seed, _, process in lines]


def titles(out: str) -> list[str]:
    return [line.split()[0] for line in out.splitlines() if line.startswith("1.")]


@pytest.mark.slow
def test_the_processes_last_for_all_chapters(story, book):
    book(first={}, second={}, third={})
    done = run(story, "--quick")
    assert done.returncode == 0, done.stderr
    measured = said(done.stderr)
    assert len(measured) == 6
    assert len({process for _, _, process in measured}) <= workers.room()
    assert titles(done.stdout) == ["1.1", "1.2", "1.3"] * 2
    for chapter in ("one", "two"):
        merged = json.loads((story.folder / "out" / chapter / "results.json").read_text(encoding="utf-8"))
        assert [found["name"] for found in merged["sections"]] == ["first", "second", "third"]


@pytest.mark.slow
def test_clock_readings_come_last_of_all_chapters_and_surprises_are_measured_by_the_processes(story, book):
    book(timed=TIMED, first=UNFAVOURABLE, second={})
    done = run(story)
    assert done.returncode == 0, done.stderr
    measured = said(done.stderr)
    assert [(name, seed) for name, seed, _ in measured[-2:]] == [("one.timed", 1000), ("two.timed", 1000)]
    own = {process for name, _, process in measured if name.endswith("timed")}
    others = {process for name, _, process in measured if not name.endswith("timed")}
    assert len(own) == 1 and not own & others
    again = sorted((name, seed) for name, seed, _ in measured if seed != 1000)
    assert again == [("one.first", 2000), ("two.first", 2000)]
    assert done.stdout.count("second judging, which decides: reversed") == 2
    # a chapter's order is the book's, whenever a section was measured
    merged = json.loads((story.folder / "out" / "two" / "results.json").read_text(encoding="utf-8"))
    assert [found["name"] for found in merged["sections"]] == ["timed", "first", "second"]
    assert [bool(found["claims"][0]["second"]) for found in merged["sections"]] == [False, True, False]


@pytest.mark.slow
def test_a_killed_process_is_told_once(story, book):
    kill = "import multiprocessing\n    multiprocessing.parent_process() and os.kill(os.getpid(), 9)"
    book(first={"rows = []": f"{TRAINS['rows = []']}\n    {kill}"}, second={}, third={})
    done = run(story, "--quick")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("a process that measured was killed") == 1
    assert len(list((story.folder / "out").glob("*/*.csv"))) == 6


def test_the_chapters_of_a_run_leave_what_each_alone_leaves(story):
    story.coin("second", number="1.3")
    story.sections("coin", "second")
    two = story.chapter.with_name("two")
    shutil.copytree(story.chapter, two)
    assert story.main(chapter=None)[0] == 0
    for chapter in ("one", "two"):
        assert story.main("--out", "alone", chapter=chapter)[0] == 0
        together, alone = (story.folder / out / chapter for out in ("out", "alone"))
        assert sorted(path.name for path in together.iterdir()) == sorted(path.name for path in alone.iterdir())
        for path in (*alone.glob("*.csv"), *alone.glob("*.png")):
            assert (together / path.name).read_bytes() == path.read_bytes()


def test_a_crash_in_one_chapter_stops_no_other(story):
    story.coin(changes={"rows = []": "rows = 1 / 0"})
    shutil.copytree(story.chapter, story.chapter.with_name("two"))
    story.coin()
    status, _, err = story.main(chapter=None)
    assert status == 1
    assert err.endswith("crashed: coin\n")
    assert (story.folder / "out" / "one" / "1.2-coin.csv").exists()
    assert not list((story.folder / "out" / "two").glob("*.json"))


class Counted:
    """In the place of `Workers`: notes what it was asked for."""

    made: list = []  # noqa: RUF012

    def __init__(self, folder: Path, *, count: int, progress, warn):
        self.asked = []
        self.made.append(self)

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        self.ended = True

    def submit(self, section_outline, run, knobs):
        self.asked.append((section_outline.name, run.seeds[0]))

    def wait(self, section_outline, run):
        return (section_outline.name, run.seeds[0]) in self.asked


@pytest.fixture
def asking(story, monkeypatch, tmp_path):
    """An `Ahead` on two cores whose processes are counted, and a section's loader."""
    monkeypatch.setattr(workers, "Workers", Counted)
    monkeypatch.setattr(workers.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(Counted, "made", [])
    (story.folder / "keras.py").write_text('"""Nothing here trains with it."""\n')

    def load(name: str, **changes):
        story.coin(name, changes={**changes})
        return section.load(outline.read(f"{story.package}.one.{name}", story.chapter / f"{name}.py"))

    measurer = measuring.Measurer(cache.Cache(tmp_path / "cache", warn=print), None)
    return ahead.Ahead(measurer, warn=print), load


def test_one_section_alone_starts_no_process(asking):
    made, load = asking
    first, second, plain = load("first", **TRAINS), load("second", **TRAINS), load("plain")
    run, again = Run((1000,)), Run((2000,))
    with made:
        made.ask(plain, run, plain.knobs)
        made.ask(first, run, first.knobs)
        assert not made.wait(first.outline, run)  # so that the run measures it
        made.ask(first, again, first.knobs)
        assert not Counted.made
        assert not made.wait(second.outline, run)
        made.ask(second, again, second.knobs)
    (started,) = Counted.made
    assert started.asked == [("first", 2000), ("second", 2000)]
    assert made.wait(second.outline, again)
    assert not made.wait(second.outline, run)
    assert started.ended


def test_what_the_cache_has_is_not_asked_for(asking, monkeypatch):
    made, load = asking
    loaded = [load(name, **TRAINS) for name in ("first", "second", "third")]
    have = {measuring.key_of(measuring.key_parts(Run(), found.measure, found.knobs)) for found in loaded[:1]}
    monkeypatch.setattr(cache.Cache, "has", lambda _, key: key in have)
    for found in loaded:
        made.ask(found, Run(), found.knobs)
    assert Counted.made[0].asked == [("second", 1000), ("third", 1000)]


@pytest.mark.parametrize(
    ("cores", "gibibytes", "processes"), [(2, 23, 2), (16, 64, 4), (4, 8, 2), (4, 4, 1), (1, 64, 1)]
)
def test_processes_have_a_core_and_memory_each(monkeypatch, cores, gibibytes, processes):
    pages = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": gibibytes * 2**30 // 4096}
    monkeypatch.setattr(workers.os, "cpu_count", lambda: cores)
    monkeypatch.setattr(workers.os, "sysconf", pages.__getitem__, raising=False)
    assert workers.room() == processes
