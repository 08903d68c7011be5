"""How far a run has come: bars on a terminal, plain lines elsewhere, always on standard error."""

import sys
import time

from textbook.experiment.streams import note

_EVERY = 10.0  # seconds between plain lines about the training at work


def make(total: int) -> "Lines":
    """Progress over `total` sections, for what standard error is connected to."""
    return Bars(total) if sys.stderr.isatty() else Lines(total)


class Lines:
    """Progress as lines of text. A context manager, like `Bars`."""

    def __init__(self, total: int):
        self._total = total
        self._done = 0
        self._label = ""
        self._last = 0.0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def section(self, label: str) -> None:
        """A section starts."""
        self._label = label
        self._last = time.monotonic()

    def within(self, done: int, total: int) -> None:
        """The training at work has done this much of its updates."""
        if time.monotonic() - self._last >= _EVERY:
            self._last = time.monotonic()
            self.line(f"[{self._done + 1}/{self._total}] {self._label}: {done} of {total} updates")

    def advance(self, how: str = "") -> None:
        """The section at work is through; `how` says what is worth saying, such as "cached"."""
        self._done += 1
        self.line(f"[{self._done}/{self._total}] {self._label}{f' ({how})' if how else ''}")

    def line(self, text: str) -> None:
        """A line of its own, such as a warning."""
        note(text)


class Bars(Lines):
    """One bar for the run and one for the training at work, with estimates."""

    def __init__(self, total: int):
        super().__init__(total)
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            # a report that goes to a file must not be drawn into the bars
            redirect_stdout=sys.stdout.isatty(),
            transient=True,
        )
        self._run = self._progress.add_task("sections", total=total)
        self._work = self._progress.add_task("", total=None, visible=False)

    def __enter__(self):
        self._progress.start()
        return self

    def __exit__(self, *_):
        self._progress.stop()

    def section(self, label: str) -> None:
        super().section(label)
        self._progress.reset(self._work, description=label, total=None, visible=True)

    def within(self, done: int, total: int) -> None:
        self._progress.update(self._work, completed=done, total=total)

    def advance(self, how: str = "") -> None:
        self._progress.update(self._work, visible=False)
        self._progress.advance(self._run)

    def line(self, text: str) -> None:
        self._progress.console.print(text, markup=False, highlight=False)
