"""The book in one language, drawn from the records of a run and the sections' own sources."""

import re
from pathlib import Path

from textbook.experiment import book as contents
from textbook.experiment.outline import Outline
from textbook.experiment.pages import catalogue, links, reading
from textbook.experiment.pages.content import Book, ChapterContent, ClaimContent, SectionContent
from textbook.experiment.pages.judged import Judged
from textbook.experiment.pages.language import Language, sentences
from textbook.experiment.pages.text import Text, named_arms
from textbook.experiment.streams import note

_HANGUL = re.compile("[\uac00-\ud7a3]")


def book(out: Path, package: str, code: str) -> Book:
    """The book of a package with chapters, as far as its records lie in `out`."""
    chapters = contents.chapters(package)
    return translated(out, package, chapters, reading.records(out, chapters, warn=note), code)


def translated(out: Path, package: str, chapters: tuple, records: reading.Records, code: str) -> Book:
    """The book of these chapters and records in one language."""
    kept = reading.kept(records)
    languages = {chapter.name: Language(code, _folder(chapter)) for chapter in chapters}
    return Book(
        package,
        out,
        Language(code),
        languages,
        tuple(
            _Writer(chapter, f"{package}.{chapter.name}", languages[chapter.name], records, kept).chapter()
            for chapter in chapters
        ),
    )


def _folder(chapter: contents.Chapter) -> Path | None:
    folders = {outline.path.parent for outline in chapter.sections if (outline.path.parent / "ko.toml").is_file()}
    return folders.pop() if folders else None


class _Writer:
    """Makes the content of one chapter in one language."""

    def __init__(self, chapter, package: str, language: Language, records: reading.Records, kept: dict[str, bool]):
        self._chapter = chapter
        self._package = package
        self._language = language
        self._records = records
        self._kept = kept
        self._path = links.page("index", language.code, chapter=chapter.name)

    def chapter(self) -> ChapterContent:
        label, title, korean = _chapter_title(self._chapter)
        title, term = self._pair(title, korean)
        sections = tuple(self._section(outline) for outline in self._chapter.sections)
        return ChapterContent(self._chapter.name, label, title, term, self._package, self._path, sections)

    def _section(self, outline: Outline) -> SectionContent:
        record = self._records.get((self._chapter.name, outline.name))
        told = record or {"title": outline.title, "idea": outline.idea, "shows": outline.shows}
        own = self._language.section(outline.name) or {}
        english, korean = _split(told["title"])
        title, term = self._pair(english, own.get("title", korean), term=korean)
        caption = () if record is None else self._caption(record["caption"])
        return SectionContent(
            self._chapter.name,
            outline,
            title,
            term,
            tuple(self._text(told["idea"], own.get("idea")).paragraphs),
            self._text(told["shows"], own.get("shows")),
            caption,
            record,
            () if record is None else tuple(self._claim(outline, claim) for claim in record["claims"]),
            f"{self._path}#{links.place(outline.name)}",
            self._package,
        )

    def _claim(self, outline: Outline, claim: dict) -> ClaimContent:
        own = self._language.claim(claim["id"]) or {}
        entry = claim["id"].partition("/")[0]
        entry = entry if "-" in entry else ""
        return ClaimContent(
            claim["id"],
            links.anchor(claim["id"]),
            f"{self._path}#{links.anchor(claim['id'])}",
            self._chapter.name,
            outline.name,
            entry,
            catalogue.flags(entry),
            *(self._text(claim[name], own.get(name)) for name in ("claim", "ask", "why", "beware", "correction")),
            Text(claim["reference"]),
            self._judging(claim["test"], self._language.rule),
            self._judged(claim, claim["test"]),
            self._judged(claim["second"], claim["test"]) if claim["second"] else None,
            claim["decided"],
            claim["expected"],
            claim["as_expected"],
            claim["quick"],
            claim["documented"],
            self._kept.get(claim["id"]),
        )

    def _judged(self, numbers: dict, rule: str) -> Judged:
        unit = self._same(numbers["unit"], self._language.unit)
        return Judged.of(numbers, rule=rule, unit=unit, note=self._judging(numbers["note"], self._language.note))

    def _judging(self, english: str, translate) -> Text:
        said = self._same(english, translate)
        return said._replace(words=named_arms(said.words))

    def _caption(self, text: str) -> tuple[Text, ...]:
        return tuple(self._same(sentence, self._language.caption) for sentence in sentences(text))

    def _same(self, english: str, translate) -> Text:
        """A text through one of the language's phrase books, which give back what they do not know."""
        words = translate(english)
        known = self._language.code == "en" or words != english
        return Text(words, self._language.code if known else "en", self._language.code)

    def _text(self, english: str, korean: str | None) -> Text:
        code = self._language.code
        return Text(korean, code, code) if code != "en" and korean else Text(english, "en", code)

    def _pair(self, english: str, korean: str | None, *, term: str | None = None) -> tuple[Text, Text | None]:
        """The title in the page's language, and the other language's beside it."""
        code = self._language.code
        if code == "en":
            other = term if term is not None else korean
            return Text(english, "en", code), Text(other, "ko", code) if other else None
        return (Text(korean, "ko", code), Text(english, "en", code)) if korean else (Text(english, "en", code), None)


def _split(title: str) -> tuple[str, str | None]:
    """An English title and the Korean in the parentheses at its end."""
    match = re.fullmatch(r"(.*\S)\s*\(([^()]*(?:\([^()]*\)[^()]*)*)\)\.?", title)
    return (match[1], match[2]) if match and _HANGUL.search(match[2]) else (title.rstrip("."), None)


def _chapter_title(chapter: contents.Chapter) -> tuple[str, str, str | None]:
    """("4", "Evaluating a network …", "신경망 평가와 …") of "Chapter 4: evaluating a network … (신경망 평가와 …)."."""
    english, korean = _split(chapter.title)
    match = re.fullmatch(r"Chapter (\S+?): (.*)", english)
    label, english = (match[1], match[2]) if match else ("", english)
    return label, english[:1].upper() + english[1:], korean
