"""The records of a run, as they lie in the output folder."""

from collections.abc import Callable
from pathlib import Path

from textbook.experiment import results
from textbook.experiment.book import Chapter

Records = dict[tuple[str, str], dict]


def records(out: Path, chapters: tuple[Chapter, ...], *, warn: Callable[[str], None]) -> Records:
    """{(chapter, section): record} of what was run; a damaged or old record is reported and counts as not run."""
    found = {}
    for chapter in chapters:
        for outline in chapter.sections:
            record = results.read(out / chapter.name, outline, warn=warn)
            if record is None:
                continue
            if results.is_whole(record):
                found[chapter.name, outline.name] = record
            else:
                warn(f"{outline.stem}.json comes from an older version; run {outline.name} again")
    return found


def deciding(claim: dict) -> dict:
    """The numbers that decide a claim: of the second judging, where there was one."""
    return claim["second"] or claim


def kept(found: Records) -> dict[str, bool]:
    """{claim's id: whether its verdict survives Benjamini and Hochberg's bound}, 5 % over all claims that have a p."""
    from textbook.statistics.discoveries import keep_discoveries

    p_values = {
        claim["id"]: deciding(claim)["p"]
        for record in found.values()
        for claim in record["claims"]
        if deciding(claim)["p"] is not None
    }
    return dict(zip(p_values, map(bool, keep_discoveries(list(p_values.values()))), strict=True))
