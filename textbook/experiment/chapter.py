"""Running a chapter: every section measured, judged, drawn and recorded; then the second judging."""

import contextlib
import os
import tempfile
import traceback
from dataclasses import dataclass, field, replace
from pathlib import Path

from textbook.experiment import documented, judging, provenance, report, results, saving, section, seed_blocks
from textbook.experiment.book import Chapter
from textbook.experiment.cache import Cache
from textbook.experiment.errors import DISK_FULL, StorageError, UsageError
from textbook.experiment.measuring import Measurer, trains
from textbook.experiment.outline import Outline
from textbook.experiment.progress import Lines
from textbook.experiment.publishing import Publisher
from textbook.experiment.request import Request
from textbook.experiment.run import Run
from textbook.experiment.section import Section
from textbook.experiment.streams import note, out
from textbook.experiment.workers import MOST, ONE_THREAD, Workers


@dataclass
class Outcome:
    """How a run went: names of the sections that crashed, and ids of decided verdicts unlike their expectation."""

    crashed: list[str] = field(default_factory=list)
    unlike: list[str] = field(default_factory=list)


class ChapterRun:
    """One run of chosen sections of a chapter, as a request asks for it."""

    def __init__(self, chapter: Chapter, request: Request, progress: Lines):
        self.chapter = chapter
        self.request = request
        self.progress = progress
        self.folder = request.out / chapter.name
        saving.sweep(self.folder)
        self._cache = Cache(request.out / ".cache", warn=progress.line)
        self._measurer = Measurer(self._cache, progress.within)
        replaced_by = None if request.chosen is None else request.chosen.card.name
        self._publisher = Publisher(self.folder, request.format, replaced_by)
        self._outcome = Outcome()
        self._done: list[tuple[Section, dict]] = []
        self._workers: Workers | None = None

    def run(self, chosen: tuple[Outline, ...]) -> Outcome:
        """Run the sections in order. One that crashes is reported and does not stop the others.

        Raises: UsageError for bad input that shows only now; what was finished stays.
        """
        if not any(map(_timed, chosen)):
            for name, threads in ONE_THREAD.items():
                os.environ.setdefault(name, threads)
        try:
            with self._ahead(chosen, self.request.seeds):
                for outline in sorted(chosen, key=_timed):
                    self.progress.section(f"{outline.number} {outline.name}")
                    record = self._guarded(outline, self._first)
                    self.progress.advance("crashed" if record is None else "cached" if record["cached"] else "")
            surprises = self._surprises()
            with self._ahead([loaded.outline for loaded, _ in surprises], seed_blocks.SECOND):
                for loaded, record in surprises:
                    self.progress.section(f"{loaded.outline.number} {loaded.outline.name}, second judging")
                    self._guarded(loaded.outline, lambda _, loaded=loaded, record=record: self._second(loaded, record))
        finally:
            if self.folder.is_dir():
                results.merge(self.chapter, self.folder, warn=self.progress.line)
        compared = report.documented([claim for _, record in self._done for claim in record["claims"]])
        if compared:
            out(f"{self.chapter.name}: {compared}")
        self._outcome.unlike = [
            claim["id"]
            for _, record in self._done
            for claim in record["claims"]
            if claim["as_expected"] is False and not claim["quick"]
        ]
        return self._outcome

    def _guarded(self, outline: Outline, work):
        try:
            return work(outline)
        except UsageError:
            raise
        # anything may go wrong in a section; the others still run, and the exit status tells
        except Exception as error:
            if isinstance(error, OSError) and error.errno in DISK_FULL:
                raise StorageError.of(error, self.request.out) from error
            if self._is_bad_input(error, outline):
                raise UsageError(f"{outline.name}: {error}") from error
            self._outcome.crashed.append(outline.name)
            self.progress.line(f"{outline.number} {outline.name} crashed:\n{traceback.format_exc()}".rstrip())
            return None

    def _is_bad_input(self, error: Exception, outline: Outline) -> bool:
        """Whether an error comes of the user's knobs, seeds or data: the library's own "expected …, got …"."""
        asked = (
            self.request.settings.get(outline.name)
            or self.request.chosen is not None
            or self.request.seeds != seed_blocks.default(quick=self.request.quick)
        )
        return bool(asked) and isinstance(error, ValueError) and str(error).startswith("expected")

    def _first(self, outline: Outline) -> dict:
        loaded = section.load(outline)
        knobs = self._knobs(loaded)
        run = self._run(self.request.seeds)
        measured = self._measured(loaded, run, knobs)
        applies = self.request.chosen is None and knobs == loaded.knobs
        origin = provenance.of(run, measured, knobs=knobs)
        record = {
            "number": outline.number,
            "name": outline.name,
            "title": outline.title,
            "idea": outline.idea,
            "shows": outline.shows,
            "entries": list(outline.entries),
            "table": self._publisher.tables(loaded, measured),
            "measured": list(dict.fromkeys((*outline.measured, "seconds"))),
            "seconds": measured.entry.seconds,
            "cached": measured.cached,
            "quick": run.quick,
            "knobs": knobs,
            "set": dict(self.request.settings.get(outline.name, {})),
            "claims": judging.judge(loaded.claims, measured.tables, quick=run.quick, applies=applies),
            "replaced_by": None if self.request.chosen is None else self.request.chosen.card.name,
            "provenance": origin,
        }
        documented.mark(self.chapter.name, record["claims"], applies=applies and not run.quick)
        old = results.read(self.folder, outline, warn=self.progress.line)
        record |= self._publisher.pictures(loaded, measured, origin, old)
        self._publisher.record(loaded, record)
        report.section(outline, record, self.folder)
        self._done.append((loaded, record))
        return record

    @contextlib.contextmanager
    def _ahead(self, outlines, seeds: tuple[int, ...]):
        """Have processes measure at once what the cache lacks, if that is more than one section.

        Sections with clock readings are left to this process, which comes to them last, when the others are idle.
        """
        run, wanted = self._run(seeds), []
        for outline in outlines:
            if _timed(outline):
                continue
            # a section that cannot be loaded is reported where its turn comes
            with contextlib.suppress(Exception):
                loaded = section.load(outline)
                knobs = self._knobs(loaded)
                if trains(loaded.measure) and self._measurer.lacks(run, loaded.measure, knobs):
                    wanted.append((outline, knobs))
        count = min(os.cpu_count() or 1, MOST, len(wanted))
        if count < 2:
            yield
            return
        with Workers(self._cache.folder, count=count, progress=self.progress.within, warn=self.progress.line) as made:
            for outline, knobs in _neighbours_apart(wanted):
                made.submit(outline, run, knobs)
            self._workers = made
            yield
            self._workers = None

    def _measured(self, loaded: Section, run: Run, knobs: dict):
        fresh = self._workers is not None and self._workers.wait(loaded.outline)
        measured = self._measurer(run, loaded.measure, knobs)
        return replace(measured, cached=False) if fresh else measured

    def _knobs(self, loaded: Section) -> dict:
        chosen = self.request.chosen
        for_data = {} if chosen is None else loaded.outline.for_data.get(chosen.card.name, {})
        return {**loaded.knobs, **for_data, **self.request.settings.get(loaded.outline.name, {})}

    def _surprises(self) -> list[tuple[Section, dict]]:
        if not self.request.judges_twice:
            return []
        return [
            (loaded, record)
            for loaded, record in self._done
            if any(claim["as_expected"] is False for claim in record["claims"])
        ]

    def _second(self, loaded: Section, record: dict) -> None:
        run = self._run(seed_blocks.SECOND)
        measured = self._measured(loaded, run, record["knobs"])
        for number, claim in enumerate(loaded.claims):
            if record["claims"][number]["as_expected"] is False:
                judged = judging.judge_again(record["claims"][number], claim, measured.tables, seeds=run.seeds)
                record["claims"][number] = judged
                out(report.second_line(judged))
        # only a default run is judged twice
        documented.mark(self.chapter.name, record["claims"], applies=True)
        self._publisher.record(loaded, record)

    def _run(self, seeds: tuple[int, ...]) -> Run:
        return Run(seeds, self.request.quick, self.request.engine, self.request.chosen, self._measurer)


def _timed(outline: Outline) -> bool:
    return bool(outline.measured)


def exit_status(outcomes: list[Outcome], *, strict: bool) -> int:
    """1 after a crash, or (if strict) after a decided verdict unlike its expectation; else 0. Says which on stderr."""
    crashed = [name for outcome in outcomes for name in outcome.crashed]
    unlike = [claim for outcome in outcomes for claim in outcome.unlike]
    if unlike:
        note(f"unlike expected: {', '.join(unlike)}")
    if crashed:
        note(f"crashed: {', '.join(crashed)}")
    return int(bool(crashed or (strict and unlike)))


def output_folder(folder: Path) -> Path:
    """The output folder, made if need be and tried out.

    Raises: StorageError where nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"?")
    except OSError as error:
        raise StorageError.of(error, folder) from error
    return folder


def _neighbours_apart(sections: list, together: int = 8) -> list:
    """Of each few sections every other one, then the rest: neighbours share tables, and one would wait for the other.

    >>> _neighbours_apart([1, 2, 3, 4, 5], together=4)
    [1, 3, 2, 4, 5]
    """
    blocks = [sections[at : at + together] for at in range(0, len(sections), together)]
    return [section for block in blocks for section in block[::2] + block[1::2]]
