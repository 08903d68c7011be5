"""A digest of the code that a function reaches, found in the sources without importing them.

From the function's definition the walk follows names: to other definitions of its module, through imports to those of
the project's other modules, and on. Docstrings and comments do not count, nor does what is never reached, so a change
to `draw`, to a claim's wording or to a plot leaves a table's digest as it was.
"""

import ast
import hashlib
import importlib.util
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

# The machine itself shapes no table, except through what a `Run` hands out: its data, and what `--quick` shrinks.
_MACHINE = "textbook.experiment"
_HANDED_OUT = {
    **dict.fromkeys(("splits", "data"), "textbook.experiment.data_choice"),
    **dict.fromkeys(("epochs", "seeds_for", "tuning"), "textbook.experiment.quick"),
}
_PROJECT = ("textbook", "chapters", "data")


@dataclass
class Reach:
    """What a walk has found: {(module, name): digest of the definition}, and imported packages of others."""

    definitions: dict[tuple[str, str], str] = field(default_factory=dict)
    packages: set[str] = field(default_factory=set)

    @property
    def digest(self) -> str:
        """SHA-256 over all definitions reached."""
        lines = [f"{module} {name} {digest}" for (module, name), digest in sorted(self.definitions.items())]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    @property
    def modules(self) -> set[str]:
        return {module for module, _ in self.definitions}


@dataclass(frozen=True)
class _Source:
    """A module's statements: those that bind a name, by name, and those that always run."""

    module: str
    bound: dict[str, list[ast.stmt]]
    loose: list[ast.stmt]
    package: bool
    path: Path


def reach(module: str, *names: str) -> Reach:
    """All project code that the functions `names` of `module` can reach."""
    walk = _Walk(project=(*_PROJECT, module.partition(".")[0]))
    for name in names:
        walk.name(module, name)
    return walk.found


class _Walk:
    def __init__(self, *, project: tuple[str, ...]):
        self.project = project
        self.found = Reach()

    def name(self, module: str, name: str) -> None:
        """Follow a name that a module binds; one that it does not bind is a submodule, lazy, or Python's own."""
        source = _source(module)
        if (module, name) in self.found.definitions:
            return
        if name not in source.bound:
            self._elsewhere(source, name)
            return
        self._always(source)
        imports = [node for node in source.bound[name] if isinstance(node, ast.Import | ast.ImportFrom)]
        others = [node for node in source.bound[name] if node not in imports]
        self.found.definitions[module, name] = _digest(others)
        for node in imports:
            self._import(source, node, only=name)
        for node in others:
            self._inside(source, node)

    def whole(self, module: str) -> None:
        """Follow everything that a module binds."""
        source = _source(module)
        if source is None or (module, "*") in self.found.definitions:
            return
        self.found.definitions[module, "*"] = ""
        self._always(source)
        for name in source.bound:
            self.name(module, name)

    def _elsewhere(self, source: _Source, name: str) -> None:
        if _source(f"{source.module}.{name}"):
            self.whole(f"{source.module}.{name}")
        elif "__getattr__" in source.bound:
            self._lazy(source, name)

    def _lazy(self, source: _Source, name: str) -> None:
        """A name that a package loads on first use: the modules its table of names gives, or the whole package."""
        self.whole(source.module)
        named = _named_modules(source, name)
        if not named:
            named = sorted(f"{source.module}.{file.stem}" for file in source.path.parent.glob("[!_]*.py"))
        for module in named:
            self.whole(module)

    def _always(self, source: _Source) -> None:
        if (source.module, "") not in self.found.definitions:
            self.found.definitions[source.module, ""] = _digest(source.loose)
            for node in source.loose:
                self._inside(source, node)

    def _inside(self, source: _Source, node: ast.stmt) -> None:
        for used in _uses(node):
            if isinstance(used, ast.Import | ast.ImportFrom):
                self._import(source, used)
            elif isinstance(used, ast.Attribute):
                self.whole(_HANDED_OUT[used.attr])
            elif used.id in source.bound:
                self.name(source.module, used.id)

    def _import(self, source: _Source, node: ast.Import | ast.ImportFrom, *, only: str | None = None) -> None:
        for alias in node.names:
            if only not in (None, alias.asname or alias.name, (alias.asname or alias.name).partition(".")[0]):
                continue
            if isinstance(node, ast.Import):
                self._module(alias.name, None)
            else:
                self._module(_absolute(source, node), alias.name)

    def _module(self, module: str, name: str | None) -> None:
        top = module.partition(".")[0]
        if top not in self.project:
            self.found.packages.add(top)
        elif module != _MACHINE and not module.startswith(f"{_MACHINE}.") and _source(module):
            if name in (None, "*"):
                self.whole(module)
            else:
                self.name(module, name)


