"""The verdict overview: every claim of the book in one table, and how often each verdict came out."""

from collections import Counter
from dataclasses import dataclass

from textbook.experiment.documented import DIFFERS
from textbook.experiment.pages import catalogue
from textbook.experiment.pages.content import Book, ClaimContent, SectionContent
from textbook.statistics import EXACT, FAILS, HOLDS, INCONCLUSIVE, NO_DIFFERENCE, REVERSED, VIOLATED

VERDICTS = (HOLDS, REVERSED, FAILS, NO_DIFFERENCE, INCONCLUSIVE, EXACT, VIOLATED)
MARKS = ("unexpected", "doubtful", "second", "differs", "diverged", "quick")


@dataclass(frozen=True)
class Row:
    """A claim in the overview, with the words that the filter goes by."""

    claim: ClaimContent
    section: SectionContent

    @property
    def unexpected(self) -> bool:
        return self.claim.as_expected is False

    @property
    def marks(self) -> tuple[str, ...]:
        """What stands beside its verdict, of `MARKS`."""
        there = {
            "unexpected": self.unexpected,
            "doubtful": self.claim.doubtful,
            "second": self.claim.second is not None,
            "differs": self.claim.documented == DIFFERS,
            "diverged": bool(self.claim.decides.diverged),
            "quick": self.claim.quick,
        }
        return tuple(mark for mark in MARKS if there[mark])

    @property
    def words(self) -> str:
        """What a search looks through: ids, titles and the claim in the page's language, in small letters."""
        parts = (self.claim.id, self.section.number, self.section.name, self.section.title, self.claim.claim)
        return " ".join(map(str, parts)).lower()


def context(book: Book) -> dict:
    """What the template verdicts.html shows."""
    rows = [Row(claim, section) for section in book.sections for claim in section.claims]
    flags = Counter(flag for row in rows for flag in row.claim.flags)
    marks = Counter(mark for row in rows for mark in row.marks)
    by_chapter = {chapter.name: Counter(claim.verdict for claim in chapter.claims) for chapter in book.chapters}
    return {
        "rows": rows,
        "words": [word for word in VERDICTS if any(row.claim.verdict == word for row in rows)],
        "flags": {flag: flags[flag] for flag in catalogue.FLAGS if flags[flag]},
        # a mark that every row has tells nothing
        "known_marks": {mark: marks[mark] for mark in MARKS if 0 < marks[mark] < len(rows)},
        "chapters": [chapter for chapter in book.chapters if chapter.claims],
        "by_chapter": by_chapter,
        "totals": Counter(row.claim.verdict for row in rows),
        "missing": [section for section in book.sections if section.record is None],
    }
