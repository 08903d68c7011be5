"""The verdict overview: all claims, what the filter goes by, the counts, and what is in doubt among so many."""

import pytest

from tests.experiment.pages import toy_book
from tests.experiment.pages.parsed import Page
from textbook.experiment.pages import content, edition, links, site, verdict_list
from textbook.statistics import WORDS
from textbook.statistics.discoveries import keep_discoveries


@pytest.fixture
def book(tmp_path, monkeypatch):
    """Claims of both sections as an English book."""

    def make(*claims, **settings) -> content.Book:
        package = toy_book.package(tmp_path, monkeypatch, {})
        toy_book.run(tmp_path / "out", "first", *claims, **settings)
        return edition.book(tmp_path / "out", package, "en")

    return make


def test_the_words_are_those_of_the_verdicts():
    assert sorted(verdict_list.VERDICTS) == sorted(WORDS)


def test_every_claim_has_a_row_and_is_counted_once(book):
    verdicts = ["holds", "holds", "reversed", "exact"]
    shown = verdict_list.context(book(*(toy_book.claim(f"1.1-a/{i}", v) for i, v in enumerate(verdicts))))
    assert [row.claim.id for row in shown["rows"]] == ["1.1-a/0", "1.1-a/1", "1.1-a/2", "1.1-a/3"]
    assert shown["words"] == ["holds", "reversed", "exact"]
    assert shown["by_chapter"]["one"] == shown["totals"] == {"holds": 2, "reversed": 1, "exact": 1}
    assert [section.name for section in shown["missing"]] == ["second"]


def test_the_second_judging_decides(book):
    second = {**toy_book.claim("1.1-a", "fails"), "seeds": list(range(2000, 2032)), "n": 32, "p": 0.9}
    claim = toy_book.claim("1.1-a", "holds", expected="fails", second=second, decided="fails")
    shown = verdict_list.context(book(claim))
    (row,) = shown["rows"]
    assert shown["by_chapter"]["one"] == shown["totals"] == {"fails": 1}
    assert row.claim.verdict == "fails" and row.claim.decides.n == 32
    assert "second" in row.marks and "doubtful" not in row.marks


def test_the_bound_on_false_discoveries_is_over_all_claims_of_the_book(tmp_path, monkeypatch):
    package, out = toy_book.package(tmp_path, monkeypatch, {}), tmp_path / "out"
    p_values = [0.001, 0.02, 0.03, 0.2, 0.3, 0.4, 0.5]
    claims = [toy_book.claim(f"1.{1 + (i > 2)}-a/{i}", p=p) for i, p in enumerate(p_values)]
    toy_book.run(out, "first", *claims[:3])
    toy_book.run(out, "second", *claims[3:])
    rows = verdict_list.context(edition.book(out, package, "en"))["rows"]
    # alone, the first section would keep all of its three
    assert keep_discoveries(p_values[:3]).tolist() == [True, True, True]
    assert [not row.claim.doubtful for row in rows] == keep_discoveries(p_values).tolist() == [True] + 6 * [False]


def test_only_a_verdict_that_says_that_an_effect_is_there_can_be_in_doubt(book):
    claims = [toy_book.claim(f"1.1-a/{i}", word, p=0.6) for i, word in enumerate(verdict_list.VERDICTS)]
    claims[5]["p"] = claims[6]["p"] = None
    rows = verdict_list.context(book(*claims))["rows"]
    assert {row.claim.verdict for row in rows if row.claim.doubtful} == {"holds", "reversed"}


def test_marks_say_what_stands_beside_a_verdict(book):
    claims = [
        toy_book.claim("1.1-a/plain"),
        toy_book.claim("1.1-a/unlike", expected="fails", as_expected=False),
        toy_book.claim("1.1-a/elsewhere", expected="fails", as_expected=None),
        toy_book.claim("1.1-a/differs", documented="differs"),
        toy_book.claim("1.1-a/documented", documented="as documented"),
        toy_book.claim("1.1-a/diverged", diverged=2),
        toy_book.claim("1.1-a/quick", quick=True),
    ]
    shown = verdict_list.context(book(*claims))
    marks = {row.claim.id.partition("/")[2]: row.marks for row in shown["rows"]}
    assert {name for name, own in marks.items() if not own} == {"plain", "elsewhere", "documented"}
    assert marks["unlike"] == ("unexpected",)
    assert [marks[name] for name in ("differs", "diverged", "quick")] == [("differs",), ("diverged",), ("quick",)]
    assert shown["known_marks"] == {"unexpected": 1, "differs": 1, "diverged": 1, "quick": 1}


def test_a_mark_that_all_have_is_left_out(book):
    shown = verdict_list.context(book(*(toy_book.claim(f"1.1-a/{i}", quick=True) for i in range(3)), quick=True))
    assert shown["known_marks"] == {}


@pytest.mark.parametrize("code", links.LANGUAGES)
def test_the_page_has_what_the_filter_goes_by(code, tmp_path, monkeypatch):
    package, out = toy_book.package(tmp_path, monkeypatch, {}), tmp_path / "out"
    evil = toy_book.claim("4.6-d/evil", "reversed", claim="<b>&\"'` HEADS", expected="holds", as_expected=False)
    toy_book.run(out, "first", toy_book.claim("1.1-a"), evil)
    site.write(out, package)
    page = Page((out / links.page("verdicts", code)).read_text("utf-8"))
    rows = [row for row in page.all("tr") if row.get("data-chapter")]
    assert [row.get("data-verdict") for row in rows] == ["holds", "reversed"]
    assert rows[1].get("data-flag") == "TERM IMPRECISE" and rows[1].get("data-mark") == "unexpected"
    assert "<b>&\"'` heads" in rows[1].get("data-text") and "<b>&\"'` HEADS" in rows[1].text
    assert not page.all("b") or all("HEADS" not in bold.text for bold in page.all("b"))
    targets = [link.get("href") for link in page.all("a") if link.has_class("id")]
    assert targets == [f"one/{links.page('index', code)}#{links.anchor(id)}" for id in ("1.1-a", "4.6-d/evil")]
    options = {option.get("value") for option in page.all("option")} - {""}
    assert options == {"one", "holds", "reversed", "TERM", "IMPRECISE", "unexpected"}
    assert page.all("form")[0].attributes.keys() >= {"hidden"}, "without JavaScript there is no filter"
    assert any(script.get("src") == "assets/verdicts.js" for script in page.all("script"))
    assert (out / "assets" / "verdicts.js").is_file() and (out / "assets" / "overview.css").is_file()
