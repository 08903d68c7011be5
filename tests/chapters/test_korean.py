"""The Korean of every section's figure and rules, and that no English is left in the book's Korean."""

import importlib
import os
import re
from pathlib import Path

import pytest

from textbook.experiment.pages.language import Language, missing

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted(path.parent.name for path in (ROOT / "chapters").glob("ch*/ko.toml"))
# the documented run, and in CI a quick one: their captions differ in what depends on the data
RUNS = [ROOT / "data" / "reference", *map(Path, filter(None, [os.environ.get("QUICK_BOOK")]))]


def sections(chapter: str) -> dict:
    names = importlib.import_module(f"chapters.{chapter}").SECTIONS
    return {name: importlib.import_module(f"chapters.{chapter}.{name}") for name in names}


def has_hangul(text: str) -> bool:
    return any("가" <= letter <= "힣" for letter in text)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_figure_is_described_in_korean(chapter):
    korean = Language("ko", ROOT / "chapters" / chapter)
    lacking = [name for name in sections(chapter) if not has_hangul(korean.section(name).get("shows", ""))]
    assert lacking == []


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_test_and_unit_of_every_claim_have_their_korean(chapter):
    korean = Language("ko", ROOT / "chapters" / chapter)
    claims = [claim for module in sections(chapter).values() for claim in module.CLAIMS]
    for claim in claims:
        assert has_hangul(korean.rule(claim.test.sentence)), claim.id
        korean.unit(getattr(claim.test, "unit", None) or "")
    assert claims and korean.untranslated == ()


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_one_thing_has_one_word(chapter):
    text = (ROOT / "chapters" / chapter / "ko.toml").read_text("utf-8")
    # a penalty is 정칙화 and 정규화 is normalisation; noise is 잡음; epoch is read 에폭, which decides its particles
    strange = re.findall(r"L[12] ?정규화|노이즈|에폭|epoch[를는가와](?![가-힣])", text)
    assert strange == []


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_the_korean_pages_of_a_run_have_nothing_untranslated(run):
    assert {chapter: lines for chapter, lines in missing(run, ROOT / "chapters").items() if lines} == {}
