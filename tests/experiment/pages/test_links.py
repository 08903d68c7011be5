import pytest

from textbook.experiment import book
from textbook.experiment.pages import links


def test_a_page_has_one_name_in_each_language():
    assert links.page("index", "en") == "index.html"
    assert links.page("index", "ko") == "index.ko.html"
    assert links.page("index", "ko", chapter="ch4") == "ch4/index.ko.html"


def test_another_language_is_refused():
    with pytest.raises(ValueError, match="expected a language among en, ko, got 'fr'"):
        links.page("index", "fr")


@pytest.mark.parametrize(
    ("target", "at", "link"),
    [
        ("index.html", "index.html", "index.html"),
        ("ch4/index.html", "index.html", "ch4/index.html"),
        ("index.html", "ch4/index.html", "../index.html"),
        ("ch5/index.ko.html#adam", "ch4/index.ko.html", "../ch5/index.ko.html#adam"),
        ("ch4/index.html#adam", "ch4/index.html", "#adam"),
        ("assets/book.css", "ch4/index.html", "../assets/book.css"),
        ("ch4/4.7 a&b?.csv", "ch4/index.html", "4.7%20a%26b%3F.csv"),
    ],
)
def test_links_count_from_the_page_that_they_stand_on(target, at, link):
    assert links.href(target, at=at) == link


def test_claims_and_sections_of_the_book_have_places_of_their_own():
    for chapter in book.chapters("chapters"):
        places = [links.place(section.name) for section in chapter.sections]
        assert len(set(places)) == len(places)
        assert "main" not in places and not [place for place in places if place.startswith("claim-")]
    assert links.anchor("4.6-c/epochs") == "claim-4.6-c-epochs"
    assert links.anchor("7.7-b") == "claim-7.7-b"
