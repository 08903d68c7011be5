"""The glossary: each term in both languages, in the order of the page's own, with links to sections."""

from tests.experiment.pages import toy_book
from tests.experiment.pages.parsed import Page
from textbook.experiment.pages import edition, glossary, links, site


def test_terms_are_sorted_by_the_language_of_the_page(tmp_path, monkeypatch):
    package = toy_book.package(tmp_path, monkeypatch, {"glossary": toy_book.GLOSSARY.replace('"Coin"', '"`zecchino`"')})
    for code, expected in (("en", ["die", "`zecchino`"]), ("ko", ["동전", "주사위"])):
        terms = glossary.context(edition.book(tmp_path, package, code))["terms"]
        assert [term.name.words for term in terms] == expected


def test_a_page_has_both_languages_and_links_to_sections(tmp_path, monkeypatch):
    package = toy_book.package(tmp_path, monkeypatch, {"glossary": toy_book.GLOSSARY})
    site.write(tmp_path, package)
    for code in links.LANGUAGES:
        page = Page((tmp_path / links.page("glossary", code)).read_text("utf-8"))
        terms = {e.get("id"): e.text for e in page.all("dt") if e.get("id")}
        assert list(terms) == ["coin", "die"] and all(word in terms["coin"] for word in ("Coin", "동전"))
        meanings = " ".join(element.text for element in page.all("dd"))
        assert all(word in meanings for word in ("Six sides.", "여섯 면."))
        hrefs = [link.get("href") for link in page.all("a")]
        path = f"one/{links.page('index', code)}"
        assert [href for href in hrefs if href.endswith("#second")] == 2 * [f"{path}#second"]
        # the words with several meanings lead to each of them
        assert [href for href in hrefs if href in ("#coin", "#die")] == ["#coin", "#die"]
    korean = [e.get("lang") for e in Page((tmp_path / "glossary.html").read_text("utf-8")).having("lang")]
    assert "ko" in korean
