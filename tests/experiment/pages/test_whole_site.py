"""Every page of a real book, read as text: links lead somewhere, every claim and figure is there, in both languages."""

import posixpath
import re
from urllib.parse import unquote, urlsplit

from PIL import Image

from textbook.experiment import book
from textbook.experiment.pages import links


def both(path: str) -> tuple[str, str]:
    return path, path.replace("index.html", "index.ko.html")


def plain(text: str) -> str:
    """Words as a page shows them: code stands without its marks."""
    return text.replace("`", "")


def targets(page):
    """(element, what it links to) of everything on a page that names an address."""
    for element in page.elements:
        for name in ("href", "src", "srcset", "poster", "action", "data"):
            if element.get(name) is not None:
                yield element, element.get(name)


def test_every_page_is_there_in_both_languages(site):
    names = ["index", "verdicts", "contradictions", "preface", "glossary", *(f"{c}/index" for c in site.results)]
    for name in names:
        english, korean = site.pages[f"{name}.html"], site.pages[f"{name}.ko.html"]
        assert english.all("html")[0].get("lang") == "en" and korean.all("html")[0].get("lang") == "ko"
        assert sorted(english.ids) == sorted(korean.ids), name
        assert any("가" <= letter <= "힣" for letter in korean.all("h1")[0].text), name
    assert len(site.pages) % 2 == 0


def test_a_place_has_one_name(site):
    for path, page in site.pages.items():
        assert len(page.ids) == len(set(page.ids)), path


def test_every_link_leads_somewhere_and_nothing_is_fetched_from_a_network(site):
    count = 0
    places = {path: set(page.ids) for path, page in site.pages.items()}
    for path, page in site.pages.items():
        for element, target in targets(page):
            parts = urlsplit(target)
            if parts.scheme:
                # a reader may follow a reference, but the page itself needs nothing from elsewhere
                assert element.tag == "a" or parts.scheme == "data", (path, target)
                continue
            assert not parts.netloc and not parts.path.startswith("/"), (path, target)
            file = (
                posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(parts.path))) if parts.path else path
            )
            assert not file.startswith(".."), (path, target)
            assert (site.folder / file).is_file(), (path, target)
            if parts.fragment:
                assert unquote(parts.fragment) in places[file], (path, target)
            count += 1
    assert count > 100
    for path in (site.folder / "assets").iterdir():
        assert "http" not in path.read_text("utf-8").replace("http://www.w3.org", ""), path


def test_every_claim_stands_on_its_chapters_pages(site):
    for chapter, results in site.results.items():
        for path in both(f"{chapter}/index.html"):
            page = site.pages[path]
            at = {element.get("id"): element for element in page.having("id")}
            for section in results["sections"]:
                for claim in section["claims"]:
                    article = at[links.anchor(claim["id"])]
                    assert claim["id"] in article.text
                    if path.endswith("index.html"):
                        assert plain(claim["ask"]) in article.text and plain(claim["why"]) in article.text
                        assert claim["decided"] in article.text, claim["id"]


def test_every_figure_stands_on_its_chapters_pages_with_words_for_who_cannot_see_it(site):
    for chapter, results in site.results.items():
        for path in both(f"{chapter}/index.html"):
            images = {unquote(image.get("src")): image for image in site.pages[path].all("img")}
            for section in results["sections"]:
                image = images[section["figure"]]
                assert image.get("alt") and (image.get("alt") == section["shows"] or path.endswith("ko.html"))
                with Image.open(site.folder / chapter / section["figure"]) as picture:
                    width, height = (int(image.get(side)) for side in ("width", "height"))
                    assert abs(width / height - picture.width / picture.height) < 0.01
                if section["animation"]:
                    assert images[section["animation"]].get("alt")
                tables = section["table"].values() if isinstance(section["table"], dict) else [section["table"]]
                linked = {unquote(link.get("href") or "") for link in site.pages[path].all("a")}
                assert linked >= {section["figure"], *tables}


def test_every_section_of_the_book_is_in_the_contents_and_on_its_page(site):
    for chapter in book.chapters("chapters"):
        for name in ("index.html", "index.ko.html"):
            listed = {link.get("href") for link in site.pages[name].all("a")}
            for section in chapter.sections:
                place = links.place(section.name)
                assert f"{chapter.name}/{name}#{place}" in listed
                assert place in site.pages[f"{chapter.name}/{name}"].ids
            preface = f"../{name.replace('index', 'preface')}"
            assert preface in [link.get("href") for link in site.pages[f"{chapter.name}/{name}"].all("a")]


def test_nothing_on_a_page_is_a_python_word_by_mistake(site):
    for path, page in site.pages.items():
        words = page.prose
        mistake = re.search(r"\b(None(?! of)|nan|inf|Undefined|dict_values)\b|\{'|\['|&(lt|gt|amp|#\d+);", words)
        assert not mistake, (path, words[max(mistake.start() - 80, 0) :][:160])
