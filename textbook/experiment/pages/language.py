"""The words of one language: what the pages say around the records, and what the records say, in Korean.

`python -m textbook.experiment.pages.language OUT` lists what a run says that has no Korean yet.
"""

import functools
import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from textbook.experiment.pages.phrases import Phrases, pattern, sentences

LANGUAGES = ("en", "ko")
_WORDS = Path(__file__).parent / "words.toml"


class Language:
    """What the pages of one chapter say in one language.

    Args:
        code: "en" or "ko".
        chapter: folder of the chapter, with its ko.toml; None for pages of the whole book.

    Raises: ValueError for another language.
    """

    def __init__(self, code: str, chapter: Path | None = None):
        if code not in LANGUAGES:
            raise ValueError(f"expected language {' or '.join(map(repr, LANGUAGES))}, got {code!r}")
        self.code = code
        korean = code == "ko"
        own = _toml(chapter / "ko.toml") if korean and chapter is not None else {}
        self._sections, self._claims = own.get("sections", {}), own.get("claims", {})
        self._phrases = _phrases() if korean else {}
        if korean:
            words = _toml(_WORDS)
            captions, seeds = words["captions"]["ko"] | own.get("captions", {}), Phrases(words["seeds"])
            captions = Phrases(captions, within={"seeds": seeds}, nested=True)
            self._phrases = {**self._phrases, "captions": captions}
        self._untranslated: dict[str, None] = {}

    def word(self, key: str) -> str:
        """What the pages say at a place: word("verdict.holds") is 성립 in Korean.

        Raises: ValueError for a key that words.toml lacks.
        """
        words = _toml(_WORDS)["words"]
        if key not in words:
            near = [known for known in words if known.partition(".")[0] == key.partition(".")[0]]
            raise ValueError(f"expected a key of words.toml ({', '.join(near or words)}), got {key!r}: add it there")
        return words[key][self.code]

    def caption(self, text: str) -> str:
        """A caption, sentence by sentence; a sentence without translation stays English."""
        if self.code == "en":
            return text
        return " ".join(self._sentence(sentence) for sentence in sentences(text))

    def rule(self, text: str) -> str:
        """The sentence of a claim's test, with the arms and columns as they are in the tables."""
        return self._said("rules", text)

    def unit(self, text: str) -> str:
        """A unit; none stays none."""
        return self._said("units", text) if text else text

    def note(self, text: str) -> str:
        """What a judgement adds to its verdict."""
        return " ".join(self._said("notes", sentence) for sentence in sentences(text))

    def section(self, name: str) -> dict[str, str] | None:
        """The Korean title, idea and shows of a section; None in English, whose texts are in the record."""
        return None if self.code == "en" else self._sections.get(name, {})

    def claim(self, id: str) -> dict[str, str] | None:
        """The Korean texts of a claim; None in English."""
        return None if self.code == "en" else self._claims.get(id, {})

    @property
    def untranslated(self) -> tuple[str, ...]:
        """What was asked for so far and came back in English, each once."""
        return tuple(self._untranslated)

    def _sentence(self, sentence: str) -> str:
        # some captions end without a full stop
        ended = sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."
        said = self._said("captions", ended)
        return sentence if said == ended else said

    def _said(self, kind: str, text: str) -> str:
        if self.code == "en":
            return text
        found = self._phrases[kind](text)
        if found is None:
            self._untranslated[text] = None
            return text
        return found


def missing(out: Path, home: Path) -> dict[str, list[str]]:
    """What the Korean pages of a run would show in English: {chapter: ["section: kind: sentence", …]}.

    Args:
        out: the folder of a run, or another with a results.json for each chapter.
        home: the folder of the chapters, each with its ko.toml.

    Returns: sentences of captions as keys for `[captions]`, with # for each number.

    Raises: ValueError for a folder without results.
    """
    found = sorted(out.glob("*/results.json"))
    if not found:
        raise ValueError(f"expected a run's folder with results.json of its chapters, got {out}: run a chapter first")
    return {path.parent.name: list(_missing(path, home / path.parent.name)) for path in found}


def _missing(results: Path, home: Path) -> Iterator[str]:
    korean = Language("ko", home)
    for record in json.loads(results.read_bytes())["sections"]:
        name, texts = record["name"], korean.section(record["name"])
        yield from (f"{name}: {kind}: {record[kind]}" for kind in ("title", "idea", "shows") if not texts.get(kind))
        for kind, translate, text in _spoken(korean, record):
            known = len(korean.untranslated)
            translate(text)
            yield from (f"{name}: {kind}: {pattern(found)}" for found in korean.untranslated[known:])
        for claim in record["claims"]:
            said = korean.claim(claim["id"])
            kinds = [kind for kind in ("claim", "ask", "why", "beware", "correction") if claim[kind]]
            yield from (f"{name}: {kind} of {claim['id']}: {claim[kind]}" for kind in kinds if not said.get(kind))


def _spoken(korean: Language, record: dict) -> Iterator[tuple]:
    """Kind, translating method and text of all that the machine wrote into a record."""
    yield "caption", korean.caption, record["caption"]
    for claim in record["claims"]:
        yield "rule", korean.rule, claim["test"]
        for judged in filter(None, (claim, claim["second"])):
            yield "unit", korean.unit, judged["unit"] or ""
            yield "note", korean.note, judged["note"] or ""


@functools.cache
def _toml(path: Path) -> dict:
    return tomllib.loads(path.read_text("utf-8"))


@functools.cache
def _phrases() -> dict[str, Phrases]:
    """What all chapters share: the sentences of the tests, their units and notes."""
    words = _toml(_WORDS)
    units = Phrases(words["units"])
    within = {
        "metric": Phrases(words["metrics"]),
        "delta": Phrases(words["deltas"], within={"unit": units}),
    }
    return {"rules": Phrases(words["rules"], within=within), "units": units, "notes": Phrases(words["notes"])}


def _main(arguments: list[str]) -> int:
    if len(arguments) not in (1, 2):
        print("usage: python -m textbook.experiment.pages.language OUT [FOLDER-OF-CHAPTERS]", file=sys.stderr)
        return 2
    home = Path(arguments[1] if len(arguments) == 2 else "chapters")
    try:
        found = missing(Path(arguments[0]), home)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for chapter, lines in found.items():
        print(f"{chapter}: {len(lines)} untranslated", *(f"  {line}" for line in lines), sep="\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(_main(sys.argv[1:]))
