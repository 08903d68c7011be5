"""Killed with -9 at random moments and started again, does a run end with the files of one that was left in peace?

The book is made once undisturbed. Then it is made again elsewhere, but killed (the whole process group) at moments
drawn over the time that the undisturbed run took, and started again after each. Then both folders are compared, file by
file, clock and memory readings aside: a file that differs, is missing, left over or half written is named, and the exit
status is 1.

    python benchmarks/interruptions.py [--chapter ch6] [--quick] [--times 10] [--seed 0] [--keep DIR]
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # run as a script, from anywhere

from benchmarks.equal_books import differences, half_written

BOOK = "book"  # the output folder of either run, in a working folder of its own
ROOT = Path(__file__).parents[1]


class Runs:
    """Runs of one command in a working folder, each in a process group of its own, whose messages go to a log there.

    Args:
        command: what to run; it makes the folder "book" in the working folder.
        environment: of the processes.
        tell: takes a line of text for every run.
    """

    def __init__(
        self, command: Iterable[str], folder: Path, *, environment: dict[str, str], tell: Callable[[str], None]
    ):
        self._command, self._folder, self._environment, self._tell = list(command), folder, environment, tell
        self._log = folder / "log"
        folder.mkdir(parents=True)

    def whole(self) -> float:
        """Run to the end; returns the seconds that it took. Raises: RuntimeError where the run fails."""
        seconds, killed = self._run(None)
        assert not killed
        return seconds

    def killed(self, times: int, *, within: float, draw: random.Random) -> None:
        """Start and kill this many runs, at moments that together spread over `within` seconds of work.

        A run that is through before its moment does not count: the next moments are drawn from the time that it took.
        Raises: RuntimeError where a run fails of itself, or where runs are again and again too short to be killed.
        """
        moments = sorted(draw.uniform(0, within) for _ in range(times))
        waits = [after - before for before, after in zip([0.0, *moments], moments, strict=False)]
        done, started, most = 0, 0, 5 * times + 5
        while done < times:
            started += 1
            if started > most:
                raise RuntimeError(f"expected {times} kills in {most} runs, got {done}; is the book too small?")
            wait = waits[done]
            seconds, killed = self._run(wait)
            if killed:
                done += 1
                halves = half_written(self._folder / BOOK)
                kept = len(list((self._folder / BOOK / ".cache").glob("*/meta.json")))
                self._tell(f"kill {done} of {times} after {seconds:.1f} s, {kept} measurements kept, at {self._at()}")
                for half in halves:
                    self._tell(f"  half written: {half}")
                if halves:
                    raise RuntimeError(f"expected whole files after kill {done}, got {len(halves)} half written")
            else:
                self._tell(f"through after {seconds:.1f} s, before its moment at {wait:.1f} s")
                waits = [draw.uniform(0, seconds) for _ in range(times)]

    def _run(self, wait: float | None) -> tuple[float, bool]:
        """One run, killed after `wait` seconds if it is not through by then: (seconds, whether it was killed)."""
        started = time.monotonic()
        with self._log.open("w", encoding="utf-8") as log:
            running = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=self._environment,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,  # which makes a process group of it and of the processes that it starts
            )
            try:
                status = running.wait(wait)
            except subprocess.TimeoutExpired:
                status = None
            finally:
                # also what a run that was through or interrupted may have left
                _kill_group(running.pid)
                running.wait()
        if status is None:
            return time.monotonic() - started, True
        if status:
            raise RuntimeError(f"expected status 0, got {status}: {self._log.read_text('utf-8')[-2000:]}")
        return time.monotonic() - started, False

    def _at(self) -> str:
        """How far the last run had come, by its last line of progress; TensorFlow's own lines say nothing of it."""
        lines = self._log.read_text("utf-8", errors="replace").splitlines()
        return next((line for line in reversed(lines) if line.startswith("[")), "its start")


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def interrupted(
    command: Iterable[str],
    folder: Path,
    *,
    package: str,
    times: int,
    seed: int,
    environment: dict[str, str],
    tell: Callable[[str], None],
) -> list[str]:
    """Run a command undisturbed and killed `times` times, in two folders, and say how what they made differs.

    Args:
        command: makes the folder "book" where it is run.
        folder: for the working folders "undisturbed" and "killed".
        package: the book's, from which the pages are written once more for comparison.
        seed: of the moments.
        tell: takes the lines of the log.

    Returns: a line for each difference; none if all is well.
    """
    one = Runs(command, folder / "undisturbed", environment=environment, tell=tell)
    seconds = one.whole()
    tell(f"undisturbed: {seconds:.1f} s")
    other = Runs(command, folder / "killed", environment=environment, tell=tell)
    other.killed(times, within=seconds, draw=random.Random(seed))
    tell(f"left in peace after {times} kills: through after {other.whole():.1f} s")
    found = differences(folder / "undisturbed" / BOOK, folder / "killed" / BOOK)
    return found + _stale_pages(folder / "killed", package=package, environment=environment)


def _stale_pages(folder: Path, *, package: str, environment: dict[str, str]) -> list[str]:
    """Pages of a book that its records would not give now.

    They show clock readings too, so those of two runs differ; but from its own records each page follows byte by byte.
    """
    again = folder / "again"
    shutil.copytree(folder / BOOK, again / BOOK, ignore=shutil.ignore_patterns(".cache", "*.html"))
    write = (
        f"from pathlib import Path\nfrom textbook.experiment.pages import site\nsite.write(Path({BOOK!r}), {package!r})"
    )
    subprocess.run([sys.executable, "-c", write], cwd=again, env=environment, check=True)
    then, now = _pages(folder / BOOK), _pages(again / BOOK)
    if not then:
        return ["there are no pages"]
    return [f"{page} is not what its records give" for page in sorted(then | now) if then.get(page) != now.get(page)]


def _pages(book: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(book)): path.read_bytes() for path in [*book.glob("*.html"), *book.glob("[!.]*/*.html")]
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chapter", help="one chapter (default: the whole book)")
    parser.add_argument("--quick", action="store_true", help="with few seeds and epochs")
    parser.add_argument("--times", type=int, default=10, help="how often to kill it (default: 10)")
    parser.add_argument("--seed", type=int, help="of the moments (default: drawn, and printed)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep both books there, in an empty or new folder")
    asked = parser.parse_args()
    package = f"chapters.{asked.chapter}" if asked.chapter else "chapters"
    command = [sys.executable, "-m", package, "--out", BOOK, *(["--quick"] if asked.quick else [])]
    seed = random.SystemRandom().randrange(1000) if asked.seed is None else asked.seed
    started = time.monotonic()

    def tell(text: str) -> None:
        print(f"{time.monotonic() - started:8.1f}  {text}", flush=True)

    tell(f"{' '.join(command[1:])}, killed {asked.times} times, moments by seed {seed}")
    with tempfile.TemporaryDirectory() as spare:
        found = interrupted(
            command,
            Path(asked.keep or spare).absolute(),
            package=package,
            times=asked.times,
            seed=seed,
            environment={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            tell=tell,
        )
    for line in found:
        tell(line)
    tell(f"{len(found)} differences" if found else "the same files, clock and memory readings aside")
    return int(bool(found))


if __name__ == "__main__":
    raise SystemExit(main())
