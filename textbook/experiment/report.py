"""What a run prints: figures and verdicts, on standard output."""

from pathlib import Path

from textbook.experiment.book import Chapter
from textbook.experiment.outline import Outline
from textbook.experiment.streams import out


def listing(chapter: Chapter) -> None:
    """Number, name, title and knobs of every section, and the large data sets that it has settings for."""
    out(f"{chapter.name}  {chapter.title}")
    width = max((len(section.number) for section in chapter.sections), default=0)
    longest = max((len(section.name) for section in chapter.sections), default=0)
    for section in chapter.sections:
        out(f"  {section.number:<{width}}  {section.name:<{longest}}  {section.broken or section.title}".rstrip())
        details = [*map(str, section.knobs), *(f"[--data {name}]" for name in section.for_data)]
        if details:
            out(f"  {'':<{width}}  {'':<{longest}}    {'  '.join(details)}")


def section(outline: Outline, record: dict, folder: Path) -> None:
    """A section's title, its figure's path and a line per claim."""
    out(f"{outline.number} {outline.title}")
    out(f"  {folder / record['figure']}")
    for claim in record["claims"]:
        out(f"  {verdict_line(claim)}")


def verdict_line(claim: dict) -> str:
    """One claim in one line: id, verdict, effect with interval, n, and whether that was expected."""
    parts = [claim["id"], _numbers(claim)]
    if claim["as_expected"] is not None:
        parts.append(_comparison(claim, claim["verdict"] == claim["expected"]))
    if claim["quick"]:
        parts.append("quick")
    return "  ".join(parts)


def second_line(claim: dict) -> str:
    """The second judging of a claim in one line."""
    judged = f"second judging, which decides: {_numbers(claim['second'])}"
    return "  ".join([claim["id"], judged, _comparison(claim, claim["as_expected"])])


def _comparison(claim: dict, same: bool) -> str:
    if same:
        return "as expected"
    # few seeds surprise often, and prove nothing
    return f"expected {claim['expected']}" if claim["quick"] else f"UNLIKE EXPECTED: {claim['expected']}"


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
