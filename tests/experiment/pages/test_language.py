"""The words of both languages, the machine's sentences in Korean, and what is missing from a chapter's Korean."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from textbook.experiment import contrast, equivalent, estimate, exact, paired, share, slope, trend
from textbook.experiment.pages import language
from textbook.experiment.pages.language import Language, missing
from textbook.statistics import EXACT, FAILS, HOLDS, INCONCLUSIVE, NO_DIFFERENCE, REVERSED, VIOLATED, rules

ROOT = Path(__file__).parents[3]
WORDS = tomllib.loads((Path(language.__file__).parent / "words.toml").read_text("utf-8"))
VERDICTS = (HOLDS, REVERSED, FAILS, NO_DIFFERENCE, INCONCLUSIVE, EXACT, VIOLATED)
WIDE = {"unit": "points", "delta": 5}
FORMS = [
    paired("test_loss", lower="step decay", than="constant"),
    paired("test_accuracy", higher=("a", 32), than=("b", 0.5), by=("arm", "rate"), at_epoch=5),
    paired("seconds", lower="more than for two", than="its paper's"),
    estimate("optimism", above=-1.5, **WIDE),
    estimate("ratio", below=0.5, scale="log", at_epoch=3),
    contrast("test_loss", first=("a", "b"), second=("c", "d"), at_epoch=2),
    contrast("seconds", first=("a − b", "b"), second=("c", "d / e")),
    trend("test_loss", over="batch_size", direction="rises", log=False),
    trend("share", over="rate", direction="falls", at_epoch=7, **WIDE),
    exact(measured="updates", expected="closed_form", tolerance=1e-12),
    exact(measured="ratio", expected=-2.5, tolerance=0.1, relative=True),
    exact(measured="below", expected=True),
    share("rises"),
    share("falls", threshold=0.9, above=False),
    equivalent("test_accuracy", conditions=(32, 33, 30), bad=1024, by="batch_size"),
    equivalent("test_loss", conditions=("whole", "frozen"), bad="four", at_epoch=4),
    slope("noise", over="batch", theory=-0.5),
    slope("error", over="h", theory=2, tolerance=0.2, between=(1e-4, 0.11), at_epoch=1),
]


def has_hangul(text: str) -> bool:
    return any("가" <= letter <= "힣" for letter in text)


def english_words(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z_]{2,}", text))


@pytest.mark.parametrize("form", FORMS, ids=repr)
def test_every_form_of_every_test_has_a_korean_sentence_with_its_columns_arms_and_numbers(form):
    korean = Language("ko")
    rule = korean.rule(form.sentence)
    assert korean.untranslated == () and has_hangul(rule)
    assert sorted(re.findall(r"\d+", rule)) == sorted(re.findall(r"\d+", form.sentence))
    quoted = re.findall(r"'[^']+'|\"[^\"]+\"", form.sentence)
    assert all(arm in rule for arm in quoted)
    names = {getattr(form, name, None) for name in ("metric", "over", "measured", "event")} - {None}
    kept = {"log", "epoch", "nat"} | english_words(" ".join(quoted)) | english_words(" ".join(names))
    if isinstance(form, exact):
        kept |= english_words(str(form.expected))
    assert english_words(rule) <= kept, "English is left in the sentence"


def test_the_direction_of_a_claim_is_told_apart():
    korean = Language("ko")
    for one, other, words in [
        (0, 1, "낮다 높다"),
        (3, 4, "크다 작다"),
        (7, 8, "커진다 작아진다"),
        (12, 13, "많은 적은"),
    ]:
        for form, word in zip((FORMS[one], FORMS[other]), words.split(), strict=True):
            assert word in korean.rule(form.sentence)


NOTES = [
    rules.paired_verdict([0.1], 0.01),
    rules.trend_verdict([1.0, 1.1, 0.9], [[1, 1, -1, 1, -1]] * 3, 0.01),
    rules.share_verdict([True] * 3),
    rules.equivalence_verdict({"'a' − 'b'": [0.001, 0.002]}, [[1.0, 1.1]], 0.01),
    rules.equivalence_verdict({"'a' − 'b'": [0.5, 0.51]}, [[1.0, 1.1]], 0.01),
    rules.equivalence_verdict([[0.5, 0.51]], [[0.0, 0.1]], 0.01),
    rules.slope_verdict([1.0], -0.5),
    rules.slope_verdict([1.0, 1.1], -0.5),
    rules.exact_verdict(0.0, 1e-12),
    rules.exact_verdict(float("nan"), 0.1),
    rules.exact_verdict(float("inf"), 0.1),
]


@pytest.mark.parametrize("judged", NOTES, ids=lambda judged: judged.note)
def test_every_note_and_unit_of_a_judgement_has_its_korean(judged):
    korean = Language("ko")
    note = korean.note(judged.note)
    assert judged.note and has_hangul(note) and korean.unit("") == ""
    assert judged.unit == "" or has_hangul(korean.unit(judged.unit))
    assert korean.untranslated == ()
    assert sorted(re.findall(r"\d+", note)) == sorted(re.findall(r"\d+", judged.note))


@pytest.mark.parametrize("word", VERDICTS)
def test_every_verdict_has_a_word(word):
    assert Language("en").word(f"verdict.{word}") == word
    assert has_hangul(Language("ko").word(f"verdict.{word}"))


def test_every_word_stands_in_both_languages_with_the_same_places():
    for key, word in WORDS["words"].items():
        assert set(word) == {"en", "ko"}, key
        places = [sorted(re.findall(r"\{\w*\}", word[code])) for code in ("en", "ko")]
        assert places[0] == places[1], key
        # the switch to the other language speaks that language
        english, korean = (word["ko"], word["en"]) if key.startswith("nav.other") else (word["en"], word["ko"])
        assert english and not has_hangul(english) and has_hangul(korean), key


def test_an_unknown_key_names_its_neighbours_and_an_unknown_language_is_refused():
    with pytest.raises(ValueError, match=r"expected a key of words.toml \(.*verdict\.holds.*\), got 'verdict\.held'"):
        Language("en").word("verdict.held")
    with pytest.raises(ValueError, match=r"expected language 'en' or 'ko', got 'de'"):
        Language("de")


CAPTION = "Digits, MLP 64-32-10, rate 0.5.  Above: Smith's recipe; n = 16 seeds (1000–1015)"
KO = """
[sections.coin]
title = "동전"
idea = "싸다."
shows = "손실."

