"""Which results in a folder are older than the code, data or knobs that made them, and how each is to be run again.

A section's record says what it was made of: digests of the code that measured and of the code that drew, of the data,
the knobs, the seeds, the versions. What of these has changed since makes the section stale; so does a file that was
lost or altered, and a verdict that comes out otherwise when the stored tables are judged again.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from textbook.experiment import drawing, progress, rejudging, results, running, section
from textbook.experiment.book import Chapter
from textbook.experiment.cache import Cache
from textbook.experiment.measuring import key_parts, same_data
from textbook.experiment.outline import Outline
from textbook.experiment.request import Request
from textbook.experiment.run import Run
from textbook.experiment.section import Section
from textbook.experiment.streams import note
from textbook.experiment.streams import out as say

# what a record must say of its files so that they can be checked
_DRAWING = {"code", "sha256", "tables"}


@dataclass(frozen=True)
class Finding:
    """A section whose results no longer stand.

    Attributes:
        reasons: what has changed, in words.
        request: as what the section is to be run again, or None where that cannot be known: `reasons` then say why.
    """

    outline: Outline
    reasons: tuple[str, ...]
    request: Request | None


def verify(chapters: Iterable[Chapter], out: Path, *, chosen=None, only_say: bool = False) -> int:
    """Say what is stale in an output folder, and run that again, each section with the seeds, knobs and options it had.

    Args:
        chosen: the user's data set, for results that were made on it.
        only_say: run nothing.

    Returns: the exit status: 0 if everything stands now, 1 if not.
    """
    chapters = tuple(chapters)
    findings, standing, missing = check(chapters, out, chosen=chosen, warn=note)
    for finding in findings:
        say(f"{finding.outline.number} {finding.outline.name}: {'; '.join(finding.reasons)}")
    say(f"{standing} of {standing + len(findings)} sections in {out} stand")
    if missing:
        say(f"not run yet: {', '.join(outline.name for outline in missing)}")
    again = [finding for finding in findings if finding.request is not None]
    if only_say or not again:
        return int(bool(findings))
    together = defaultdict(list)
    for finding in again:
        asked = finding.request
        # what was run with the same options is run at once; knobs are named by section, and so by chapter
        same = (finding.outline.chapter, asked.format, asked.seeds, asked.quick, asked.engine, asked.chosen is None)
        together[same].append(finding)
    outcomes = []
    with progress.make(len(again)) as bars:
        for found in together.values():
            settings = {name: values for finding in found for name, values in finding.request.settings.items()}
            request = replace(found[0].request, settings=settings)
            outcomes += running.run(chapters, [finding.outline for finding in found], request, bars)
    return running.exit_status(outcomes, strict=False) or int(len(again) < len(findings))


def check(
    chapters: Iterable[Chapter], out: Path, *, chosen=None, warn: Callable[[str], None]
) -> tuple[list[Finding], int, list[Outline]]:
    """What is stale in an output folder.

    Args:
        chosen: the user's data set, for results that were made on it.
        warn: told lines of text, such as of a damaged record.

    Returns: the findings in book order, the number of sections that stand, and the sections that have no record.
    """
    cache = Cache(out / ".cache", warn=warn)
    findings, standing, missing = [], 0, []
    for chapter in chapters:
        folder = out / chapter.name
        for outline in chapter.sections:
            if outline.broken is not None:
                findings.append(Finding(outline, (outline.broken,), None))
                continue
            if not (folder / f"{outline.stem}.json").is_file():
                missing.append(outline)
                continue
            record = results.read(folder, outline, warn=warn)
            finding = _finding(outline, record, folder, cache, chosen)
            if finding is None:
                standing += 1
            else:
                findings.append(finding)
    return findings, standing, missing


def _finding(outline: Outline, record: dict | None, folder: Path, cache: Cache, chosen) -> Finding | None:
    if record is None:
        return Finding(outline, ("its record is damaged, so its seeds and knobs are not known",), None)
    drawn = record.get("drawing")
    if not (results.is_whole(record) and isinstance(drawn, dict) and drawn.keys() >= _DRAWING):
        return Finding(outline, ("its record is of an older form, which does not say all that a check needs",), None)
    replaced_by = record["replaced_by"]
    if replaced_by is not None and (chosen is None or chosen.card.name != replaced_by):
        return Finding(outline, (f"made on {replaced_by}: give that --data again to have it checked",), None)
    try:
        loaded = section.load(outline)
    # a section's module may raise anything; the others are still to be checked
    except Exception as error:
        return Finding(outline, (f"it cannot be loaded ({type(error).__name__}: {error})",), None)
    gone = sorted(record["set"].keys() - loaded.knobs.keys())
    if gone:
        return Finding(outline, (f"its knob {gone[0]} is no more: run it with others",), None)
    chosen = None if replaced_by is None else chosen
    origin = record["provenance"]
    settings = {name: _tupled(value) for name, value in record["set"].items()}
    request = Request(
        out=folder.parent,
        format=record["figure"].rpartition(".")[2],
        seeds=tuple(origin["seeds"]),
        quick=record["quick"],
        engine=origin["engine"],
        chosen=chosen,
        settings={outline.name: settings},
    )
    knobs = loaded.knobs_for(chosen, settings)
    run = Run(request.seeds, request.quick, request.engine, chosen)
    parts = key_parts(run, loaded.measure, knobs)
    reasons = [
        *_made_of(record, parts, chosen),
        *_texts(record, loaded),
        *_files(record, folder),
        *_drawn(record, loaded),
    ]
    if not reasons:
        reasons = rejudging.reasons(record, loaded, request, run, knobs, cache)
    return Finding(outline, tuple(reasons), request) if reasons else None


def _made_of(record: dict, parts: dict, chosen) -> list[str]:
    """What of the measurement's ingredients is no longer the same."""
    origin, reasons = record["provenance"], []
    if origin["code"] != parts["code"]:
        reasons.append("the code that measured it has changed")
    changed = [name for name, value in parts["knobs"].items() if record["knobs"].get(name) != value]
    if changed or record["knobs"].keys() != parts["knobs"].keys():
        reasons.append(f"knobs have other defaults now: {', '.join(changed) or 'fewer'}")
    if origin["backend"] != parts["backend"]:
        reasons.append(f"measured on {origin['backend']}, now on {parts['backend']}")
    newer = [
        f"{name} {origin['versions'][name]} → {version}"
        for name, version in parts["versions"].items()
        if origin["versions"].get(name, version) != version
    ]
    if newer:
        reasons.append(f"measured with other versions: {', '.join(newer)}")
    same = same_data(origin["data"]) if chosen is None else set(origin["data"].values()) == {chosen.digest}
    if not same:
        reasons.append("the data have changed")
    return reasons


def _texts(record: dict, loaded: Section) -> list[str]:
    outline = loaded.outline
    now = [outline.title, outline.idea, outline.shows, list(outline.entries)]
    then = [record[name] for name in ("title", "idea", "shows", "entries")]
    now += [[getattr(claim, word) for word in results.TEXTS] for claim in loaded.claims]
    then += [[claim[word] for word in results.TEXTS] for claim in record["claims"]]
    return [] if now == then else ["its texts have changed"]


def _files(record: dict, folder: Path) -> list[str]:
    """Files of the section that are gone, or are not what was written."""
    reasons = []
    for name, digest in {**record["drawing"]["sha256"], **record["drawing"]["tables"]}.items():
        path = folder / name
        if not path.is_file():
            reasons.append(f"{name} is missing")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            reasons.append(f"{name} was altered")
    return reasons


def _drawn(record: dict, loaded: Section) -> list[str]:
    return [] if record["drawing"]["code"] == drawing.code(loaded) else ["the code that draws it has changed"]


def _tupled(value):
    """A knob's value as the command line gave it: JSON has lists for tuples."""
    return tuple(map(_tupled, value)) if isinstance(value, list) else value
