"""What a run prints: figures and verdicts, on standard output."""

from pathlib import Path

from textbook.experiment.book import Chapter
from textbook.experiment.documented import DIFFERS
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
    out(f"  {folder / record['figure']}  {_seconds(record)}")
    for claim in record["claims"]:
        out(f"  {verdict_line(claim)}")


def _seconds(record: dict) -> str:
    """What the section's own measurement took, now or when the cache got it."""
    return f"{record['seconds']:.1f} s{', from the cache' if record['cached'] else ''}"


def verdict_line(claim: dict) -> str:
    """One claim in one line: id, verdict, effect with interval, n, and whether that was expected."""
    parts = [claim["id"], _numbers(claim)]
    if claim["as_expected"] is not None:
        parts.append(_comparison(claim, claim["verdict"] == claim["expected"]))
    if claim["quick"]:
        parts.append("quick")
    # a surprise is compared by its second judging
    if claim["documented"] is not None and claim["as_expected"]:
        parts.append(claim["documented"])
    return "  ".join(parts)


def documented(claims: list[dict]) -> str | None:
    """How many claims lie where the documented run has them, and which do not; None if none could be compared."""
    words = [claim["documented"] for claim in claims if claim["documented"] is not None]
    if not words:
        return None
    differing = [claim["id"] for claim in claims if claim["documented"] == DIFFERS]
    text = f"{len(words) - len(differing)} of {len(words)} claims as documented"
    return f"{text}; {DIFFERS}: {', '.join(differing)}" if differing else text


def second_line(claim: dict) -> str:
    """The second judging of a claim in one line."""
    judged = f"second judging, which decides: {_numbers(claim['second'])}"
    parts = [claim["id"], judged, _comparison(claim, claim["as_expected"])]
    return "  ".join(parts if claim["documented"] is None else [*parts, claim["documented"]])


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
