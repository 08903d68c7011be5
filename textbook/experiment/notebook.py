"""`--notebook`: a section as a Jupyter notebook, made of the section's own source.

Knobs stand at the top; the questions come before the measurement, and each question again before its answer.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from textbook.experiment import fingerprint, saving, section
from textbook.experiment.book import Chapter
from textbook.experiment.errors import UsageError
from textbook.experiment.notebook_cells import cells
from textbook.experiment.outline import Outline
from textbook.experiment.request import Request
from textbook.experiment.section import Section
from textbook.experiment.streams import out


def write(chapters: Iterable[Chapter], chosen: Iterable[Outline], request: Request) -> None:
    """Write a notebook of each chosen section into its chapter's folder, and print where; nothing is measured.

    Seeds, quick, engine, data and knobs of the request stand in the notebook. A notebook that a reader has changed
    stays as it is, and so do the results in one that was only run.

    Raises: UsageError where a section's source cannot be read, and, when all others are written, for changed notebooks.
    """
    chosen, kept = set(chosen), []
    for chapter in chapters:
        for outline in (outline for outline in chapter.sections if outline in chosen):
            if outline.broken:
                raise UsageError(f"expected a section that can be read, got {outline.name}: {outline.broken}")
            path = request.out / chapter.name / f"{outline.stem}.ipynb"
            if _put(path, make(section.load(outline), request)):
                out(f"{path}")
            else:
                kept.append(path)
    if kept:
        raise UsageError(
            f"expected no notebook that was changed by hand at {', '.join(map(str, kept))}; "
            "move or delete it to have a fresh one"
        )


def make(loaded: Section, request: Request):
    """The notebook of a section, as nbformat has it."""
    import nbformat.v4 as made

    made_cells = []
    for name, kind, source in cells(loaded, request):
        build = made.new_code_cell if kind == "code" else made.new_markdown_cell
        # names of our own: the same section gives the same file
        made_cells.append(build(source, id=name))
        if name in ("setup", "claims"):
            # of no interest; and with the answers, which a reader is to predict first
            made_cells[-1].metadata["jupyter"] = {"source_hidden": True}
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = made.new_notebook(cells=made_cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})
    notebook.metadata["textbook"] = {"section": loaded.outline.module, "as_written": _digest(made_cells)}
    return notebook


def _digest(cells: Iterable[dict]) -> str:
    """SHA-256 of what the cells say; what they gave when they were run does not count."""
    # on the disk a source is a list of lines
    texts = [f"{cell['cell_type']}:{''.join(cell['source'])}" for cell in cells]
    return fingerprint.digest_of(*texts)


def _put(path: Path, notebook) -> bool:
    """Write a notebook, unless it is there with its results; returns False where another was changed by hand."""
    import nbformat

    if path.is_file():
        try:
            old = json.loads(path.read_bytes())
            written, now = old["metadata"]["textbook"]["as_written"], _digest(old["cells"])
        except (ValueError, KeyError, TypeError):  # it is none of ours
            return False
        if now == notebook.metadata["textbook"]["as_written"]:
            return True
        if now != written:
            return False
    nbformat.validate(notebook)
    saving.write(path, (nbformat.writes(notebook) + "\n").encode())
    return True
