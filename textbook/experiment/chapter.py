"""A chapter's sections in a run: each measured, judged, drawn and recorded, and judged again where it surprises."""

import traceback
from dataclasses import dataclass, field, replace

from textbook.experiment import documented, judging, provenance, report, results, saving, section, seed_blocks
from textbook.experiment.ahead import Ahead
from textbook.experiment.book import Chapter
from textbook.experiment.errors import DISK_FULL, StorageError, UsageError
from textbook.experiment.measuring import Measured, Measurer
from textbook.experiment.outline import Outline
from textbook.experiment.progress import Lines
from textbook.experiment.publishing import Publisher
from textbook.experiment.request import Request
from textbook.experiment.run import Run
from textbook.experiment.section import Section
from textbook.experiment.streams import out


@dataclass
class Outcome:
    """How a run went: names of the sections that crashed, and the records of all claims."""

    crashed: list[str] = field(default_factory=list)
    claims: list[dict] = field(default_factory=list)

    @property
    def unlike(self) -> list[str]:
        """Ids of decided verdicts unlike their expectation."""
        return [claim["id"] for claim in self.claims if claim["as_expected"] is False and not claim["quick"]]


class ChapterRun:
    """A chapter in a run, as a request asks for it.

    `ahead` is what measures in other processes, or None where this process measures everything.

    Methods raise: UsageError for bad input that shows only now. A section that crashes is reported.
    """

    def __init__(self, chapter: Chapter, request: Request, progress: Lines, measurer: Measurer):
        self.chapter = chapter
        self.request = request
        self.progress = progress
        self.folder = request.out / chapter.name
        saving.sweep(self.folder)
        self._measurer = measurer
        replaced_by = None if request.chosen is None else request.chosen.card.name
        self._publisher = Publisher(self.folder, request.format, replaced_by)
        self._crashed: list[str] = []
        self._done: list[tuple[Section, dict]] = []
        self._surprises: list[tuple[Section, dict]] = []

    def ask(self, loaded: Section, ahead: Ahead) -> None:
        """Have a section measured ahead."""
        ahead.ask(loaded, self._run(self.request.seeds), self._knobs(loaded))

    def first(self, outline: Outline, ahead: Ahead | None) -> None:
        """Run a section; a verdict unlike its expectation is noted, and what a second judging needs asked for."""
        self.progress.section(f"{outline.number} {outline.name}")
        record = self._guarded(outline, lambda: self._first(outline, ahead))
        self.progress.advance("crashed" if record is None else "cached" if record["cached"] else "")

    def second(self, ahead: Ahead | None) -> None:
        """Judge the surprises again."""
        for loaded, record in self._surprises:
            outline = loaded.outline
            self.progress.section(f"{outline.number} {outline.name}, second judging")
            self._guarded(outline, lambda loaded=loaded, record=record: self._second(loaded, record, ahead))
        self._surprises = []

    def merge(self) -> None:
        """Write the chapter's results from what lies in its folder."""
        if self.folder.is_dir():
            results.merge(self.chapter, self.folder, warn=self.progress.line)

    def outcome(self) -> Outcome:
        """How it went so far."""
        claims = [claim for _, record in self._done for claim in record["claims"]]
        return Outcome(self._crashed, claims)

    def _guarded(self, outline: Outline, work):
        try:
            return work()
        except UsageError:
            raise
        # anything may go wrong in a section; the others still run, and the exit status tells
        except Exception as error:
            if isinstance(error, OSError) and error.errno in DISK_FULL:
                raise StorageError.of(error, self.request.out) from error
            if self._is_bad_input(error, outline):
                raise UsageError(f"{outline.name}: {error}") from error
            self._crashed.append(outline.name)
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

    def _first(self, outline: Outline, ahead: Ahead | None) -> dict:
        loaded = section.load(outline)
        knobs = self._knobs(loaded)
        run = self._run(self.request.seeds)
        measured = self._measured(loaded, run, knobs, ahead)
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
        if self.request.judges_twice and any(claim["as_expected"] is False for claim in record["claims"]):
            self._surprises.append((loaded, record))
            if ahead is not None:
                ahead.ask(loaded, self._run(seed_blocks.SECOND), knobs)
        return record

    def _measured(self, loaded: Section, run: Run, knobs: dict, ahead: Ahead | None) -> Measured:
        fresh = ahead is not None and ahead.wait(loaded.outline, run)
        measured = self._measurer(run, loaded.measure, knobs)
        return replace(measured, cached=False) if fresh else measured

    def _knobs(self, loaded: Section) -> dict:
        return loaded.knobs_for(self.request.chosen, self.request.settings.get(loaded.outline.name, {}))

    def _second(self, loaded: Section, record: dict, ahead: Ahead | None) -> None:
        run = self._run(seed_blocks.SECOND)
        measured = self._measured(loaded, run, record["knobs"], ahead)
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
