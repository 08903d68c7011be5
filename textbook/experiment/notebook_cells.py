"""The cells of a section's notebook: its idea, its knobs, the questions, and its source passage by passage."""

import os
from collections.abc import Iterator

from textbook.experiment import passages
from textbook.experiment.measuring import trains
from textbook.experiment.request import Request
from textbook.experiment.section import Section
from textbook.experiment.shown import as_markdown

_SETUP = """\
# Found where the package is installed, and from any folder inside the repository
import importlib.util
import os
import sys
from pathlib import Path

if importlib.util.find_spec("textbook") is None:
    here = Path.cwd()
    above = [folder for folder in (here, *here.parents) if (folder / "textbook" / "experiment").is_dir()]
    if not above:
        raise ModuleNotFoundError(
            f"expected the package training-textbook, or a folder of its repository, got {here}; "
            "install it with pip install -e FOLDER, or move the notebook into the repository"
        )
    sys.path.insert(0, str(above[0]))

from textbook.experiment.shown import """
_KERAS = """
from textbook import quiet

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
quiet.import_keras({"keras"})  # without TensorFlow's greetings"""


def cells(loaded: Section, request: Request) -> Iterator[tuple[str, str, str]]:
    """(name, "code" or "markdown", source) of each cell of a section's notebook."""
    outline, parts = loaded.outline, passages.passages(loaded.outline.path)
    title = f"# {outline.number} {as_markdown(outline.title)}\n\n{as_markdown(outline.idea)}"
    where = f"`python -m {outline.module.rpartition('.')[0]} {outline.name}` draws the same figure for the book."
    yield "title", "markdown", f"{title}\n\nRun the cells from top to bottom. {where}"
    shares = "run.shared(" in parts["measure"]
    names = ["Answer", *(["Film"] if loaded.animate else []), "Picture", "Rows", "reread"]
    setup = _SETUP + ", ".join([*names, "shared_tables"] if shares else names)
    yield "setup", "code", setup + _KERAS if trains(loaded.measure) else setup
    yield "knobs-title", "markdown", "## Seeds and knobs, yours to change"
    yield "knobs", "code", _knobs(loaded, request, shares=shares)
    asked = "\n\n".join(f"{number}. {as_markdown(claim.ask)}" for number, claim in enumerate(loaded.claims, start=1))
    yield "questions", "markdown", f"## Predict first\n\n{asked}"
    yield "imports", "code", parts[passages.IMPORTS]
    yield "measure-title", "markdown", "## Measure"
    yield "measure", "code", parts["measure"]
    yield "run", "code", _measured(request.engine)
    yield "draw-title", "markdown", f"## Draw\n\n{as_markdown(outline.shows)}"
    yield "draw", "code", parts["draw"]
    data = "" if request.chosen is None else f", replaced_by={request.chosen.card.name!r}"
    yield "picture", "code", f"Picture(draw, tables{data})"
    if loaded.animate:
        yield "animate", "code", parts.get("animate", "")
        yield "film", "code", "Film(animate, tables)"
    yield (
        "claims-title",
        "markdown",
        "## Judge\n\nThe next cell has the claims with their tests, and gives the answers away.",
    )
    yield "claims", "code", parts["CLAIMS"]
    for number, claim in enumerate(loaded.claims):
        yield (
            f"question-{number}",
            "markdown",
            f"**{claim.id}** {as_markdown(claim.ask)}\n\n*{as_markdown(claim.claim)}*",
        )
        yield f"answer-{number}", "code", f"Answer(CLAIMS[{number}], tables, quick=run.quick)"


def _measured(engine: str | None) -> str:
    lines = ["tables = reread(measure(run, **knobs))", "Rows(tables)"]
    if engine is not None:
        lines = ["from textbook.replicas import session", "", f"with session({engine!r}):", f"    {lines[0]}", lines[1]]
    return "\n".join(lines)


def _knobs(loaded: Section, request: Request, *, shares: bool) -> str:
    lines = ["from textbook.experiment import Run"]
    if request.chosen is not None:
        lines = ["from textbook import datasets", *lines]
    lines += [
        "",
        "run = Run(",
        f"    seeds={_seeds(request.seeds)},  # each draws its own split, weights and order",
        f"    quick={request.quick},  # True: a quarter of the epochs",
    ]
    if request.chosen is not None:
        lines.append(f"    chosen={_data(loaded, request)},")
    if shares:
        lines.append('    measurer=shared_tables("../.cache"),  # what other sections measure as well is kept there')
    values = loaded.knobs_for(request.chosen, request.settings.get(loaded.outline.name, {}))
    knobs = [f'    "{name}": {value!r},' for name, value in values.items()]
    lines += [")", *(["knobs = {", *knobs, "}"] if knobs else ["knobs = {}  # this section has none"])]
    return "\n".join(lines)


def _seeds(seeds: tuple[int, ...]) -> str:
    first, last = seeds[0], seeds[-1]
    return f"tuple(range({first}, {last + 1}))" if seeds == tuple(range(first, last + 1)) else repr(seeds)


def _data(loaded: Section, request: Request) -> str:
    if request.target is None:
        return f"datasets.load({request.data!r})"
    # Jupyter runs a notebook in its own folder
    path = os.path.relpath(request.data, request.out / loaded.outline.chapter)
    return f"datasets.from_csv({path!r}, target={request.target!r})"
