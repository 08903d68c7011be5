"""What a run prints: figures and verdicts, on standard output."""

import os
import sys
from pathlib import Path

from textbook.experiment.book import Chapter
from textbook.experiment.outline import Outline


def say(text: str = "") -> None:
    """Print a line; a reader that has closed the pipe (`| head`) is no reason to stop working."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - it stands in until the process ends


def listing(chapter: Chapter) -> None:
    """Number, name, title and knobs of every section."""
    say(f"{chapter.name}  {chapter.title}")
    width = max((len(section.number) for section in chapter.sections), default=0)
    longest = max((len(section.name) for section in chapter.sections), default=0)
    for section in chapter.sections:
        say(f"  {section.number:<{width}}  {section.name:<{longest}}  {section.broken or section.title}".rstrip())
        if section.knobs:
            say(f"  {'':<{width}}  {'':<{longest}}    {'  '.join(map(str, section.knobs))}")


def section(outline: Outline, record: dict, folder: Path) -> None:
    """A section's title, its figure's path and a line per claim."""
    say(f"{outline.number} {outline.title}")
    say(f"  {folder / record['figure']}")
    for claim in record["claims"]:
        say(f"  {verdict_line(claim)}")


def verdict_line(claim: dict) -> str:
    """One claim in one line: id, verdict, effect with interval, n, and whether that was expected."""
    parts = [claim["id"], _numbers(claim)]
    if claim["quick"]:
        parts.append("quick")
    if claim["as_expected"] is not None:
        same = claim["verdict"] == claim["expected"]
        parts.append("as expected" if same else f"UNLIKE EXPECTED ({claim['expected']})")
    return "  ".join(parts)


def second_line(claim: dict) -> str:
    """The second judging of a claim in one line."""
    same = "as expected" if claim["as_expected"] else f"UNLIKE EXPECTED ({claim['expected']})"
    return "  ".join([claim["id"], f"second judging decides: {_numbers(claim['second'])}", same])


def _numbers(judged: dict) -> str:
    parts = [judged["verdict"]]
    if judged["effect"] is not None:
        effect = f"{judged['effect']:.3g} {judged['unit']}".rstrip()
        low_high = judged["interval"]
        parts.append(effect + (f" [{low_high[0]:.3g}, {low_high[1]:.3g}]" if low_high else ""))
    if judged["n"] is not None:
        parts.append(f"n={judged['n']}")
    if judged["diverged"]:
        parts.append(f"diverged={judged['diverged']}")
    return "  ".join(parts)
