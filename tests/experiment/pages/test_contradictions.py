"""Where the sources contradict one another: what they say, and the verdicts of the run alone."""

import pytest

from tests.experiment.pages import toy_book
from tests.experiment.pages.parsed import Page
from textbook.experiment.pages import contradictions, edition, site


@pytest.fixture
def package(tmp_path, monkeypatch) -> str:
    return toy_book.package(tmp_path, monkeypatch, {"contradictions": toy_book.CONTRADICTIONS})


def topic(out, package, code="en") -> contradictions.Topic:
    (found,) = contradictions.context(edition.book(out, package, code))["topics"]
    return found


def test_bearing_claims_stand_in_the_order_of_the_texts_and_the_others_apart(package, tmp_path):
    # 1.1-b is no entry of the question, though the section answers it too
    toy_book.run(tmp_path, "first", toy_book.claim("1.1-b"), toy_book.claim("1.1-a"))
    toy_book.run(tmp_path, "second", toy_book.claim("1.2-a/more"), toy_book.claim("1.2-a/luck"))
    found = topic(tmp_path, package)
    assert [claim.id for claim in found.bearing] == ["1.2-a/luck", "1.1-a"]
    assert [claim.id for claim in found.others] == ["1.2-a/more"] and not found.missing


def test_a_section_that_was_not_run_is_named_with_its_command(package, tmp_path):
    toy_book.run(tmp_path, "first", toy_book.claim("1.1-a"))
    found = topic(tmp_path, package)
    assert [claim.id for claim in found.bearing] == ["1.1-a"]
    assert [section.name for section in found.missing] == ["second"]
    site.write(tmp_path, package)
    page = Page((tmp_path / "contradictions.html").read_text("utf-8"))
    assert f"python -m {package}.one second" in page.text and f"python -m {package}.one first" not in page.text


def test_each_page_says_in_its_language_what_the_texts_say(package, tmp_path):
    said = {code: [str(one.words.words) for one in topic(tmp_path, package, code).sayings] for code in ("en", "ko")}
    assert said["en"] == ["A coin is fair.", "A coin is <i>loaded</i>."]
    assert said["ko"] == ["동전은 공정하다.", "동전은 치우쳐 있다."]


def test_the_page_shows_the_verdict_of_the_run_and_escapes_the_texts(package, tmp_path):
    for verdict in ("holds", "violated"):
        toy_book.run(tmp_path, "second", toy_book.claim("1.2-a/luck", verdict))
        site.write(tmp_path, package)
        page = Page((tmp_path / "contradictions.html").read_text("utf-8"))
        pills = [element for element in page.all("span") if element.has_class("verdict")]
        assert [pill.text.strip() for pill in pills] == [verdict]
    assert "The other <b>not</b>." in page.text
    assert "A coin is fair." in page.text and "A coin is <i>loaded</i>." in page.text


def test_side_boxes_of_entries_lead_to_their_questions(package):
    (place, title), *others = contradictions.side_boxes(package, ("1.2-a",), "ko")
    assert (place, title.words, others) == ("coins", "동전은 공정한가?", [])
    assert contradictions.side_boxes(package, ("1.3-a",), "en") == []


def test_a_section_points_to_the_question_that_it_bears_on(package, tmp_path):
    site.write(tmp_path, package)
    for code, title in (("", "Is a coin fair?"), (".ko", "동전은 공정한가?")):
        page = Page((tmp_path / "one" / f"index{code}.html").read_text("utf-8"))
        (link, *others) = [a for a in page.all("a") if a.get("href") == f"../contradictions{code}.html#coins"]
        assert link.text.strip() == title and len(others) == 1


def test_a_book_without_contradictions_has_no_side_boxes(tmp_path, monkeypatch):
    assert contradictions.side_boxes(toy_book.package(tmp_path, monkeypatch, {}), ("1.2-a",), "en") == []
