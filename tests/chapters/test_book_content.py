"""What the book itself says on pages about the whole: contradictions, glossary, preface, in both languages."""

import csv
import importlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from textbook.experiment.pages import edition, overview

ROOT = Path(__file__).parents[2]
FILES = ("contradictions", "glossary", "preface")
TEXTS = {name: tomllib.loads((ROOT / "chapters" / f"{name}.toml").read_text("utf-8")) for name in FILES}
TOPICS = {topic["id"]: topic for topic in TEXTS["contradictions"]["topics"]}
TERMS = {term["id"]: term for term in TEXTS["glossary"]["terms"]}
CHAPTERS = ("ch4", "ch5", "ch6", "ch7", "ch8")
SECTIONS = {
    f"{c}/{name}": f"chapters.{c}.{name}"
    for c in CHAPTERS
    for name in importlib.import_module(f"chapters.{c}").SECTIONS
}
# The catalogue's list of contradictions: what the texts disagree on, and the entries that it names.
CATALOGUE = {
    "sgd": {"4.6-b", "8.1-a"},
    "batch-size": {"4.6-d", "8.1-d", "7.4-a", "7.4-b", "7.4-c"},
    "small-rate": {"4.7-c", "5.6-b", "8.2-b", "7.3-a"},
    "batch-noise": {"8.1-e"},
    "batch-norm-place": {"6.3-f", "8.5-f"},
    "velocity": {"4.7.2.3-b"},
    "test-set": {"5.6-e", "8.3-d"},
    "together": {"7.6-c"},
    "exponential-decay": {"4.7.2.2-a", "5.8-c"},
}


def hangul(text: str) -> bool:
    return bool(re.search("[가-힣]", text))


def in_both(table, path: str = "") -> Iterator[tuple[str, str, str]]:
    """(where, English, Korean) of every text that a file has under `en` and `ko`, at any depth."""
    if isinstance(table, list):
        for at, item in enumerate(table):
            yield from in_both(item, f"{path}[{at}]")
    elif isinstance(table, dict):
        if isinstance(table.get("en"), dict):
            # names that a table has in English need only their Korean
            korean = {key: text for key, text in table["ko"].items() if key != "contrasts"}
            assert table["en"].keys() == korean.keys(), path
            yield from ((f"{path}.{key}", english, korean[key]) for key, english in table["en"].items())
        for key, item in table.items():
            if key not in ("en", "ko"):
                yield from in_both(item, f"{path}.{key}")


@pytest.mark.parametrize("name", FILES)
def test_every_text_is_there_in_both_languages(name):
    texts = list(in_both(TEXTS[name]))
    assert len(texts) >= 10
    for where, english, korean in texts:
        assert english.strip() and korean.strip(), where
        assert hangul(korean) or korean in ("SGD", "Benjamini–Hochberg"), f"{where} is not Korean: {korean}"


def test_all_nine_contradictions_of_the_catalogue_are_there_with_their_entries():
    assert TOPICS.keys() == CATALOGUE.keys() and len(TEXTS["contradictions"]["topics"]) == 9
    for id, entries in CATALOGUE.items():
        assert entries <= set(TOPICS[id]["entries"]), id


@pytest.mark.parametrize("id", CATALOGUE)
def test_a_contradiction_names_entries_and_claims_that_the_book_has(id):
    topic = TOPICS[id]
    with open(ROOT / "data" / "catalogue.csv", encoding="utf-8") as file:
        assert set(topic["entries"]) <= {row["id"] for row in csv.DictReader(file)}
    modules = [importlib.import_module(module) for module in SECTIONS.values()]
    claims = {claim.id: claim.entry for module in modules for claim in module.CLAIMS}
    assert len(topic["bearing"]) >= 2 and len(set(topic["bearing"])) == len(topic["bearing"])
    assert {claims[claim] for claim in topic["bearing"]} <= set(topic["entries"])


