"""Files, names and values that no honest user would bring: nothing runs, nothing leaves its folder, all is said."""

import json
import subprocess

import pytest

from tests.experiment.pages.parsed import Page

HTML = "<img src=x onerror=alert(1)>"
MATH = "$\\frac{price$"  # no formula, though a pair of dollars begins one for Matplotlib
SHELL = "$(touch pwned); `touch pwned` & touch pwned | 'touch' \"pwned\" \\ ! * ~ #"
# a section whose conditions and caption are named after the columns and classes of whatever data it is given
COLUMNS = {
    "from textbook.experiment import": "from textbook import plots\nfrom textbook.experiment import",
    'DATA = "none"': 'DATA = "any"',
    "rows = []": "rows = []\n    card = run.data().card\n    words = *card.features, *card.class_names",
    '((name, -load), ("fair", 0.0)):': '((name, -load), ("fair", 0.0), *((word, 0.0) for word in words)):',
    "figure = Figure()": "figure, axes = plots.figure()",
    'figure.subplots().plot(table["seed"], table["test_loss"], "o")': "plots.caption(\n"
    '        figure, f"Columns {table.condition.iloc[2]}, {table.condition.iloc[3]}. " + plots.seeds_text(table)\n'
    "    )",
}
OWN = {'DATA = "none"': 'DATA = "any"', "rows = []": "rows = []\n    run.data()"}
# its knob is a name that nothing depends on
NAMED = {"(name, -load)": '("loaded", -load)'}


def run(story, *arguments) -> str:
    status, _, err = story.main(*arguments)
    assert status == 0, err
    return err


def table(story, header, name="mine.csv") -> tuple[str, ...]:
    lines = [",".join(header), *(f"{i}.5,{i % 7},k{i % 3}" for i in range(300))]
    (story.folder / name).write_text("\n".join(lines) + "\n")
    return "--data", name, "--target", header[-1]


def record(story) -> dict:
    return json.loads((story.out / "1.2-coin.json").read_text())


def pages(story) -> list[Page]:
    """The chapter's page in every language, with no element on it that the book did not put there."""
    found = [Page(path.read_text("utf-8")) for path in sorted(story.out.glob("*.html"))]
    assert len(found) == 2
    for page in found:
        assert "x" not in [element.get("src") for element in page.all("img")]
        assert not [name for element in page.elements for name in element.attributes if name.startswith("on")]
    return found


@pytest.mark.parametrize("name", [f"{HTML}.csv", f"{MATH} {MATH}.csv", f"{SHELL}.csv", "100 % _^&amp;.csv"])
def test_a_file_may_have_any_name(story, name):
    story.coin(changes=OWN)
    run(story, *table(story, "aby", name))
    assert record(story)["replaced_by"] == name
    assert record(story)["caption"] == f"Data: {name}, in place of any named here."
    assert all(name in page.text for page in pages(story))
    assert not list(story.folder.rglob("pwned"))


@pytest.mark.parametrize("column", [HTML, "a\\b_{", "../../b", "</script><script>alert(1)</script>"])
def test_a_column_and_a_class_may_have_any_name(story, column):
    story.coin(changes=COLUMNS)
    run(story, *table(story, (column, "b", f"y{column}")))
    assert column in (story.out / "1.2-coin.csv").read_text("utf-8")
    caption = f"Columns {column}, b. n = 16 seeds (1000–1015)"
    assert record(story)["caption"].endswith(caption)
    assert all(f"Columns {column}, b." in page.text for page in pages(story))


@pytest.mark.parametrize("value", [SHELL, HTML, f"{MATH} {MATH}", "--out=elsewhere", "a=b", "\x1b[2J", "한글"])
def test_a_knob_reaches_no_shell(story, value):
    """The command that a page gives to copy hands a shell what the user set, and nothing else."""
    story.coin(changes=NAMED)
    run(story, "--set", f"name={value}")
    assert record(story)["set"] == {"name": value}
    for page in pages(story):
        commands = {element.text for element in page.all("code") if "--set" in element.text and "name=" in element.text}
        assert commands
        for command in commands:
            shown = subprocess.run(
                ["bash", "-c", f"python() {{ printf '%s\\0' \"$@\"; }}; {command}"],
                cwd=story.folder,
                capture_output=True,
                text=True,
                check=True,
            )
            module = f"{story.package}.one"
            assert shown.stdout.split("\0")[:-1] == ["-m", module, "coin", "--set", f"name={value}"]
            assert not shown.stderr
    assert not list(story.folder.rglob("pwned"))


