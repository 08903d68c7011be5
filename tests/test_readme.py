"""The README and the chapters' pages are true: tables are the reference results', the example runs, files exist."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from textbook.experiment import verdict_table

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
RESULTS = {p.parent.name: json.loads(p.read_text("utf-8")) for p in (ROOT / "data/reference").glob("*/results.json")}


def test_the_tables_of_verdicts_are_those_of_the_reference_runs():
    assert sorted(RESULTS) == sorted(path.parent.name for path in ROOT.glob("chapters/ch*/__init__.py"))
    for chapter, results in RESULTS.items():
        page = (ROOT / "chapters" / chapter / "README.md").read_text("utf-8")
        assert verdict_table.inserted(page, results) == page, "run python -m textbook.experiment.verdict_table"


def test_the_tables_of_runs_on_other_data_are_those_of_their_results():
    runs = sorted((ROOT / "data/reference").glob("*/ch*/results.json"))
    assert [path.parts[-3:-1] for path in runs] == [("fashion_mnist", "ch7")]
    for path in runs:
        results = json.loads(path.read_text("utf-8"))
        assert not results["quick"] and verdict_table.run_of(results) == f"{results['chapter']} on {path.parts[-3]}"
        page = (ROOT / "chapters" / results["chapter"] / "README.md").read_text("utf-8")
        assert verdict_table.inserted(page, results, RESULTS[results["chapter"]]) == page


@pytest.mark.parametrize("chapter", RESULTS)
def test_the_reference_run_answers_the_chapter_as_it_stands(chapter):
    import importlib

    names = importlib.import_module(f"chapters.{chapter}").SECTIONS
    results = RESULTS[chapter]
    assert not results["quick"] and [section["name"] for section in results["sections"]] == list(names)
    for section in results["sections"]:
        module = importlib.import_module(f"chapters.{chapter}.{section['name']}")
        stored = [(claim["id"], claim["claim"], claim["expected"], claim["test"]) for claim in section["claims"]]
        # by another rule a run could not be compared with it
        assert stored == [(claim.id, claim.claim, claim.expected, claim.test.sentence) for claim in module.CLAIMS]


@pytest.mark.parametrize("page", ["README.md", *(f"chapters/{chapter}/README.md" for chapter in RESULTS)])
def test_linked_and_shown_files_exist(page):
    for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / page).read_text("utf-8")):
        assert (ROOT / page).parent.joinpath(target).exists(), target


def test_it_counts_the_sections_and_claims_of_the_book():
    sections = [section for results in RESULTS.values() for section in results["sections"]]
    claims = sum(len(section["claims"]) for section in sections)
    assert f"{len(sections)} sections" in README and f"{claims} claims" in README


def test_every_module_of_the_table_can_be_imported():
    import importlib

    for name in re.findall(r"`(textbook\.[a-z_]+)`", README):
        importlib.import_module(name)


def test_the_example_runs_as_it_is_printed(tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "halving" in done.stdout and "mean" in done.stdout


def test_inserting_a_table_needs_its_marks():
    with pytest.raises(ValueError, match=r"expected the lines .* in the page; add them"):
        verdict_table.inserted("# no marks", {"chapter": "ch4", "sections": []})
