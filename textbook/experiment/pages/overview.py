"""The pages about the whole book: all verdicts, the sources' contradictions, the preface, the glossary."""

from textbook.experiment.pages import book_texts, contradictions, glossary, preface, verdict_list
from textbook.experiment.pages.content import Book

_CONTEXTS = {
    "preface": preface.context,
    "verdicts": verdict_list.context,
    "contradictions": contradictions.context,
    "glossary": glossary.context,
}
# Pages that come from a book's own texts.
_BROUGHT = (preface.FILE, contradictions.FILE, glossary.FILE)


def names(package: str) -> tuple[str, ...]:
    """The pages about the whole book that a package with chapters has, in the order in which they are listed."""
    return tuple(name for name in _CONTEXTS if name not in _BROUGHT or book_texts.read(package, name) is not None)


def pages(book: Book) -> dict[str, tuple[str, dict]]:
    """{page: (template, what it shows)} of the pages that this book has; all have the verdicts.

    Raises: ValueError for texts of the book that name an entry, a section or a chapter that it does not have.
    """
    return {name: (f"{name}.html", _CONTEXTS[name](book)) for name in names(book.package)}
