"""The glossary of a book: its terms in two languages, what they mean, and the sections where they are at work."""

from dataclasses import dataclass

from textbook.experiment.pages import book_texts
from textbook.experiment.pages.content import Book, SectionContent
from textbook.experiment.pages.text import Text

FILE = "glossary"


@dataclass(frozen=True)
class Term:
    """A term: its name on this page, the other language's, both definitions, and the sections that use it."""

    id: str
    name: Text
    other: Text
    meaning: Text
    other_meaning: Text
    sections: tuple[SectionContent, ...]

    @property
    def order(self) -> str:
        """Backticks and case do not count."""
        return self.name.words.strip("`").casefold()


@dataclass(frozen=True)
class Apart:
    """A word with several meanings, told apart; `terms` are those meanings."""

    id: str
    title: Text
    text: Text
    terms: tuple[Term, ...]


def context(book: Book) -> dict:
    """What the template glossary.html shows."""
    texts = book_texts.require(book.package, FILE)
    sections = {f"{section.chapter}/{section.name}": section for section in book.sections}
    terms = {term["id"]: _term(term, sections, book.code) for term in texts["terms"]}
    return {
        "lead": book_texts.text(texts, "lead", book.code),
        "apart_title": book_texts.text(texts, "apart_title", book.code),
        "apart": [
            Apart(
                group["id"],
                book_texts.text(group, "title", book.code),
                book_texts.text(group, "text", book.code),
                tuple(terms[id] for id in group["terms"]),
            )
            for group in texts["apart"]
        ],
        "terms": sorted(terms.values(), key=lambda term: term.order),
    }


def _term(term: dict, sections: dict[str, SectionContent], code: str) -> Term:
    unknown = [place for place in term["see"] if place not in sections]
    if unknown:
        raise ValueError(
            f"expected sections as 'chapter/name' under {term['id']!r} in {FILE}.toml, got {', '.join(unknown)}: "
            "mend by a name that --list shows"
        )
    english = Text(term["en"], "en", code), Text(term["means_en"], "en", code)
    korean = Text(term["ko"], "ko", code), Text(term["means_ko"], "ko", code)
    (name, meaning), (other, other_meaning) = (korean, english) if code == "ko" else (english, korean)
    return Term(term["id"], name, other, meaning, other_meaning, tuple(sections[place] for place in term["see"]))
