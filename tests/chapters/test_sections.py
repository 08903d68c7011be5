"""One battery for every section of every chapter: the contract, the catalogue, the Korean, and a quick run of each."""

import ast
import csv
import importlib
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from textbook.experiment import Claim

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted(path.parent.name for path in (ROOT / "chapters").glob("ch*/__init__.py"))
SECTIONS = [(chapter, name) for chapter in CHAPTERS for name in importlib.import_module(f"chapters.{chapter}").SECTIONS]
KOREAN = {c: tomllib.loads((ROOT / "chapters" / c / "ko.toml").read_text("utf-8")) for c in CHAPTERS}
every_section = pytest.mark.parametrize(("chapter", "name"), SECTIONS, ids=lambda value: value)


def load(chapter: str, name: str):
    return importlib.import_module(f"chapters.{chapter}.{name}")


def has_hangul(text: str) -> bool:
    return any("가" <= letter <= "힣" for letter in text)


@every_section
def test_a_section_has_docstring_measure_draw_and_claims(chapter, name):
    module = load(chapter, name)
    title, blank, *idea = module.__doc__.splitlines()
    assert title[0].isdigit() and has_hangul(title) and not blank and len(" ".join(idea)) > 80
    assert module.CLAIMS and all(isinstance(claim, Claim) for claim in module.CLAIMS)
    for function in (module.measure, module.draw):
        assert function.__doc__, f"{name}.{function.__name__} says nothing"
    lines = (ROOT / "chapters" / chapter / f"{name}.py").read_text("utf-8").splitlines()
    assert len(lines) <= 300, "a second idea hides in this file"


@every_section
def test_draw_uses_no_randomness_and_measure_takes_its_knobs_by_name(chapter, name):
    tree = ast.parse((ROOT / "chapters" / chapter / f"{name}.py").read_text("utf-8"))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert [a.arg for a in functions["measure"].args.args] == ["run"]
    assert all(a.annotation is not None for a in functions["measure"].args.kwonlyargs)
    assert all(default is not None for default in functions["measure"].args.kw_defaults)
    words = {node.attr for node in ast.walk(functions["draw"]) if isinstance(node, ast.Attribute)}
    assert not words & {"random", "default_rng", "stream"}
    top = {
        alias.name.split(".")[0]
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in (node.names if isinstance(node, ast.Import) else [ast.alias(node.module)])
    }
    assert not top & {"keras", "tensorflow", "jax", "torch"}, "a cached run would load it"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_entry_of_the_catalogue_is_answered_by_exactly_one_section(chapter):
    with open(ROOT / "data" / "catalogue.csv", encoding="utf-8") as file:
        catalogue = [row["id"] for row in csv.DictReader(file) if row["chapter"] == chapter]
    answered = [entry for c, name in SECTIONS if c == chapter for entry in load(c, name).ENTRIES]
    assert sorted(answered) == sorted(catalogue)


def test_the_book_answers_the_whole_catalogue():
    with open(ROOT / "data" / "catalogue.csv", encoding="utf-8") as file:
        catalogue = [row["id"] for row in csv.DictReader(file)]
    answered = [entry for section in SECTIONS for entry in load(*section).ENTRIES]
    assert len(catalogue) == 164 and sorted(answered) == sorted(catalogue)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_what_the_catalogue_calls_wrong_or_loose_is_put_right_with_a_reference(chapter):
    with open(ROOT / "data" / "catalogue.csv", encoding="utf-8") as file:
        flagged = {row["id"] for row in csv.DictReader(file) if row["chapter"] == chapter and row["flags"]}
    claims = [claim for c, name in SECTIONS if c == chapter for claim in load(c, name).CLAIMS]
    corrected = {claim.entry for claim in claims if claim.correction and claim.reference}
    assert len(flagged) > 5 and sorted(flagged - corrected) == []


@every_section
def test_claims_answer_the_sections_own_entries_all_of_them(chapter, name):
    module = load(chapter, name)
    # a section of ours answers no entry, and its claims begin with its number
    assert {claim.entry for claim in module.CLAIMS} == set(module.ENTRIES or ("",))
    if not module.ENTRIES:
        assert {claim.id.partition("/")[0] for claim in module.CLAIMS} == {module.__doc__.split()[0]}