def _uses(node: ast.stmt):
    """Names, imports, and `run.splits`, `run.epochs` … in a statement; annotations run nothing."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, ast.Name | ast.Import | ast.ImportFrom):
            yield current
        if (
            isinstance(current, ast.Attribute)
            and isinstance(current.value, ast.Name)
            and current.value.id == "run"
            and current.attr in _HANDED_OUT
        ):
            yield current
        for field_name, value in ast.iter_fields(current):
            if field_name not in ("annotation", "returns"):
                waiting += [child for child in (value if isinstance(value, list) else [value]) if _is_node(child)]


def _is_node(value) -> bool:
    return isinstance(value, ast.AST)


def _absolute(source: _Source, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module
    parts = source.module.split(".")
    base = parts[: len(parts) - node.level + source.package]
    return ".".join(base + ([node.module] if node.module else []))


def _named_modules(source: _Source, name: str) -> list[str]:
    """Modules named in the entry of `name` in a package's table of lazily loaded names."""
    found = []
    for statements in source.bound.values():
        for node in (inner for statement in statements for inner in ast.walk(statement)):
            if isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(key, ast.Constant) and key.value == name:
                        texts = [part.value for part in ast.walk(value) if isinstance(part, ast.Constant)]
                        for text in (text for text in texts if isinstance(text, str)):
                            found += [m for m in (text, f"{source.module}.{text}") if "." in m and _source(m)]
    return found


@cache
def _source(module: str) -> _Source | None:
    path = _file(module)
    if path is None:
        return None
    tree = _without_docstrings(ast.parse(path.read_text(encoding="utf-8")))
    bound: dict[str, list[ast.stmt]] = {}
    loose: list[ast.stmt] = []
    for node in tree.body:
        names = _names(node)
        for name in names:
            bound.setdefault(name, []).append(node)
        if not names:
            loose.append(node)
    return _Source(module, bound, loose, path.name == "__init__.py", path)


def _names(node: ast.stmt) -> list[str]:
    """The names that a top-level statement binds, where that is all it does."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [node.name]
        case ast.Import():
            return [alias.asname or alias.name.partition(".")[0] for alias in node.names]
        case ast.ImportFrom():
            return [alias.asname or alias.name for alias in node.names if alias.name != "*"]
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            return [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]
    return []


@cache
def _file(module: str) -> Path | None:
    """Where a project module's source is; only the top package is asked for, because asking imports its parents."""
    top, *rest = module.split(".")
    spec = importlib.util.find_spec(top)
    if spec is None or not spec.submodule_search_locations:
        return None
    for folder in spec.submodule_search_locations:
        path = Path(folder, *rest)
        for candidate in (path / "__init__.py", path.with_name(f"{path.name}.py")):
            if candidate.is_file():
                return candidate
    return None


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:] or [ast.Pass()]
    return tree


def _digest(nodes: list[ast.stmt]) -> str:
    return hashlib.sha256("\n".join(ast.dump(node) for node in nodes).encode()).hexdigest()


def digest_of(*texts: str) -> str:
    """SHA-256 over several texts, each with its length, so that moving a border between them shows."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(f"{len(text)}:{text}".encode())
    return digest.hexdigest()
