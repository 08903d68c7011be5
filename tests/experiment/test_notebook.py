"""Notebooks of a small book: what stands in them, that they run, and that a reader's changes are never lost."""

import contextlib
import importlib.util
import json
import os
import sys
from pathlib import Path

import nbformat
import pytest

from textbook.experiment import notebook_cells

ROOT = Path(__file__).parents[2]


def read(story, name: str = "1.2-coin"):
    return nbformat.read(story.out / f"{name}.ipynb", as_version=4)


def run(notebook, folder: Path, until: str = "") -> dict:
    """The names that the code cells bind, run one after another in the notebook's folder, as Jupyter does."""
    names: dict = {"__name__": "__main__"}
    with contextlib.chdir(folder):
        for cell in notebook.cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, cell.id, "exec"), names)
            if cell.id == until:
                break
    return names


def test_a_notebook_is_written_and_nothing_is_measured(story):
    status, out, err = story.main("--notebook")
    assert (status, out, err) == (0, "out/one/1.2-coin.ipynb\n", "")
    assert [path.name for path in story.out.iterdir()] == ["1.2-coin.ipynb"]
    first = (story.out / "1.2-coin.ipynb").read_bytes()
    nbformat.validate(read(story))
    (story.out / "1.2-coin.ipynb").unlink()
    story.main("--notebook")
    assert (story.out / "1.2-coin.ipynb").read_bytes() == first


def test_the_questions_come_before_the_measurement_and_each_before_its_answer(story):
    story.main("--notebook")
    cells = read(story).cells
    order = [cell.id for cell in cells]
    assert order.index("knobs") < order.index("questions") < order.index("measure") < order.index("run")
    assert order.index("picture") < order.index("question-0") == order.index("answer-0") - 1
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert prose.startswith("# 1.2 A loaded coin (동전)\n\nIt costs less than a fair one.\n\n")
    assert "1. Which?" in prose and "Their losses." in prose and "The loaded coin costs less." in prose
    assert "Its load." not in prose and "Luck." not in prose
    hidden = [cell.id for cell in cells if cell.metadata.get("jupyter", {}).get("source_hidden")]
    assert hidden == ["setup", "claims"]


def test_run_from_top_to_bottom_it_gives_the_command_lines_verdict(story):
    story.main("--set", "load=0.2", "--seeds", "5")
    (section,) = json.loads((story.out / "results.json").read_text())["sections"]
    story.main("--set", "load=0.2", "--seeds", "5", "--notebook")
    names = run(read(story), story.out)
    (claim,) = names["CLAIMS"]
    record = names["Answer"](claim, names["tables"]).record
    for key in ("verdict", "effect", "interval", "n", "unit", "delta", "p"):
        assert record[key] == section["claims"][0][key], key
    assert names["run"].seeds == (1000, 1001, 1002, 1003, 1004) and not names["run"].quick


def test_what_the_command_line_sets_stands_at_the_top(story):
    name = 'it\'s "quoted"; $(touch x)\n'
    arguments = ["--quick", "--seeds", "3,1,9", "--set", "load=0.5", "--set", f"name={name}", "--engine", "fit"]
    assert story.main(*arguments, "--notebook")[0] == 0
    names = run(read(story), story.out, until="knobs")
    assert names["run"].seeds == (3, 1, 9) and names["run"].quick
    # the command line strips what surrounds a value
    assert names["knobs"] == {"load": 0.5, "throws": 50, "name": name.strip()}
    (cell,) = [cell for cell in read(story).cells if cell.id == "run"]
    assert "with session('fit'):\n    tables = reread(measure(run, **knobs))\nRows(tables)" in cell.source
    assert len(run(read(story), story.out, until="run")["tables"]) == 6


def test_data_of_the_readers_own_are_found_from_the_notebooks_folder(story):
    story.coin(changes={'DATA = "none"': 'DATA = "any"', "luck(seed)": "luck(len(run.data()))"})
    (story.folder / "mine.csv").write_text("a,y\n" + "".join(f"{i},{i % 2}\n" for i in range(30)))
    status, _, _ = story.main("--data", "mine.csv", "--target", "y", "--notebook")
    names = run(read(story), story.out)
    assert status == 0 and names["run"].chosen.card.rows == 30
    (cell,) = [cell for cell in read(story).cells if cell.id == "picture"]
    assert cell.source == "Picture(draw, tables, replaced_by='mine.csv')"
    assert names["Picture"](names["draw"], names["tables"], replaced_by="mine.csv").caption.startswith(
        "Data: mine.csv,"
    )
    (story.out / "1.2-coin.ipynb").unlink()
    story.coin(changes={'DATA = "none"': 'FOR_DATA = {"wine": {"throws": 3, "load": 0.1}}'})
    story.main("--data", "wine", "--set", "load=0.4", "--notebook")
    names = run(read(story), story.out, until="knobs")
    assert names["run"].chosen.card.name == "wine"
    # what the user sets goes before what the section has for this data set, and that before its defaults
    assert names["knobs"] == {"load": 0.4, "throws": 3, "name": "loaded"}


