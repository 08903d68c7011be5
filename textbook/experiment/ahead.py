"""Having sections measured in other processes before the run comes to them."""

import contextlib

from textbook.experiment import workers
from textbook.experiment.measuring import Measurer, trains
from textbook.experiment.outline import Outline
from textbook.experiment.run import Run
from textbook.experiment.section import Section


class Ahead:
    """What is measured ahead of a run, by processes that start once there is work for more than one.

    A context manager, which ends them. A single section is left to the run: starting a process takes longer than most.

    Args:
        measurer: how the run itself measures; its cache is where the processes put their tables.
        warn: told lines of text, such as of a damaged cache entry.
    """

    def __init__(self, measurer: Measurer, *, warn):
        self._measurer, self._warn = measurer, warn
        self._most = workers.room()
        self._held: tuple[Outline, Run, dict] | None = None
        self._workers: workers.Workers | None = None
        self._ending = contextlib.ExitStack()

    def __enter__(self) -> "Ahead":
        return self

    def __exit__(self, *raised):
        self._ending.__exit__(*raised)

    def ask(self, section: Section, run: Run, knobs: dict) -> None:
        """Have a section measured if it trains and the cache lacks it; those asked for first come first."""
        if self._most < 2 or not trains(section.measure) or not self._measurer.lacks(run, section.measure, knobs):
            return
        job = (section.outline, run, knobs)
        if self._workers is not None:
            self._workers.submit(*job)
        elif self._held is None:
            self._held = job
        else:
            cache, progress = self._measurer.cache.folder, self._measurer.progress
            started = workers.Workers(cache, count=self._most, progress=progress, warn=self._warn)
            self._workers = self._ending.enter_context(started)
            self._workers.submit(*self._held)
            self._workers.submit(*job)

    def wait(self, outline: Outline, run: Run) -> bool:
        """Wait until a section is in the cache; False where no process measured it.

        Raises: what measuring it raised.
        """
        if self._workers is not None:
            return self._workers.wait(outline, run)
        if self._held is not None and (self._held[0], self._held[1].seeds) == (outline, run.seeds):
            self._held = None  # the run measures it now
        return False


def neighbours_apart(sections: list, together: int = 8) -> list:
    """Of each few sections every other one, then the rest: neighbours share tables, and one would wait for the other.

    >>> neighbours_apart([1, 2, 3, 4, 5], together=4)
    [1, 3, 2, 4, 5]
    """
    blocks = [sections[at : at + together] for at in range(0, len(sections), together)]
    return [section for block in blocks for section in block[::2] + block[1::2]]
