import json

import pytest

from tests.experiment.pages import toy_book
from textbook.experiment import book as contents
from textbook.experiment.pages import catalogue, edition, reading


@pytest.fixture
def package(tmp_path, monkeypatch):
    return toy_book.package(tmp_path, monkeypatch, {})


def korean(tmp_path, package, text):
    (tmp_path / package / "one" / "ko.toml").write_text(text, encoding="utf-8")


def change(folder, file, **changes):
    path = folder / file
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changes}), encoding="utf-8")


def test_sections_that_were_not_run_are_there_with_their_command(tmp_path, package):
    book = edition.book(tmp_path / "out", package, "en")
    (chapter,) = book.chapters
    assert (chapter.label, chapter.title.words, chapter.term.words) == ("1", "Coins", "동전")
    assert [section.name for section in book.sections] == ["first", "second"]
    assert not chapter.run and not book.claims and not book.quick
    section = book.find_section("second")
    assert (section.number, section.anchor, section.href) == ("1.2", "second", "one/index.html#second")
    assert (section.title.words, section.term.words, section.term.lang) == ("The second coin", "동전", "ko")
    assert [paragraph.words for paragraph in section.idea] == ["An idea."]
    assert section.record is None and section.command == f"python -m {package}.one second"
    assert book.find_section("third") is None


def test_a_record_becomes_a_section_with_its_claims(tmp_path, package):
    out = tmp_path / "out"
    claim = toy_book.claim("1.1-a/heads", correction="No.", reference="Bernoulli (1713)", documented="differs")
    folder = toy_book.run(out, "first", claim, toy_book.claim("1.1-a", "inconclusive", p=0.9), quick=True)
    change(folder, "1.1-first.json", knobs={"throws": 5, "loads": [0.1, 0.2]}, set={"throws": 5})
    book = edition.book(out, package, "en")
    section = book.find_section("first")
    assert book.quick and section.seeds == "1000–1015"
    assert section.command == f"python -m {package}.one first --quick --seeds 16 --set throws=5"
    assert section.knobs == [
        ("throws", 5, f"python -m {package}.one first --set throws=5"),
        ("loads", [0.1, 0.2], f"python -m {package}.one first --set loads=0.1,0.2"),
    ]
    assert section.tables == {"": "none.csv"}
    first, second = book.claims
    assert (first.href, first.entry, first.flags) == ("one/index.html#claim-1.1-a-heads", "1.1-a", ())
    assert (first.verdict, first.documented, first.reference.words) == ("holds", "differs", "Bernoulli (1713)")
    assert first.decides is first.first and first.second is None
    # Benjamini and Hochberg over both: 1e-6 is kept, 0.9 is not, and only "holds" can be a false discovery
    assert (first.kept, second.kept) == (True, False)
    assert (first.doubtful, second.doubtful) == (False, False)


def test_the_second_judging_decides(tmp_path, package):
    first = toy_book.claim("1.1-a", "holds", p=0.9)
    numbers = {**toy_book.claim("1.1-a", "fails", p=0.001, n=32), "seeds": list(range(2000, 2032))}
    toy_book.run(tmp_path / "out", "first", {**first, "second": numbers, "decided": "fails", "as_expected": False})
    (claim,) = edition.book(tmp_path / "out", package, "en").claims
    assert (claim.verdict, claim.first.verdict, claim.second.verdict) == ("fails", "holds", "fails")
    assert claim.decides is claim.second and claim.second.n == 32 and claim.second.seeds[-1] == 2031
    assert claim.kept is True


def test_korean_comes_from_the_chapters_catalogue_and_what_lacks_it_stays_english(tmp_path, package):
    korean(
        tmp_path,
        package,
        '[sections.first]\ntitle = "첫째 동전"\nidea = "하나.\\n\\n둘."\nshows = "점들."\n'
        '[claims."1.1-a"]\nclaim = "주장이다."\nask = "어느 쪽일까?"\n',
    )
    toy_book.run(tmp_path / "out", "first", toy_book.claim("1.1-a"))
    book = edition.book(tmp_path / "out", package, "ko")
    assert (book.code, book.chapters[0].title.words, book.chapters[0].term.words) == ("ko", "동전", "Coins")
    section, other = book.sections
    assert (section.title.words, section.term.words, section.term.lang) == ("첫째 동전", "The first coin", "en")
    assert [paragraph.words for paragraph in section.idea] == ["하나.", "둘."]
    assert (section.shows.words, section.shows.foreign) == ("점들.", None)
    assert [(sentence.words, sentence.lang) for sentence in section.caption] == [("n = 시드 16개(1000–1015).", "ko")]
    assert section.href == "one/index.ko.html#first"
    (claim,) = section.claims
    assert (claim.claim.words, claim.ask.words) == ("주장이다.", "어느 쪽일까?")
    assert (claim.why.words, claim.why.foreign) == ("Because.", "en")
    assert (other.title.words, other.idea[0].foreign) == ("동전", "en")


@pytest.mark.parametrize(
    ("docstring", "label", "title", "term"),
    [
        ("Chapter 4: networks (신경망).", "4", "Networks", "신경망"),
        ("Chapter one.", "", "Chapter one", None),
        ("Chapter 6: robust (and how) models (강건한 (모델)).", "6", "Robust (and how) models", "강건한 (모델)"),
    ],
)
def test_a_chapters_title_is_read_from_its_docstring(tmp_path, package, docstring, label, title, term):
    (tmp_path / package / "one" / "__init__.py").write_text(f'"""{docstring}"""\n\nSECTIONS = ()\n', encoding="utf-8")
    (chapter,) = edition.book(tmp_path, package, "en").chapters
    assert (chapter.label, chapter.title.words) == (label, title)
    assert (chapter.term and chapter.term.words) == term


def test_a_damaged_record_and_an_old_one_are_said_and_count_as_not_run(tmp_path, package):
    out = tmp_path / "out"
    folder = toy_book.run(out, "first", toy_book.claim("1.1-a"))
    (folder / "1.1-first.json").write_bytes((folder / "1.1-first.json").read_bytes()[:200])
    folder = toy_book.run(out, "second")
    record = json.loads((folder / "1.2-second.json").read_text("utf-8"))
    del record["caption"]
    (folder / "1.2-second.json").write_text(json.dumps(record), encoding="utf-8")
    heard = []
    assert reading.records(out, contents.chapters(package), warn=heard.append) == {}
    assert "1.1-first.json is damaged" in heard[0] and "run first again" in heard[0]
    assert "run second again" in heard[1]


def test_every_chapter_of_the_book_has_a_korean_title():
    for chapter in contents.chapters("chapters"):
        label, title, term = edition._chapter_title(chapter)
        assert label == chapter.name.removeprefix("ch") and title and term


def test_flags_come_from_the_catalogue():
    assert catalogue.flags("4.6-c") == ("CONTESTED",)
    assert catalogue.flags("4.6-d") == ("TERM", "IMPRECISE")
    assert catalogue.flags("") == catalogue.flags("9.9-z") == ()
    assert {flag for flags in catalogue._flags().values() for flag in flags} <= set(catalogue.FLAGS)
