"""What the pages say, in one language: a book, its chapters, their sections and claims. `edition` makes them."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from textbook.experiment.outline import Outline
from textbook.experiment.pages import commands, links
from textbook.experiment.pages.judged import Judged
from textbook.experiment.pages.language import Language
from textbook.experiment.pages.text import Text
from textbook.statistics.judgement import HOLDS, REVERSED


@dataclass(frozen=True)
class ClaimContent:
    """A claim: the question, the judgement, and what to take from it.

    Attributes:
        href: where it stands, from the output folder. flags: those of its catalogue entry.
        verdict: the word that was decided, in English, for `word("verdict.…")`.
        first, second: the judgements; `decides` is the second where there is one.
        kept: whether Benjamini and Hochberg's bound of 5 % over all claims in the output folder keeps the verdict;
            None where the rule has no p-value.
    """

    id: str
    anchor: str
    href: str
    chapter: str
    section: str
    entry: str
    flags: tuple[str, ...]
    claim: Text
    ask: Text
    why: Text
    beware: Text
    correction: Text
    reference: Text
    rule: Text
    first: Judged
    second: Judged | None
    verdict: str
    expected: str
    as_expected: bool | None
    quick: bool
    documented: str | None
    kept: bool | None

    @property
    def decides(self) -> Judged:
        """The judgement that the verdict comes from."""
        return self.second or self.first

    @property
    def finds(self) -> bool:
        """Whether the verdict says that there is an effect, which may then be a false discovery."""
        return self.verdict in (HOLDS, REVERSED)

    @property
    def doubtful(self) -> bool:
        """Whether it says that there is one, and the bound on false discoveries does not keep it."""
        return self.finds and self.kept is False


@dataclass(frozen=True)
class SectionContent:
    """A section: what it shows and what came of it; `record` is None where it was not run yet."""

    chapter: str
    outline: Outline
    title: Text
    term: Text | None
    idea: tuple[Text, ...]
    shows: Text
    caption: tuple[Text, ...]
    record: dict | None
    claims: tuple[ClaimContent, ...]
    href: str
    package: str

    @property
    def name(self) -> str:
        return self.outline.name

    @property
    def number(self) -> str:
        return self.outline.number

    @property
    def anchor(self) -> str:
        return links.place(self.name)

    @property
    def command(self) -> str:
        """The command that makes its figure: that of the run, or of a first one."""
        if self.record is None:
            return commands.section(self.package, self.name)
        return commands.again(self.package, self.record)

    @property
    def knobs(self) -> list[tuple[str, object, str]]:
        """(name, value in use, the command that sets it) of every knob."""
        used = {} if self.record is None else self.record["knobs"]
        return [
            (name, value, commands.section(self.package, self.name, f"--set {commands.setting(name, value)}"))
            for name, value in used.items()
        ]

    @property
    def tables(self) -> dict[str, str]:
        """{table: CSV file}; one table alone is called ""."""
        table = {} if self.record is None else self.record["table"]
        return {"": table} if isinstance(table, str) else table

    @property
    def seeds(self) -> str:
        """The seeds of its run: "1000–1015", "1, 2, 5"."""
        seeds = self.record["provenance"]["seeds"]
        if len(seeds) > 2 and seeds == list(range(seeds[0], seeds[-1] + 1)):
            return f"{seeds[0]}–{seeds[-1]}"
        return ", ".join(map(str, seeds))

    @property
    def timed(self) -> bool:
        """Whether its tables hold clock or memory readings, which differ from run to run."""
        return bool(self.outline.measured)


@dataclass(frozen=True)
class ChapterContent:
    """A chapter: its sections in book order."""

    name: str
    label: str
    title: Text
    term: Text | None
    package: str
    path: str
    sections: tuple[SectionContent, ...]

    @property
    def claims(self) -> tuple[ClaimContent, ...]:
        return tuple(claim for section in self.sections for claim in section.claims)

    @property
    def run(self) -> tuple[SectionContent, ...]:
        """The sections that were run."""
        return tuple(section for section in self.sections if section.record is not None)

    @property
    def quick(self) -> bool:
        return any(section.record["quick"] for section in self.run)


@dataclass(frozen=True)
class Book:
    """All chapters in one language.

    Attributes:
        package: the chapters' own, "chapters". out: the output folder, which links count from.
        language: the words of pages that belong to no chapter. languages: those of each chapter.
    """

    package: str
    out: Path
    language: Language
    languages: dict[str, Language]
    chapters: tuple[ChapterContent, ...]
    _sections: dict[str, SectionContent] = field(default_factory=dict, repr=False)

    @property
    def code(self) -> str:
        return self.language.code

    @cached_property
    def sections(self) -> tuple[SectionContent, ...]:
        return tuple(section for chapter in self.chapters for section in chapter.sections)

    @cached_property
    def claims(self) -> tuple[ClaimContent, ...]:
        return tuple(claim for section in self.sections for claim in section.claims)

    @property
    def quick(self) -> bool:
        return any(chapter.quick for chapter in self.chapters)

    def find_section(self, name: str) -> SectionContent | None:
        """The section of that name, or None where the book has none."""
        return next((section for section in self.sections if section.name == name), None)