def test_tables_that_sections_share_are_taken_from_the_runs_cache(story):
    (story.chapter.parent / "shared" / "luck.py").write_text(
        '"""Luck."""\n\nimport sys\n\nimport pandas as pd\n\n\ndef luck(seed):\n    """One."""\n    return 1.0\n\n\n'
        'def throw(run):\n    """Shared."""\n    print("throwing", file=sys.stderr)\n'
        '    return pd.DataFrame({"x": [0.0]})\n'
    )
    changes = {"shared.luck import luck": "shared.luck import luck, throw", '"""Two coins."""': "run.shared(throw)"}
    story.coin(changes=changes)
    assert "throwing" in story.main()[2]
    story.main("--notebook")
    story.forget()
    run(read(story), story.out)
    assert "throwing" not in story.capsys.readouterr().err
    story.coin()
    story.main("--notebook")
    assert all("shared_tables" not in cell.source for cell in read(story).cells)


def test_a_chapters_worth_with_one_command_and_a_film_where_there_is_one(story):
    story.sections("coin", "second")
    film = "def animate(table):\n    return draw(table)\n\n\nCLAIMS = ("
    story.coin("second", number="1.3", changes={"CLAIMS = (": film})
    status, out, _ = story.main("--notebook", chapter=None)
    assert (status, out) == (0, "out/one/1.2-coin.ipynb\nout/one/1.3-second.ipynb\n")
    assert [cell.source for cell in read(story, "1.3-second").cells if cell.id == "film"] == ["Film(animate, tables)"]
    assert "Film" not in "".join(cell.source for cell in read(story).cells)


def test_a_notebook_that_was_only_run_keeps_its_results_and_one_of_old_settings_is_replaced(story):
    story.main("--notebook")
    path = story.out / "1.2-coin.ipynb"
    notebook = read(story)
    notebook.cells[-1].outputs = [nbformat.v4.new_output("stream", text="what it gave")]
    nbformat.write(notebook, path)
    assert story.main("--notebook")[0] == 0 and "what it gave" in path.read_text()
    assert story.main("--notebook", "--set", "load=0.1")[0] == 0
    assert "what it gave" not in path.read_text() and '\\"load\\": 0.1' in path.read_text()


def test_a_notebook_that_was_changed_by_hand_stays_and_the_others_are_written(story):
    story.sections("coin", "second")
    story.coin("second", number="1.3")
    story.main("--notebook", "coin")
    path = story.out / "1.2-coin.ipynb"
    notebook = read(story)
    notebook.cells[-1].source += "\n1 / 3"
    nbformat.write(notebook, path)
    mine = path.read_bytes()
    status, out, err = story.main("--notebook")
    assert (status, out) == (2, "out/one/1.3-second.ipynb\n") and path.read_bytes() == mine
    assert err == (
        "error: expected no notebook that was changed by hand at out/one/1.2-coin.ipynb; "
        "move or delete it to have a fresh one\n"
    )
    for strange in ("{", "[]", '{"cells": 1}'):
        path.write_text(strange)
        assert story.main("--notebook", "coin")[0] == 2 and path.read_text() == strange


@pytest.mark.parametrize("option", [["--strict"], ["--no-second-judging"], ["--format", "svg"]])
def test_options_of_a_run_are_refused(story, option):
    status, _, err = story.main("--notebook", *option)
    assert status == 2 and err.startswith("error: expected --notebook without --strict, --no-second-judging")


def test_a_section_that_does_not_parse_is_bad_input(story):
    (story.chapter / "coin.py").write_text("def measure(:\n")
    status, _, err = story.main("--notebook")
    assert status == 2 and err.startswith(
        "error: expected a section that can be read, got coin: coin.py does not parse"
    )


def test_where_nothing_is_installed_the_repository_is_found_from_inside(monkeypatch, tmp_path):
    setup = notebook_cells._SETUP + "reread"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(ROOT / "tests" / "experiment")
    exec(setup, {})
    assert sys.path[0] == os.fspath(ROOT)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="expected the package training-textbook, or a folder of its"):
        exec(setup, {})