def test_no_claim_id_stands_twice():
    ids = [claim.id for chapter, name in SECTIONS for claim in load(chapter, name).CLAIMS]
    assert len(ids) == len(set(ids))


@every_section
def test_a_section_has_its_korean(chapter, name):
    korean = KOREAN[chapter]
    section = korean["sections"][name]
    assert has_hangul(section["title"]) and has_hangul(section["idea"])
    for claim in load(chapter, name).CLAIMS:
        texts = korean["claims"][claim.id]
        wanted = {"claim", "ask", "why", "beware"} | ({"correction"} if claim.correction else set())
        assert set(texts) == wanted, claim.id
        assert all(has_hangul(text) for text in texts.values()), claim.id


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_korean_has_nothing_that_the_book_lacks(chapter):
    names = {name for c, name in SECTIONS if c == chapter}
    ids = {claim.id for name in names for claim in load(chapter, name).CLAIMS}
    assert set(KOREAN[chapter]["sections"]) == names
    assert set(KOREAN[chapter]["claims"]) == ids


def test_loading_every_section_loads_no_tensorflow():
    modules = [f"chapters.{chapter}.{name}" for chapter, name in SECTIONS]
    code = (
        f"import importlib, sys\nfor name in {modules!r}: importlib.import_module(name)\n"
        "print(sorted({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture(scope="module", params=CHAPTERS)
def quick_run(request, tmp_path_factory):
    """A quick run of a whole chapter by its command line: the one in the folder QUICK_BOOK, or one with two seeds."""
    out = Path(os.environ.get("QUICK_BOOK") or tmp_path_factory.mktemp(request.param))
    if not os.environ.get("QUICK_BOOK"):
        command = [sys.executable, "-m", f"chapters.{request.param}", "--quick", "--seeds", "2", "--out", str(out)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
    folder = out / request.param
    return request.param, folder, json.loads((folder / "results.json").read_text("utf-8"))


@pytest.mark.slow
def test_a_quick_run_draws_every_figure_and_judges_every_claim(quick_run):
    chapter, folder, results = quick_run
    assert results["quick"] and [s["name"] for s in results["sections"]] == [n for c, n in SECTIONS if c == chapter]
    for section in results["sections"]:
        module = load(chapter, section["name"])
        assert (folder / section["figure"]).stat().st_size > 10_000
        assert [claim["id"] for claim in section["claims"]] == [claim.id for claim in module.CLAIMS]
        for claim, own in zip(section["claims"], module.CLAIMS, strict=True):
            assert claim["verdict"] in own.test.verdicts and claim["quick"]
            if claim["interval"]:
                low, high = claim["interval"]
                assert low <= high and claim["n"] >= 1 and claim["unit"]


@pytest.mark.slow
def test_figures_say_what_their_axes_and_samples_are(quick_run):
    chapter, folder, results = quick_run
    for section in results["sections"]:
        tables = section["table"]
        read = {key: pd.read_csv(folder / file) for key, file in tables.items()} if isinstance(tables, dict) else None
        module = load(chapter, section["name"])
        figure = module.draw(read if read is not None else pd.read_csv(folder / tables))
        caption = " ".join(text.get_text() for text in figure.texts)
        assert len(caption) > 20, section["name"]
        for ax in figure.axes:
            if not ax.axison or ax.get_gid() == "inset":
                continue
            sides = [(ax.xaxis, ax.get_shared_x_axes()), (ax.yaxis, ax.get_shared_y_axes())]
            if ax.get_label() == "<colorbar>":
                sides = sides[1:]  # its width means nothing
            for axis, siblings in sides:
                shared = len(siblings.get_siblings(ax)) > 1
                assert says_what_it_is(axis) or shared, f"{section['name']}: an {axis.axis_name} axis has no label"


def says_what_it_is(axis) -> bool:
    """Whether an axis has a label, or ticks that are words."""
    words = [text.get_text() for text in axis.get_ticklabels()]
    return bool(axis.get_label_text()) or any(letter.isalpha() for word in words for letter in word)
