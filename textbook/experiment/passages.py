"""A section's source cut into the passages that its measurement, its figure, its film and its claims need."""

import ast
from dataclasses import dataclass
from pathlib import Path

from textbook.experiment.sources import bound_names

IMPORTS = "imports"
# in the order in which a reader meets them
PARTS = ("measure", "draw", "animate", "CLAIMS")


@dataclass(frozen=True)
class _Statement:
    """A statement at the top of a module: the names that it binds and uses, and its lines with the comment above."""

    names: frozenset[str]
    uses: frozenset[str]
    text: str
    is_import: bool
    is_block: bool


def passages(path: Path) -> dict[str, str]:
    """{passage: source text} of a section: the imports, then for each of `PARTS` what it needs and did not come before.

    Run in this order they define what the module defines, except for what nothing uses: the catalogue's entries and
    what the command line reads. Each statement stands in one passage, in the words of the source.
    """
    text = path.read_text(encoding="utf-8")
    statements = _statements(text)
    found = {IMPORTS: _joined([statement for statement in statements if statement.is_import])}
    placed = {statement for statement in statements if statement.is_import}
    for part in PARTS:
        needed = _reached(statements, part) - placed
        placed |= needed
        if needed:
            found[part] = _joined([statement for statement in statements if statement in needed])
    return found


def _statements(text: str) -> list[_Statement]:
    lines, end, found = text.splitlines(), 0, []
    for number, node in enumerate(ast.parse(text).body):
        is_docstring = number == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not is_docstring:
            # from the end of the last one: decorators, and the comment above, belong to a statement
            own = "\n".join(lines[end : node.end_lineno]).strip("\n")
            uses = frozenset(part.id for part in ast.walk(node) if isinstance(part, ast.Name))
            is_import = isinstance(node, ast.Import | ast.ImportFrom)
            is_block = isinstance(node, ast.FunctionDef | ast.ClassDef)
            found.append(_Statement(frozenset(bound_names(node)), uses, own, is_import, is_block))
        end = node.end_lineno
    return found


def _reached(statements: list[_Statement], name: str) -> set[_Statement]:
    """The statements that bind a name, those that bind what these use, and so on."""
    waiting, seen, found = [name], set(), set()
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            binding = [statement for statement in statements if current in statement.names]
            found.update(binding)
            waiting += [use for statement in binding for use in statement.uses]
    return found


def _joined(statements: list[_Statement]) -> str:
    """Their texts one below the other, with two empty lines around functions and classes."""
    parts = []
    for before, statement in zip([None, *statements], statements, strict=False):
        gap = "" if before is None else "\n\n\n" if before.is_block or statement.is_block else "\n"
        parts.append(gap + statement.text)
    return "".join(parts)
