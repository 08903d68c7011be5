"""A book's preface on seeds: its texts, with what a run of the section it names says about fewer seeds."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass

from textbook.experiment.pages import book_texts
from textbook.experiment.pages.content import Book, ClaimContent, SectionContent
from textbook.experiment.pages.text import Text
from textbook.experiment.streams import note
from textbook.statistics import FAILS, HOLDS, INCONCLUSIVE, NO_DIFFERENCE, REVERSED

FILE = "preface"
# What a part of the preface may show below its text.
BLOCKS = ("replication", "words", "strip", "marks")
# The words of the five-way rule in the order in which it asks, each with its condition (`textbook.statistics.rules`).
RULE = {
    NO_DIFFERENCE: "−δ < lo, hi < δ",
    HOLDS: "lo > 0, m ≥ δ",
    REVERSED: "hi < 0, m ≤ −δ",
    FAILS: "hi < δ",
    INCONCLUSIVE: "",
}
WORDS = (HOLDS, NO_DIFFERENCE, INCONCLUSIVE, FAILS, REVERSED)


@dataclass(frozen=True)
class Contrast:
    """One comparison: what all its seeds say, and how often fewer seeds say each word.

    Attributes:
        measured: the verdict of all `seeds`. word: the same, or what is known of the arms beforehand.
        shares: {number of seeds: {verdict: share of the experiments}}.
    """

    name: Text
    word: str
    measured: str
    seeds: int
    mean: float
    interval: tuple[float, float] | None
    shares: dict[int, dict[str, float]]


@dataclass(frozen=True)
class Part:
    """A piece of the preface, and what stands below its text: one of `BLOCKS` or nothing."""

    id: str
    title: Text
    paragraphs: tuple[Text, ...]
    block: str


def context(book: Book) -> dict:
    """What the template preface.html shows."""
    texts = book_texts.require(book.package, FILE)
    section = _section(book, texts["replication"]["section"])
    return {
        "lead": book_texts.text(texts, "lead", book.code),
        "parts": [_part(part, book.code) for part in texts["parts"]],
        "section": section,
        "contrasts": _contrasts(book, section, texts),
        "unit": book.language.unit(texts["replication"]["unit"]),
        "rule": RULE,
        "words": WORDS,
        "marks": [{key: book_texts.text(mark, key, book.code) for key in ("name", "text")} for mark in texts["marks"]],
        "example": _example(book, texts["example"]["claims"]),
    }


def _section(book: Book, name: str) -> SectionContent:
    section = book.find_section(name)
    if section is None:
        raise ValueError(f"expected a section of the book in {FILE}.toml, got {name!r}: mend by one that --list shows")
    return section


def _part(part: dict, code: str) -> Part:
    block = part.get("block", "")
    if block and block not in BLOCKS:
        raise ValueError(f"expected a block among {', '.join(BLOCKS)} in {FILE}.toml, got {block!r}: mend the word")
    title, paragraphs = book_texts.text(part, "title", code), book_texts.paragraphs(part, "text", code)
    return Part(part["id"], title, tuple(paragraphs), block)


def _example(book: Book, ids: list[str]) -> ClaimContent | None:
    """The first of these claims that was run and has a strip."""
    found = {claim.id: claim for claim in book.claims}
    return next((found[id] for id in ids if id in found and found[id].decides.interval), None)


def _contrasts(book: Book, section: SectionContent, texts: dict) -> list[Contrast]:
    """The comparisons of the section's last run; none where it was not run, or where its tables were damaged since."""
    if section.record is None:
        return []
    try:
        return list(_read_contrasts(book, section, texts))
    except (OSError, ValueError, KeyError, TypeError) as damage:
        note(f"the tables of {section.name} in {book.out / section.chapter} are damaged ({damage}); run it again")
        return []


def _read_contrasts(book: Book, section: SectionContent, texts: dict) -> Iterator[Contrast]:
    tables, names = texts["replication"], texts.get(book.code, {}).get("contrasts", {})
    shares = {
        (row["contrast"], int(row["seeds"]), row["word"]): _share(row["share"])
        for row in _rows(book, section, tables["shares"])
    }
    drawn = sorted({size for _, size, _ in shares})
    if not drawn:
        raise ValueError(f"the table {tables['shares']!r} is empty")
    # a reader may have set the section's knob to other numbers
    sizes = [size for size in drawn if size in tables["sizes"]] or drawn
    for row in _rows(book, section, tables["all"]):
        name = row["contrast"]
        # a single seed has no interval
        interval = (float(row["low"]), float(row["high"])) if row["low"] else None
        yield Contrast(
            Text(names.get(name, name), book.code if name in names else "en", book.code),
            _verdict(row["word"]),
            _verdict(row["measured"]),
            int(row["seeds"]),
            float(row["mean"]),
            interval,
            {size: {word: shares[name, size, word] for word in WORDS} for size in sizes},
        )


def _share(text: str) -> float:
    if not 0 <= float(text) <= 1:
        raise ValueError(f"expected a share between 0 and 1, got {text}")
    return float(text)


def _verdict(word: str) -> str:
    if word not in WORDS:
        raise ValueError(f"expected a verdict among {', '.join(WORDS)}, got {word!r}")
    return word


def _rows(book: Book, section: SectionContent, table: str) -> list[dict[str, str]]:
    """The rows of one of the section's tables, which the run left as CSV."""
    path = book.out / section.chapter / section.tables[table]
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
