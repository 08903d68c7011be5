"""All pages of the book, written from the records of a run: plain files beside the figures, in both languages."""

import functools
import importlib
from pathlib import Path

from textbook.experiment import book as contents
from textbook.experiment import saving
from textbook.experiment.pages import (
    content,
    contradictions,
    edition,
    links,
    overview,
    pictures,
    reading,
    source_code,
    strips,
)
from textbook.experiment.pages.text import number
from textbook.experiment.streams import note
from textbook.statistics.judgement import WORDS

_HERE = Path(__file__).parent


def write(out: Path, package: str) -> Path:
    """Write every page below `out`; a page that has not changed is left alone. Returns the page to begin with.

    Args:
        package: the book's ("chapters") or one of its chapters' ("chapters.ch4"): the pages are always of all chapters,
            those not run yet with the command that runs them.
    """
    package = _book_of(package)
    chapters = contents.chapters(package)
    records = reading.records(out, chapters, warn=note)
    for asset in sorted((_HERE / "assets").iterdir()):
        saving.write(out / "assets" / asset.name, asset.read_bytes())
    environment = _environment()
    highlighted = source_code.Highlighter(out / ".cache")
    for code in links.LANGUAGES:
        pages = _Pages(environment, highlighted, edition.translated(out, package, chapters, records, code))
        for path, text in pages.all():
            saving.write(out / path, text.encode())
    return out / links.page("index", links.LANGUAGES[0])


def _book_of(package: str) -> str:
    """The package that holds all chapters: a chapter's parent, or a chapter that has none itself."""
    is_chapter = hasattr(importlib.import_module(package), "SECTIONS")
    return package.rpartition(".")[0] if is_chapter and "." in package else package


def _environment():
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


class _Page(dict):
    """What base.html asks of a page: its name, path, language, and the path of the same page in the other one."""

    def __init__(self, name: str, code: str, chapter: str | None = None):
        other = next(language for language in links.LANGUAGES if language != code)
        super().__init__(
            name=name,
            code=code,
            chapter=chapter,
            path=links.page(name, code, chapter=chapter),
            other=other,
            other_path=links.page(name, other, chapter=chapter),
        )


class _Pages:
    """The pages of one language, one after the other, as (path, HTML)."""

    def __init__(self, environment, highlighted: source_code.Highlighter, book: content.Book):
        self._environment = environment
        self._highlighted = highlighted
        self._book = book

    def all(self):
        yield self._rendered(_Page("index", self._book.code), "index.html", self._book.language)
        for at, chapter in enumerate(self._book.chapters):
            yield self._rendered(
                _Page("index", self._book.code, chapter.name),
                "chapter.html",
                self._book.languages[chapter.name],
                chapter=chapter,
                before=self._book.chapters[at - 1] if at else None,
                after=self._book.chapters[at + 1] if at + 1 < len(self._book.chapters) else None,
            )
        for name, (template, context) in overview.pages(self._book).items():
            yield self._rendered(_Page(name, self._book.code), template, self._book.language, **context)

    def _rendered(self, page: _Page, template: str, language, **context) -> tuple[str, str]:
        href = functools.partial(links.href, at=page["path"])
        text = self._environment.get_template(template).render(
            page=page,
            book=self._book,
            word=language.word,
            href=href,
            link=lambda name: href(links.page(name, self._book.code)),
            strip=lambda claim, judged: strips.strip(judged, language),
            beyond=lambda judged: strips.beyond(judged, language),
            highlighted=self._highlighted,
            picture_size=lambda section, file: pictures.size(self._book.out / section.chapter / file),
            number=number,
            verdicts=WORDS,
            pages=overview.names(self._book.package),
            counts=_counts,
            side_boxes=lambda section: contradictions.side_boxes(
                self._book.package, section.outline.entries, self._book.code
            ),
            **context,
        )
        return page["path"], text


def _counts(claims) -> dict[str, int]:
    """How many claims each verdict was decided for, in the order of the words; only those that occur."""
    counts = {word: sum(claim.verdict == word for claim in claims) for word in WORDS}
    return {word: count for word, count in counts.items() if count}