@pytest.mark.parametrize("value", ["../../pwned", "/tmp/pwned", "a/../../pwned", "..", "x" * 300, "a\0b", HTML])
def test_a_knob_reaches_no_path(story, value):
    """Even where a section names a table after it."""
    changes = {
        "return pd.DataFrame(rows)": 'return {"losses": pd.DataFrame(rows), name: pd.DataFrame({"a": [0.3]})}',
        "def draw(table: pd.DataFrame)": "def draw(tables)",
        "figure = Figure()": 'figure, table = Figure(), tables["losses"]',
        'than="fair")': 'than="fair", table="losses")',
        **NAMED,
    }
    story.coin(changes=changes)
    status, _, err = story.main("--set", f"name={value}")
    assert status == 2
    assert err.splitlines()[-1].startswith("error: coin: expected up to 60 letters, digits, spaces and hyphens as")
    assert "Traceback" not in err
    around = {path.name for folder in (story.folder, story.folder / "out", story.out) for path in folder.glob("*")}
    assert around - {".cache", story.package, "out", "one", "results.json", "assets"} == {
        name for name in around if name.endswith(".html")
    }
    assert story.main("--set", "name=two words")[0] == 0
    assert (story.out / "1.2-coin.two-words.csv").is_file()


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text[: len(text) // 2].encode("utf-16"),
        lambda text: "",
        lambda text: "null",
        lambda text: "[]",
        lambda text: text.replace('"name": "coin"', '"name": "toss"'),
        lambda text: '{"name": "coin", "claims": []}',
        lambda text: text.replace('"claims": [', '"claims": [{"second": null}, '),
        lambda text: text.replace('"claims": [', '"claims": [7, '),
        lambda text: text.replace('"claims": [', '"claims": 7, "others": ['),
        lambda text: text.replace('"second": null', '"second": 7'),
        lambda text: text.replace('"second": null', '"second": {"verdict": "holds"}'),
        lambda text: text.replace('"provenance": {', '"provenance": 7, "other": {'),
    ],
)
def test_a_record_that_was_cut_or_altered_counts_as_none_and_is_made_again(story, damage):
    story.coin("second", number="1.3")
    story.sections("coin", "second")
    run(story)
    path = story.out / "1.2-coin.json"
    whole = path.read_text("utf-8")
    damaged = damage(whole)
    assert damaged != whole
    path.write_bytes(damaged if isinstance(damaged, bytes) else damaged.encode())
    err = run(story, "second")
    assert "1.2-coin.json is damaged" in err and "; run coin again" in err
    results = json.loads((story.out / "results.json").read_text("utf-8"))
    assert [section["name"] for section in results["sections"]] == ["second"]
    assert all(f"python -m {story.package}.one coin" in page.text for page in pages(story))
    run(story)
    assert json.loads(path.read_text("utf-8")) == {**json.loads(whole), "cached": True}


def test_a_record_of_an_older_form_is_not_shown(story):
    run(story)
    path = story.out / "1.2-coin.json"
    old = json.loads(path.read_text("utf-8"))
    del old["set"]
    path.write_text(json.dumps(old), "utf-8")
    story.coin("second", number="1.3")
    story.sections("coin", "second")
    assert "1.2-coin.json comes from an older version; run coin again" in run(story, "second")
    assert all("Which?" in page.text and page.text.count(old["claims"][0]["id"]) == 0 for page in pages(story))


def test_a_cache_entry_whose_description_was_altered_is_measured_again(story):
    story.coin(changes={'"test_loss": loss}': '"test_loss": loss, "exact": 0.1 + seed}'})
    run(story)
    files = {path.name: path.read_bytes() for path in story.out.iterdir() if path.suffix == ".csv"}
    (meta,) = (story.folder / "out" / ".cache").glob("*/meta.json")
    for old, new in (('"float64"', '"float32"'), ('"seconds": 0', '"seconds": 9')):
        text = meta.read_text("utf-8")
        assert old in text
        meta.write_text(text.replace(old, new), "utf-8")
        err = run(story)
        assert "is damaged (meta.json was changed); measuring again" in err
        assert "measuring\n" in err
        assert {path.name: path.read_bytes() for path in story.out.iterdir() if path.suffix == ".csv"} == files
        assert "damaged" not in run(story)
