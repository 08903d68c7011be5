"""What a section says about itself, read from its source without importing it.

`--list` must answer at once, so titles, knobs and entries come from the syntax tree; nothing is executed.
"""

import ast
from dataclasses import dataclass, field
from pathlib import Path

# What a section may declare as DATA: which data sets it can be run on.
DATA_WORDS = ("any", "any task", "digits", "none")


@dataclass(frozen=True)
class Knob:
    """A keyword-only argument of `measure`: a what-if of the section."""

    name: str
    annotation: str | None
    default: str

    def __str__(self):
        return f"{self.name}={self.default}"


@dataclass(frozen=True)
class Outline:
    """A section as its source describes it.

    Attributes:
        chapter: last part of the package's name, such as "ch4".
        module: dotted name; `name` is its last part.
        number: the docstring's first word, such as "4.7.2.1"; `title` is the rest of that line.
        idea: the docstring below its first line.
        shows: what the figure shows, from the docstring of `draw`, in one line.
        knobs: `measure`'s keyword-only arguments, in order.
        entries: ids of the catalogue's entries that the section answers.
        data: one of `DATA_WORDS`. measured: names of columns that hold clock or memory readings.
        for_data: {name of a registered data set: {knob: value}}, what takes the defaults' place on that set.
        broken: why the source cannot be read, or None.
    """

    chapter: str
    module: str
    path: Path
    number: str = "?"
    title: str = ""
    idea: str = ""
    knobs: tuple[Knob, ...] = ()
    entries: tuple[str, ...] = ()
    data: str = "digits"
    measured: tuple[str, ...] = ()
    for_data: dict[str, dict] = field(default_factory=dict, hash=False)
    broken: str | None = None
    shows: str = ""

    @property
    def name(self) -> str:
        return self.module.rpartition(".")[2]

    @property
    def stem(self) -> str:
        """Name of the section's files without their endings: '4.7.2.1-step-decay'."""
        return f"{self.number}-{self.name}".replace("_", "-")


def read(module: str, path: Path) -> Outline:
    """The outline of one section; a source that cannot be read gives one whose `broken` says why."""
    chapter = module.split(".")[-2]
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Outline(chapter, module, path, broken=f"there is no {path.name}")
    except SyntaxError as error:
        return Outline(chapter, module, path, broken=f"{path.name} does not parse: line {error.lineno}, {error.msg}")
    first, _, idea = (ast.get_docstring(tree) or "?").partition("\n")
    number, _, title = first.strip().partition(" ")
    constants = _constants(tree)
    return Outline(
        chapter,
        module,
        path,
        number,
        title.strip(),
        idea.strip(),
        _knobs(tree),
        tuple(constants.get("ENTRIES", ())),
        constants.get("DATA", "digits"),
        tuple(constants.get("MEASURED", ())),
        constants.get("FOR_DATA", {}),
        shows=_shows(tree),
    )


def _shows(tree: ast.Module) -> str:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "draw":
            return " ".join((ast.get_docstring(node) or "").partition("\n\n")[0].split())
    return ""


def _constants(tree: ast.Module) -> dict:
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name in ("ENTRIES", "DATA", "MEASURED", "FOR_DATA"):
                found[name] = ast.literal_eval(node.value)
    return found


def _knobs(tree: ast.Module) -> tuple[Knob, ...]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "measure":
            return tuple(
                Knob(
                    argument.arg,
                    ast.unparse(argument.annotation) if argument.annotation else None,
                    ast.unparse(default) if default else "",
                )
                for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            )
    return ()
