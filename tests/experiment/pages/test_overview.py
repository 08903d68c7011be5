"""The pages about the whole book: which of them a book has, and that each is written in both languages."""

import pytest

from tests.experiment.pages import toy_book
from tests.experiment.pages.parsed import Page
from textbook.experiment.pages import edition, overview, site

BROUGHT = ("preface", "contradictions", "glossary")


def written(out) -> dict[str, Page]:
    return {path.name: Page(path.read_text("utf-8")) for path in out.glob("*.html")}


def test_a_book_without_texts_of_its_own_has_the_verdicts_and_no_link_to_other_pages(tmp_path, monkeypatch):
    package, out = toy_book.package(tmp_path, monkeypatch, {}), tmp_path / "out"
    toy_book.run(out, "first", toy_book.claim("1.1-a"))
    assert overview.names(package) == ("verdicts",)
    site.write(out, package)
    pages = written(out) | {"one": Page((out / "one" / "index.html").read_text("utf-8"))}
    assert set(pages) == {"index.html", "index.ko.html", "verdicts.html", "verdicts.ko.html", "one"}
    for name, page in pages.items():
        links = [element.get("href") for element in page.having("href")]
        assert not [link for link in links for brought in BROUGHT if brought in link], name


@pytest.mark.parametrize("brought", BROUGHT)
def test_a_page_comes_with_its_file(brought, tmp_path, monkeypatch):
    package, out = toy_book.package(tmp_path, monkeypatch, {brought: toy_book.TEXTS[brought]}), tmp_path / "out"
    assert set(overview.names(package)) == {"verdicts", brought}
    site.write(out, package)
    english, korean = written(out)[f"{brought}.html"], written(out)[f"{brought}.ko.html"]
    assert english.all("html")[0].get("lang") == "en" and korean.all("html")[0].get("lang") == "ko"
    assert english.ids == korean.ids


def test_all_pages_of_a_book_that_was_not_run_are_written_too(tmp_path, monkeypatch):
    package = toy_book.package(tmp_path, monkeypatch, toy_book.TEXTS)
    shown = overview.pages(edition.book(tmp_path / "out", package, "ko"))
    assert list(shown) == ["preface", "verdicts", "contradictions", "glossary"]
    assert [template for template, _ in shown.values()] == [f"{name}.html" for name in shown]
    site.write(tmp_path / "out", package)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (
            "contradictions",
            '"1.1-a", "1.2-a"]',
            '"1.1-a", "9.9-z"]',
            "expected entries that a section answers .* 9.9-z",
        ),
        ("contradictions", 'chapter = "one"', 'chapter = "two"', "expected a chapter among one .* 'two'"),
        ("glossary", '"one/second"', '"one/third"', "expected sections as 'chapter/name' .* one/third"),
        ("preface", 'section = "second"', 'section = "third"', "expected a section of the book .* 'third'"),
        ("preface", 'block = "strip"', 'block = "stripe"', "expected a block among .* 'stripe'"),
        ("glossary", 'lead = "Terms.", ', "", "expected a text 'lead'"),
    ],
)
def test_a_text_that_names_what_the_book_lacks_says_so(file, old, new, message, tmp_path, monkeypatch):
    assert old in toy_book.TEXTS[file]
    package = toy_book.package(tmp_path, monkeypatch, {file: toy_book.TEXTS[file].replace(old, new)})
    with pytest.raises(ValueError, match=message):
        overview.pages(edition.book(tmp_path / "out", package, "en"))


def test_a_text_without_korean_stands_in_english_and_is_marked_as_such(tmp_path, monkeypatch):
    texts = {"glossary": toy_book.GLOSSARY.replace('ko = { lead = "용어.", apart_title = "여러 뜻" }', "")}
    package, out = toy_book.package(tmp_path, monkeypatch, texts), tmp_path / "out"
    site.write(out, package)
    leads = [e for e in written(out)["glossary.ko.html"].having("lang") if e.text == "Terms."]
    assert [element.get("lang") for element in leads] == ["en"]
