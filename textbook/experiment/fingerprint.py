"""A digest of the code that a function reaches, found in the sources without importing them.

From the function's definition the walk follows names: to other definitions of its module, through imports to those of
the project's other modules, and on. Docstrings and comments do not count, nor does what is never reached, so a change
to `draw`, to a claim's wording or to a plot leaves a table's digest as it was.
"""

import ast
import functools
import hashlib
import sys
from dataclasses import dataclass, field

from textbook.experiment.sources import Definition, Source, source

# The machine itself shapes no table, except through what a `Run` hands out: its data, and what `--quick` shrinks.
_MACHINE = "textbook.experiment"
_HANDED_OUT = {
    **dict.fromkeys(("splits", "data"), "textbook.experiment.data_choice"),
    **dict.fromkeys(("epochs", "seeds_for", "tuning"), "textbook.experiment.quick"),
}
_PROJECT = ("textbook", "chapters", "data")
_ALL = "*"
_LOOSE = ""


@dataclass
class Reach:
    """What a walk has found: {(module, name): digest of the definition}, and the installed packages that it imports."""

    definitions: dict[tuple[str, str], str] = field(default_factory=dict)
    packages: set[str] = field(default_factory=set)

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 over all definitions reached."""
        return digest_of(*(text for (key, value) in sorted(self.definitions.items()) for text in (*key, value)))

    @property
    def modules(self) -> set[str]:
        """Modules with a definition that is reached."""
        return {module for module, _ in self.definitions}


def reach(module: str, *names: str) -> Reach:
    """All project code that the functions `names` of `module` can reach.

    Raises: ValueError for a function that is not defined by name at the top of a module.
    """
    found = source(module)
    missing = [name for name in names if found is None or name not in found.definitions]
    if missing:
        raise ValueError(f"expected a function at the top of a module, got {module}.{missing[0]}; define it with def")
    if names not in found.reached:
        walk = _Walk((*_PROJECT, module.partition(".")[0]))
        for name in names:
            walk.name(module, name)
        found.reached[names] = walk.found
    return found.reached[names]


def digest_of(*texts: str) -> str:
    """SHA-256 over several texts, each with its length, so that moving a border between them shows."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(f"{len(text)}:{text}".encode())
    return digest.hexdigest()


class _Walk:
    def __init__(self, project: tuple[str, ...]):
        self.project = project
        self.found = Reach()

    def name(self, module: str, name: str) -> None:
        """Follow a name of a module; one that the module does not define is a submodule, lazily loaded, or unknown."""
        at = source(module)
        if name not in at.definitions:
            self._elsewhere(at, name)
        elif (module, name) not in self.found.definitions:
            definition = at.definitions[name]
            self.found.definitions[module, name] = definition.digest
            self._loose(at)
            for node in definition.imports:
                self._import(at, node, only=name)
            self._inside(at, definition)

    def whole(self, module: str) -> None:
        """Follow everything that a module defines."""
        at = source(module)
        if at is not None and (module, _ALL) not in self.found.definitions:
            self.found.definitions[module, _ALL] = ""
            self._loose(at)
            for name in at.definitions:
                self.name(module, name)

    def _elsewhere(self, at: Source, name: str) -> None:
        if source(f"{at.module}.{name}"):
            self.whole(f"{at.module}.{name}")
            return
        # not seen by a reader of the source: everything that could define it counts
        self.whole(at.module)
        if "__getattr__" in at.definitions:
            beside = sorted(f"{at.module}.{file.stem}" for file in at.path.parent.glob("[!_]*.py"))
            for module in at.modules_named_for(name) or beside:
                self.whole(module)

    def _loose(self, at: Source) -> None:
        if (at.module, _LOOSE) not in self.found.definitions:
            self.found.definitions[at.module, _LOOSE] = at.loose.digest
            self._inside(at, at.loose)
            for node in at.loose.imports:
                self._import(at, node)

    def _inside(self, at: Source, definition: Definition) -> None:
        for use in definition.uses:
            if isinstance(use, ast.Import | ast.ImportFrom):
                self._import(at, use)
            elif isinstance(use, ast.Attribute):
                if use.attr in _HANDED_OUT:
                    self.whole(_HANDED_OUT[use.attr])
            elif use.id in at.definitions:
                self.name(at.module, use.id)

    def _import(self, at: Source, node: ast.Import | ast.ImportFrom, *, only: str | None = None) -> None:
        for alias in node.names:
            bound = alias.asname or (alias.name.partition(".")[0] if isinstance(node, ast.Import) else alias.name)
            if only not in (None, bound):
                continue
            if isinstance(node, ast.Import):
                self._module(alias.name, _ALL)
            else:
                self._module(at.absolute(node), alias.name)

    def _module(self, module: str, name: str) -> None:
        top = module.partition(".")[0]
        if top not in self.project:
            if top not in sys.stdlib_module_names:
                self.found.packages.add(top)
        elif module != _MACHINE and not module.startswith(f"{_MACHINE}.") and source(module):
            if name == _ALL:
                self.whole(module)
            else:
                self.name(module, name)
