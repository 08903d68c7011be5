"""A chapter's results.json, merged from the records of its sections."""

import json
from collections.abc import Callable
from pathlib import Path

from textbook.experiment import saving
from textbook.experiment.book import Chapter
from textbook.experiment.outline import Outline

_KEPT_OUT = ("drawing",)
# what a record says that is whole, and what its provenance and its claims do
_NEEDED = {
    *("name", "number", "title", "idea", "shows", "entries", "table", "seconds", "quick", "knobs", "set"),
    *("replaced_by", "figure", "animation", "caption", "claims", "provenance"),
}
_PROVENANCE = {"seeds", "engine", "code", "backend", "data", "versions", "machine"}
TEXTS = ("id", "claim", "expected", "ask", "why", "beware", "correction", "reference")
_NUMBERS = {"verdict", "effect", "interval", "n", "unit", "delta", "diverged", "differences", "p", "note"}
_OF_A_CLAIM = {*TEXTS, *_NUMBERS, "test", "quick", "second", "decided", "as_expected", "documented"}


def read(folder: Path, outline: Outline, *, warn: Callable[[str], None]) -> dict | None:
    """A section's record, or None where there is none; a damaged one is reported and counts as none."""
    path = folder / f"{outline.stem}.json"
    try:
        record = json.loads(path.read_bytes())
        if record["name"] != outline.name:
            raise ValueError("it is another section's")
        if not _fits(record):
            raise ValueError("it lacks parts")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as damage:
        warn(f"{path} is damaged ({damage}); run {outline.name} again")
        return None
    return record


def _fits(record: dict) -> bool:
    """Whether a record, of whatever version, can stand in results.json."""
    return (
        record.keys() >= {"quick", "provenance", "claims"}
        and isinstance(record["provenance"], dict)
        and all(claim.keys() >= {"second", "p"} for claim in record["claims"])
        and all(claim["second"] is None or "p" in claim["second"] for claim in record["claims"])
    )


def is_whole(record: dict) -> bool:
    """Whether a record says all that pages ask of it; one of an older version, or an altered one, may not."""
    if not record.keys() >= _NEEDED:
        return False
    origin, claims = record["provenance"], record["claims"]
    return (
        isinstance(origin, dict)
        and origin.keys() >= _PROVENANCE
        and isinstance(claims, list)
        and all(isinstance(claim, dict) and claim.keys() >= _OF_A_CLAIM for claim in claims)
        and all(claim["second"] is None or claim["second"].keys() >= _NUMBERS for claim in claims)
    )


def merge(chapter: Chapter, folder: Path, *, warn: Callable[[str], None]) -> dict:
    """Write results.json from what lies in the folder, so that running one section loses none of the others."""
    found = [read(folder, outline, warn=warn) for outline in chapter.sections]
    sections = [_without(record, _KEPT_OUT) for record in found if record]
    for section in sections:
        section["claims"] = [_brief(claim) for claim in section["claims"]]
    _mark_discoveries([claim for section in sections for claim in section["claims"]])
    merged = {
        "chapter": chapter.name,
        "title": chapter.title,
        "quick": any(section["quick"] for section in sections),
        "sections": sections,
        "provenance": _common([section["provenance"] for section in sections]),
    }
    saving.write(folder / "results.json", saving.as_json(merged))
    return merged


def _without(record: dict, names: tuple[str, ...]) -> dict:
    return {name: value for name, value in record.items() if name not in names}


def _brief(claim: dict) -> dict:
    """A claim without one number a seed, which would bury the rest; they stand in the section's own record."""
    second = claim["second"] and _without(claim["second"], ("differences",))
    return {**_without(claim, ("differences",)), "second": second}


def _mark_discoveries(claims: list[dict]) -> None:
    """`discovery`: whether a verdict survives Benjamini and Hochberg's bound over the chapter; None without a p.

    The p-value is that of the judging which decides.
    """
    from textbook.statistics.discoveries import keep_discoveries

    p_values = [(claim["second"] or claim)["p"] for claim in claims]
    kept = iter(keep_discoveries([p for p in p_values if p is not None]))
    for claim, p in zip(claims, p_values, strict=True):
        claim["discovery"] = None if p is None else bool(next(kept))


def _common(provenances: list[dict]) -> dict:
    """What all sections share; what differs stands in the sections alone."""
    if not provenances:
        return {}
    first = provenances[0]
    return {name: first[name] for name in first if all(other.get(name) == first[name] for other in provenances)}