[claims."1.2-a"]
claim = "싸다."
ask = "?"
why = "왜."
beware = "주의."

[captions]
"Digits, MLP #-#-#, rate #." = "학습률 {4}, digits, MLP {1}-{2}-{3}."
"Above: {who}; {seeds}." = "위: {who}. {seeds}."
"Smith's recipe" = "Smith의 레시피"
"""


@pytest.fixture
def chapter(tmp_path):
    folder = tmp_path / "book" / "ch1"
    folder.mkdir(parents=True)
    (folder / "ko.toml").write_text(KO, encoding="utf-8")
    return folder


def test_a_caption_is_translated_sentence_by_sentence(chapter):
    korean = Language("ko", chapter)
    expected = "학습률 0.5, digits, MLP 64-32-10. 위: Smith의 레시피. n = 시드 16개(1000–1015)."
    assert korean.caption(CAPTION) == expected
    assert korean.caption(f"{CAPTION}. New words. New words") == f"{expected} New words. New words"
    assert korean.untranslated == ("New words.",)


@pytest.mark.parametrize(
    ("seeds", "said"),
    [
        ("n = 1 seed (1000)", "n = 시드 1개(1000)."),
        ("n = 3 seeds (1–2, 7)", "n = 시드 3개(1–2, 7)."),
        ("n = 5 seeds (from 1 to 9)", "n = 시드 5개(1에서 9까지)."),
    ],
)
def test_other_seeds_and_other_data_are_said_in_korean(seeds, said):
    korean = Language("ko")
    assert korean.caption(f"Data: my table, in place of any named here. {seeds}") == (
        f"데이터: 여기에 적힌 것 대신 my table. {said}"
    )
    assert korean.untranslated == ()


def test_english_comes_back_as_it_is(chapter):
    english = Language("en", chapter)
    assert english.caption("a.  b") == "a.  b" and english.rule("r") == "r" and english.unit("nats") == "nats"
    assert english.note("n.") == "n." and english.section("coin") is None and english.claim("1.2-a") is None
    assert english.untranslated == ()


def test_sections_and_claims_come_from_the_chapter_and_what_it_lacks_is_empty(chapter):
    korean = Language("ko", chapter)
    assert korean.section("coin")["shows"] == "손실." and korean.claim("1.2-a")["ask"] == "?"
    assert korean.section("dice") == {} == korean.claim("1.2-b")
    assert Language("ko").section("coin") == {}


def record(**changed) -> dict:
    claim = {"id": "1.2-a", "claim": "x", "ask": "x", "why": "x", "beware": "x", "correction": ""}
    claim |= {"test": FORMS[0].sentence, "unit": "nats", "note": "", "second": None}
    texts = {"name": "coin", "title": "x", "idea": "x", "shows": "x", "caption": CAPTION}
    return texts | {"claims": [claim | changed.pop("claim", {})]} | changed


def test_what_is_missing_is_listed_with_its_section_and_kind(chapter, tmp_path):
    def listed(*records):
        folder = tmp_path / "out" / "ch1"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "results.json").write_text(json.dumps({"sections": records}), encoding="utf-8")
        return missing(tmp_path / "out", chapter.parent)["ch1"]

    assert listed(record()) == []
    second = {"unit": "grams", "note": "Theory says 2. No."}
    found = listed(
        record(claim={"correction": "c", "second": second}, caption="Rate 0.5. Rate 0.7."),
        record(name="dice", claim={"id": "1.2-b", "test": "x is 3", "unit": ""}),
    )
    assert found == [
        "coin: caption: Rate #.",
        "coin: caption: Rate #.",
        "coin: unit: grams",
        "coin: note: No.",
        "coin: correction of 1.2-a: c",
        "dice: title: x",
        "dice: idea: x",
        "dice: shows: x",
        "dice: rule: x is #",
        *[f"dice: {kind} of 1.2-b: x" for kind in ("claim", "ask", "why", "beware")],
    ]


def test_the_listing_is_a_command_and_says_where_there_is_no_run(tmp_path):
    command = [sys.executable, "-m", "textbook.experiment.pages.language", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("error: expected a run's folder with results.json")


def test_every_word_is_used_on_some_page():
    pages = Path(language.__file__).parent
    sources = [*pages.glob("*.py"), *(pages / "templates").glob("*.html")]
    quoted = {text for path in sources for text in re.findall(r"""["']([\w.-]+)["']""", path.read_text("utf-8"))}
    # word("verdict." ~ name) uses every verdict
    beginnings = tuple(text for text in quoted if text.endswith("."))
    assert [key for key in WORDS["words"] if key not in quoted and not key.startswith(beginnings)] == []
