"""The preface: what fewer seeds say comes from the tables of a run, and from nowhere else."""

import pytest

from tests.experiment.pages import toy_book
from tests.experiment.pages.parsed import Page
from textbook.experiment.pages import edition, preface, site
from textbook.statistics import five_way


@pytest.fixture
def package(tmp_path, monkeypatch) -> str:
    return toy_book.package(tmp_path, monkeypatch, {"preface": toy_book.PREFACE})


def context(out, package, code="en") -> dict:
    return preface.context(edition.book(out, package, code))


def page(out, package, name="preface.html") -> Page:
    site.write(out, package)
    return Page((out / name).read_text("utf-8"))


def test_shares_are_those_of_the_run(package, tmp_path):
    toy_book.replication(tmp_path, shares={"holds": 0.65, "fails": 0.05})
    (contrast,) = context(tmp_path, package)["contrasts"]
    assert list(contrast.shares) == [1, 16], "the sizes that the texts ask for, of those that were drawn"
    assert contrast.shares[16] == {**toy_book.SHARES, "holds": 0.65, "fails": 0.05}
    assert (contrast.measured, contrast.seeds, contrast.interval) == ("holds", 160, (0.02, 0.04))
    table = next(e for e in page(tmp_path, package).all("table") if e.has_class("shares"))
    assert "65 %" in table.text and "70 %" not in table.text


def test_other_sizes_of_a_reader_are_shown_as_they_are(package, tmp_path):
    folder = toy_book.replication(tmp_path)
    text = (folder / "shares.csv").read_text().replace(",16,", ",5,").replace(",1,", ",2,")
    (folder / "shares.csv").write_text(text)
    assert list(context(tmp_path, package)["contrasts"][0].shares) == [2, 3, 5]


def test_a_comparison_is_named_in_the_pages_language_or_marked_as_english(package, tmp_path):
    toy_book.replication(tmp_path)
    assert context(tmp_path, package, "ko")["contrasts"][0].name.words == "앞면이 낫다"
    toy_book.replication(tmp_path, name="<i>tails</i>")
    name = context(tmp_path, package, "ko")["contrasts"][0].name
    assert name.foreign == "en"
    headings = [heading.text for heading in page(tmp_path, package).all("h3")]
    assert "<i>tails</i>" in headings


def test_without_a_run_the_page_names_the_command(package, tmp_path):
    assert context(tmp_path, package)["contrasts"] == []
    assert f"python -m {package}.one second" in page(tmp_path, package).text


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:60],
        lambda text: text.replace("share", "part"),
        lambda text: text.replace("0.7", "nan"),
        lambda text: text.replace("0.7", "7"),
        lambda text: text.replace("holds", "upholds"),
        lambda text: "",
    ],
    ids=["cut", "column", "nan", "beyond", "word", "empty"],
)
def test_a_damaged_table_is_reported_and_nothing_is_made_up(damage, package, tmp_path, capsys):
    folder = toy_book.replication(tmp_path)
    text = (folder / "shares.csv").read_text()
    assert damage(text) != text
    (folder / "shares.csv").write_text(damage(text))
    assert context(tmp_path, package)["contrasts"] == []
    assert "the tables of second" in capsys.readouterr().err
    shown = page(tmp_path, package)
    assert not [table for table in shown.all("table") if table.has_class("shares")]
    assert f"python -m {package}.one second" in shown.text


def test_the_strip_is_that_of_the_first_claim_that_was_run_and_has_one(package, tmp_path):
    assert context(tmp_path, package)["example"] is None
    toy_book.replication(tmp_path, toy_book.claim("1.2-a/luck"))
    assert context(tmp_path, package)["example"].id == "1.2-a/luck"
    toy_book.run(tmp_path, "first", toy_book.claim("1.1-a", "exact", interval=None, n=None, differences=[]))
    assert context(tmp_path, package)["example"].id == "1.2-a/luck", "an identity has no strip"
    assert any(svg.has_class("strip") for svg in page(tmp_path, package).all("svg"))


@pytest.mark.parametrize("mean", [-0.03, -0.011, -0.008, -0.005, 0.0, 0.004, 0.008, 0.012, 0.03])
@pytest.mark.parametrize("half", [0.001, 0.006, 0.02])
def test_the_conditions_on_the_page_are_those_of_the_rule(mean, half):
    numbers = {"m": mean, "lo": mean - half, "hi": mean + half, "δ": 0.01}

    def applies(condition: str) -> bool:
        code = condition.replace("−", "-").replace("≥", ">=").replace("≤", "<=").replace(", ", " and ")
        return eval(code or "True", {}, numbers)

    first = next(word for word, condition in preface.RULE.items() if applies(condition))
    assert first == five_way(mean, mean - half, mean + half, 0.01)