@pytest.mark.parametrize("id", CATALOGUE)
def test_a_contradiction_says_what_differs_in_both_languages(id):
    said = TOPICS[id]["texts"]
    for language in ("ko", "en"):
        assert len(said) >= 2 and len({text[language] for text in said}) == len(said)
    for text in said:
        assert text["chapter"] in CHAPTERS
        assert hangul(text["ko"]) and not hangul(text["en"])


def test_no_text_presumes_a_verdict():
    english = re.compile(r"\b(holds|reversed|fails|inconclusive|no difference|violated)\b")
    korean = re.compile("성립|주장한 크기 기각|실질적 차이 없음|판단 보류|어긋남")
    for id, topic in TOPICS.items():
        assert not english.search(topic["en"]["explanation"]) and not korean.search(topic["ko"]["explanation"]), id
    for id, term in TERMS.items():
        assert not english.search(term["means_en"]) and not korean.search(term["means_ko"]), id


def test_the_glossary_has_its_terms_once_in_both_languages():
    assert len(TEXTS["glossary"]["terms"]) == len(TERMS) >= 50
    for name in ("en", "ko"):
        names = [term[name].casefold() for term in TERMS.values()]
        assert len(set(names)) == len(names)
    for id, term in TERMS.items():
        assert re.fullmatch(r"[a-z0-9-]+", id)
        assert hangul(term["means_ko"]) and not hangul(term["means_en"]) and not hangul(term["en"]), id
        # a definition, not an essay: a sentence, or two
        assert all(1 <= len(re.findall(r"[.](?=\s|$)", term[text])) <= 2 for text in ("means_en", "means_ko")), id


def test_every_link_of_the_glossary_leads_to_a_section():
    for id, term in TERMS.items():
        assert term["see"] and set(term["see"]) <= SECTIONS.keys(), id
    linked = {place.partition("/")[0] for term in TERMS.values() for place in term["see"]}
    assert linked == set(CHAPTERS)


def test_regularisation_and_normalisation_have_a_word_each():
    assert (TERMS["regularisation"]["ko"], TERMS["normalisation"]["ko"]) == ("정칙화", "정규화")
    for term in TERMS.values():
        assert ("정칙화" in term["ko"]) <= ("정규화" not in term["ko"])
        assert ("정규화" in term["ko"]) == bool(re.search("normalisation|batch norm", term["en"])), term["id"]


def test_words_with_several_meanings_are_told_apart():
    groups = {group["id"]: group for group in TEXTS["glossary"]["apart"]}
    assert groups["two-normalisations"]["terms"] == ["regularisation", "normalisation"]
    assert len(groups["meanings-of-sgd"]["terms"]) >= 2
    for group in groups.values():
        assert set(group["terms"]) <= TERMS.keys() and len(group["terms"]) >= 2


def test_the_preface_reads_tables_that_its_section_writes():
    from chapters.ch7 import how_many_seeds

    named = TEXTS["preface"]["replication"]
    assert f"ch7/{named['section']}" in SECTIONS
    assert TEXTS["preface"]["ko"]["contrasts"].keys() == how_many_seeds.CONTRASTS.keys()
    assert set(named["sizes"]) == {1, 3, 16} <= set(how_many_seeds.measure.__kwdefaults__["sizes"])
    source = (ROOT / "chapters" / "ch7" / f"{named['section']}.py").read_text("utf-8")
    assert f'"{named["shares"]}": ' in source and f'"{named["all"]}": ' in source


def test_the_pages_of_the_book_are_all_there_before_anything_was_run(tmp_path):
    for code in ("en", "ko"):
        shown = overview.pages(edition.book(tmp_path, "chapters", code))
        assert set(shown) == {"verdicts", *FILES}
        topics = shown["contradictions"][1]["topics"]
        # nothing was measured, so nothing is said of it
        assert not any(topic.bearing or topic.others for topic in topics) and all(topic.missing for topic in topics)
        assert not any(text.foreign for topic in topics for text in (topic.title, *topic.explanation))
        assert not any(term.name.foreign or term.meaning.foreign for term in shown["glossary"][1]["terms"])
        assert not any(text.foreign for part in shown["preface"][1]["parts"] for text in (part.title, *part.paragraphs))
