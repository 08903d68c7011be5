"""Where a book's sources contradict one another: what each says, what it is about, and what this run measured.

The texts are the book's own (`contradictions.toml`); they never say how a claim was judged. The records do.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from textbook.experiment.pages import book_texts
from textbook.experiment.pages.content import Book, ChapterContent, ClaimContent, SectionContent
from textbook.experiment.pages.text import Text

FILE = "contradictions"


@dataclass(frozen=True)
class Saying:
    """What the text of one chapter says, in the book's words."""

    chapter: ChapterContent
    words: Text


@dataclass(frozen=True)
class Topic:
    """A question on which texts disagree.

    Attributes:
        bearing: claims that speak to it. others: further claims of the same catalogue entries.
        missing: sections that answer these entries and were not run yet.
    """

    id: str
    title: Text
    explanation: tuple[Text, ...]
    sayings: tuple[Saying, ...]
    bearing: tuple[ClaimContent, ...]
    others: tuple[ClaimContent, ...]
    missing: tuple[SectionContent, ...]


def context(book: Book) -> dict:
    """What the template contradictions.html shows."""
    texts = book_texts.require(book.package, FILE)
    topics = [_topic(book, topic) for topic in texts["topics"]]
    return {
        "lead": book_texts.text(texts, "lead", book.code),
        "topics": topics,
        # whether quick verdicts stand beside others, and need a mark
        "mixed": len({claim.quick for topic in topics for claim in (*topic.bearing, *topic.others)}) > 1,
    }


def side_boxes(package: str, entries: Iterable[str], code: str) -> list[tuple[str, Text]]:
    """(place on the page, title) of the questions that catalogue entries belong to; none for a book without any."""
    texts, entries = book_texts.read(package, FILE), set(entries)
    return [
        (topic["id"], book_texts.text(topic, "title", code))
        for topic in (texts["topics"] if texts else ())
        if entries & set(topic["entries"])
    ]


def _topic(book: Book, topic: dict) -> Topic:
    entries = topic["entries"]
    answering = [section for section in book.sections if set(section.outline.entries) & set(entries)]
    unanswered = set(entries) - {entry for section in answering for entry in section.outline.entries}
    if unanswered:
        raise ValueError(
            f"expected entries that a section answers under {topic['id']!r} in {FILE}.toml, got "
            f"{', '.join(sorted(unanswered))}: mend by the ids in the sections' ENTRIES"
        )
    claims = {claim.id: claim for section in answering for claim in section.claims if claim.entry in entries}
    bearing = [claims.pop(id) for id in topic["bearing"] if id in claims]
    return Topic(
        topic["id"],
        book_texts.text(topic, "title", book.code),
        tuple(book_texts.paragraphs(topic, "explanation", book.code)),
        tuple(_saying(book, said) for said in topic["texts"]),
        tuple(bearing),
        tuple(claims.values()),
        tuple(section for section in answering if section.record is None),
    )


def _saying(book: Book, said: dict) -> Saying:
    chapter = next((chapter for chapter in book.chapters if chapter.name == said["chapter"]), None)
    if chapter is None:
        known = ", ".join(chapter.name for chapter in book.chapters)
        raise ValueError(f"expected a chapter among {known} in {FILE}.toml, got {said['chapter']!r}: mend the name")
    return Saying(chapter, Text(" ".join(said[book.code].split()), book.code, book.code))
