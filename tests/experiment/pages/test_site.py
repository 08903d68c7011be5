import configparser
import json
from pathlib import Path

import pytest

from tests.experiment.pages import toy_book
from tests.experiment.pages.parsed import Page
from textbook.experiment.pages import site

HTML = "<img src=x onerror=alert(1)>"
PNG = Path(__file__).parents[3] / "docs" / "figures" / "4.8-loss-gap.png"


@pytest.fixture
def package(tmp_path, monkeypatch):
    return toy_book.package(tmp_path, monkeypatch, toy_book.TEXTS)


@pytest.fixture
def out(tmp_path):
    """The output of a run of the first section, with its figure and table."""
    folder = toy_book.run(tmp_path / "out", "first", toy_book.claim("1.1-a"))
    (folder / "1.1-first.png").write_bytes(PNG.read_bytes())
    (folder / "none.csv").write_text("a\n1\n")
    return tmp_path / "out"


def change(out, **changes):
    path = out / "one" / "1.1-first.json"
    record = json.loads(path.read_text("utf-8"))
    claims = {name: changes.pop(name) for name in list(changes) if name in record["claims"][0]}
    record |= changes
    record["claims"] = [{**claim, **claims} for claim in record["claims"]]
    path.write_text(json.dumps(record), encoding="utf-8")


def page(out, name="one/index.html"):
    return Page((out / name).read_text("utf-8"))


def files(out):
    return {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_all_pages_are_written_in_both_languages(out, package):
    assert site.write(out, package) == out / "index.html"
    names = {path.relative_to(out).as_posix() for path in out.rglob("*.html") if ".cache" not in path.parts}
    assert names >= {"index.html", "index.ko.html", "one/index.html", "one/index.ko.html", "verdicts.html"}
    assert {path.name for path in (out / "assets").iterdir()} >= {"book.css", "book.js"}
    assert page(out).all("html")[0].get("lang") == "en"
    assert page(out, "one/index.ko.html").all("html")[0].get("lang") == "ko"


def test_a_chapter_alone_writes_the_pages_of_the_whole_book(out, package):
    site.write(out, f"{package}.one")
    alone = files(out)
    site.write(out, package)
    assert files(out) == alone


def test_written_twice_nothing_changes(out, package):
    site.write(out, package)
    times = {path: path.stat().st_mtime_ns for path in files(out)}
    site.write(out, package)
    assert {path: path.stat().st_mtime_ns for path in files(out)} == times


def test_the_question_comes_first_and_the_verdict_behind_it(out, package):
    change(out, correction="It is not.", reference="Bernoulli (1713)", diverged=3)
    site.write(out, package)
    html = (out / "one" / "index.html").read_text("utf-8")
    question, answer = html.split('<h3 class="ask">Which?</h3>')[1].split("</article>")[0].split("<summary>Answer")
    assert "holds" not in question
    body = answer.partition("</summary>")[2].rpartition("</details>")[0]
    words = " ".join(Page(f"<body>{body}</body>").text.split())
    for part in ("holds Claim 1.1-a.", "0.02 nats, 95 % interval 0.01 … 0.03, n = 16 seeds", "3 runs diverged"):
        assert part in words
    for part in ("Why Because.", "Beware Luck.", "Correction It is not.", "Reference Bernoulli (1713)", "a test"):
        assert part in words
    assert 'class="strip"' in answer


def test_both_judgings_are_shown_and_the_second_decides(out, package):
    second = {**toy_book.claim("1.1-a", "fails", effect=-0.005, interval=[-0.01, 0.001], n=32), "seeds": [2000, 2031]}
    change(out, second=second, decided="fails", as_expected=False)
    site.write(out, package)
    (article,) = [element for element in page(out).all("article") if element.get("id") == "claim-1.1-a"]
    words = " ".join(article.text.split())
    assert "Answer fails Claim 1.1-a." in words
    assert "again on 32 other seeds (2000–2031)" in words and "The first judging: holds" in words
    assert words.index("−0.005") < words.index("0.02 nats")


def test_the_figure_has_its_words_size_caption_and_link(out, package):
    change(out, animation="1.1-first.gif", caption="Dots. n = 16 seeds (1000–1015).")
    site.write(out, package)
    figure, film = page(out).all("img")
    assert (figure.get("src"), figure.get("alt")) == ("1.1-first.png", "Dots.")
    assert figure.get("width") == "672"
    assert film.get("src") == "1.1-first.gif" and film.get("alt")
    caption = page(out).all("figcaption")[0].text
    assert " ".join(caption.split()) == "Dots. n = 16 seeds (1000–1015)."
    links = [link.get("href") for link in page(out).all("a")]
    assert "none.csv" in links and "1.1-first.png" in links


def test_a_pdf_is_linked(out, package):
    change(out, figure="1.1-first.pdf")
    site.write(out, package)
    assert not page(out).all("img")
    assert "1.1-first.pdf" in [link.get("href") for link in page(out).all("a")]


def test_a_section_that_was_not_run_says_how(out, package):
    site.write(out, package)
    (second,) = [section for section in page(out).all("section") if section.get("id") == "second"]
    assert f"python -m {package}.one second" in second.text
    assert "1 of 2 sections have been run" in page(out, "index.html").text


def test_with_nothing_run_the_contents_say_how(tmp_path, package):
    site.write(tmp_path / "out", package)
    assert f"python -m {package}" in page(tmp_path / "out", "index.html").text
    assert "Nothing has been run yet" in page(tmp_path / "out", "index.html").text


def test_knobs_and_provenance_are_told(out, package):
    change(out, knobs={"name": "a; rm -rf ~", "every": 5}, set={"name": "a; rm -rf ~"})
    site.write(out, package)
    text = page(out).text
    assert f"python -m {package}.one first --set 'name=a; rm -rf ~'" in text
    assert f"python -m {package}.one first --set every=5" in text
    assert "numpy 2" in text and "1000–1015" in text and "An idea." in text


def test_nothing_from_a_record_becomes_an_element(out, package):
    texts = dict.fromkeys(("claim", "ask", "why", "beware", "correction", "reference", "test", "note", "unit"), HTML)
    change(out, **texts, shows=f'" {HTML}', caption=f"{HTML}.", replaced_by=HTML, knobs={"name": HTML}, set={})
    site.write(out, package)
    for name in ("one/index.html", "one/index.ko.html", "verdicts.html", "index.html"):
        found = page(out, name)
        assert not [element for element in found.elements if "onerror" in element.attributes]
        assert {element.get("src") for element in found.all("img")} <= {"1.1-first.png"}


def test_the_language_switch_leads_to_the_same_place(out, package):
    site.write(out, package)
    switches = [link.get("href") for link in page(out).all("a") if link.has_class("switch")]
    assert switches == ["index.ko.html", "index.ko.html#first", "index.ko.html#second"]
    korean = page(out, "one/index.ko.html")
    assert {"first", "second", "claim-1.1-a"} <= set(korean.ids)
    assert sorted(korean.ids) == sorted(page(out).ids)


def test_templates_and_assets_are_installed():
    settings = configparser.ConfigParser()
    settings.read(Path(__file__).parents[3] / "setup.cfg")
    patterns = settings["options.package_data"]["textbook"].replace(" ", "").split(",")
    pages = Path(site.__file__).parent
    there = {path for path in pages.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert there <= {path for pattern in patterns for path in pages.parents[1].glob(pattern)}
    required = settings["options"]["install_requires"].split()
    assert {"jinja2", "pygments"} <= set(required)
