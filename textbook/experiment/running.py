"""Running the book, or chosen sections of it: measured in all processes at once, published in book order."""

import contextlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from textbook.experiment import report, section
from textbook.experiment.ahead import Ahead, neighbours_apart
from textbook.experiment.book import Chapter
from textbook.experiment.cache import Cache
from textbook.experiment.chapter import ChapterRun, Outcome
from textbook.experiment.errors import StorageError
from textbook.experiment.measuring import Measurer
from textbook.experiment.outline import Outline
from textbook.experiment.progress import Lines
from textbook.experiment.request import Request
from textbook.experiment.streams import note
from textbook.experiment.workers import ONE_THREAD


def run(chapters: Iterable[Chapter], chosen: Iterable[Outline], request: Request, progress: Lines) -> list[Outcome]:
    """Run the chosen sections of the chapters. One that crashes is reported and does not stop the others.

    The processes last for the whole run: what they import and trace is paid once for all chapters. Sections with clock
    readings come last, when these have ended.

    Returns: an outcome for each chapter with a chosen section.
    Raises: UsageError for bad input that shows only now; what was finished stays.
    """
    chosen = set(chosen)
    if not any(map(_timed, chosen)):
        for name, threads in ONE_THREAD.items():
            os.environ.setdefault(name, threads)
    measurer = Measurer(Cache(request.out / ".cache", warn=progress.line), progress.within)
    mine = {}
    for chapter in chapters:
        if here := [outline for outline in chapter.sections if outline in chosen]:
            mine[ChapterRun(chapter, request, progress, measurer)] = here
    untimed = {chapter: [outline for outline in here if not _timed(outline)] for chapter, here in mine.items()}
    timed = {chapter: [outline for outline in here if _timed(outline)] for chapter, here in mine.items()}
    try:
        with Ahead(measurer, warn=progress.line) as ahead:
            _judge(untimed, ahead)
        _judge(timed, None)
    finally:
        for chapter in mine:
            chapter.merge()
    return [chapter.outcome() for chapter in mine]


def _judge(sections: dict[ChapterRun, list[Outline]], ahead: Ahead | None) -> None:
    """Judge sections in order; then those again whose verdicts surprised, which meanwhile were measured ahead."""
    if ahead is not None:
        in_order = [(chapter, outline) for chapter, here in sections.items() for outline in here]
        for chapter, outline in neighbours_apart(in_order):
            # a section that cannot be loaded is reported where its turn comes
            with contextlib.suppress(Exception):
                chapter.ask(section.load(outline), ahead)
    for chapter, here in sections.items():
        for outline in here:
            chapter.first(outline, ahead)
        if here:
            chapter.merge()
    for chapter in sections:
        chapter.second(ahead)


def _timed(outline: Outline) -> bool:
    return bool(outline.measured)


def exit_status(outcomes: list[Outcome], *, strict: bool) -> int:
    """1 after a crash, or (if strict) after a decided verdict unlike its expectation; else 0.

    Says on standard error which, and how many claims are as the documented run has them.
    """
    crashed = [name for outcome in outcomes for name in outcome.crashed]
    unlike = [claim for outcome in outcomes for claim in outcome.unlike]
    compared = report.documented([claim for outcome in outcomes for claim in outcome.claims])
    if compared:
        note(compared)
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
