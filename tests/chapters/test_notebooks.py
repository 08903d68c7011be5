"""Every section as a notebook: whole in its parts; and one of them run by Jupyter's kernel from top to bottom."""

import builtins
import dis
import importlib
import os
import types
from pathlib import Path

import nbformat
import pytest

from textbook.experiment import Run, book, notebook, section
from textbook.experiment.request import Request
from textbook.experiment.shown import Answer

ROOT = Path(__file__).parents[2]
SECTIONS = [outline for chapter in book.chapters("chapters") for outline in chapter.sections]


@pytest.mark.parametrize("outline", SECTIONS, ids=lambda outline: outline.name)
def test_the_cells_define_what_the_module_does_each_before_it_is_needed(outline):
    loaded = section.load(outline)
    made = notebook.make(loaded, Request(out=Path("figures")))
    names: dict = {"__name__": "__main__"}
    for cell in made.cells:
        if cell.id in ("imports", "measure", "draw", "animate", "claims"):
            exec(compile(cell.source, cell.id, "exec"), names)
            assert _unknown(names) == set(), cell.id
        elif cell.id == "knobs":
            exec(cell.source.replace("shared_tables", "print"), names)
            assert names["knobs"] == loaded.knobs
    assert [claim.id for claim in names["CLAIMS"]] == [claim.id for claim in loaded.claims]
    answers = [cell.source for cell in made.cells if cell.id.startswith("answer-")]
    assert answers == [f"Answer(CLAIMS[{i}], tables, quick=run.quick)" for i in range(len(loaded.claims))]


def _unknown(names: dict) -> set[str]:
    """Global names that the functions and classes of the notebook use and that nothing has defined yet."""
    values = [getattr(value, "__wrapped__", value) for value in names.values()]
    classes = [value for value in values if isinstance(value, type) and value.__module__ == "__main__"]
    values += [part for kind in classes for part in vars(kind).values()]
    codes = [v.__code__ for v in values if isinstance(v, types.FunctionType) and v.__globals__ is names]
    used = set()
    while codes:
        code = codes.pop()
        used |= {step.argval for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL"}
        codes += [part for part in code.co_consts if isinstance(part, types.CodeType)]
    return {name for name in used if name not in names and not hasattr(builtins, name)}


@pytest.mark.tensorflow
def test_jupyter_runs_a_notebook_and_it_judges_as_the_section_does(tmp_path):
    from nbclient import NotebookClient

    (outline,) = [outline for outline in SECTIONS if outline.name == "step_decay"]
    settings = {"step_decay": {"every": 3}}
    request = Request(out=tmp_path, seeds=(1000, 1001), quick=True, settings=settings)
    notebook.write(book.chapters("chapters.ch4"), [outline], request)
    (path,) = tmp_path.glob("ch4/*.ipynb")
    made = nbformat.read(path, as_version=4)
    # the kernel finds the library through its environment, as where it is installed
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "IPYTHONDIR": str(tmp_path / "ipython")}
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(made, kernel_name="python3", timeout=300, resources=resources).execute(env=environment)

    outputs = {cell.id: cell.outputs for cell in made.cells if cell.cell_type == "code"}
    assert not [output for of_cell in outputs.values() for output in of_cell if output.output_type == "stream"]
    assert len(outputs["picture"][0]["data"]["image/png"]) > 20_000
    assert "test_loss" in outputs["run"][0]["data"]["text/html"]
    module = importlib.import_module(outline.module)
    tables = module.measure(Run((1000, 1001), quick=True), every=3)
    for number, claim in enumerate(module.CLAIMS):
        expected = Answer(claim, tables, quick=True)
        (shown,) = outputs[f"answer-{number}"]
        assert shown["data"]["text/plain"] == repr(expected), claim.id
        assert claim.why.replace("\n", " ") in shown["data"]["text/markdown"]
