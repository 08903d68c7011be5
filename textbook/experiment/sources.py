"""The project's modules as syntax trees, found and parsed without importing them."""

import ast
import hashlib
import importlib.util
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Definition:
    """What a name stands for in a module: the imports that bind it, its other statements, and what these use.

    Attributes:
        imports: `import` and `from … import` statements that bind the name.
        digest: SHA-256 of the other statements, without docstrings and comments.
        uses: nodes that run when they do: names, imports, and attributes of `run`. Annotations run nothing.
    """

    imports: tuple[ast.Import | ast.ImportFrom, ...]
    digest: str
    uses: tuple[ast.Name | ast.Import | ast.ImportFrom | ast.Attribute, ...]


@dataclass(frozen=True)
class Source:
    """A module: its definitions by name, and `loose`, the statements that bind none and always run.

    `reached` is where `fingerprint.reach` keeps what it found from here, for as long as this source is current.
    """

    module: str
    definitions: dict[str, Definition]
    loose: Definition
    path: Path
    reached: dict = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"

    def absolute(self, node: ast.ImportFrom) -> str:
        """The dotted name of the module that a `from … import` names, relative or not."""
        if not node.level:
            return node.module
        parts = self.module.split(".")
        base = parts[: len(parts) - node.level + self.is_package]
        return ".".join(base + ([node.module] if node.module else []))

    def modules_named_for(self, name: str) -> list[str]:
        """Modules that a package's table of lazily loaded names gives for a name: `{"name": ("module", …)}`."""
        tree = ast.parse(self.path.read_text(encoding="utf-8"))
        found = []
        for table in (node for node in ast.walk(tree) if isinstance(node, ast.Dict)):
            for key, value in zip(table.keys, table.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == name:
                    texts = [part.value for part in ast.walk(value) if isinstance(part, ast.Constant)]
                    found += [text for text in texts if isinstance(text, str) and "." in text and source(text)]
        return found


@cache
def source(module: str) -> Source | None:
    """A module's source by dotted name; None for what has none, such as compiled or missing modules."""
    path = _file(module)
    if path is None:
        return None
    tree = _without_docstrings(ast.parse(path.read_text(encoding="utf-8")))
    bound: dict[str, list[ast.stmt]] = {}
    loose: list[ast.stmt] = []
    for node in tree.body:
        names = bound_names(node)
        for name in names:
            bound.setdefault(name, []).append(node)
        if not names:
            loose.append(node)
    definitions = {name: _definition(nodes) for name, nodes in bound.items()}
    return Source(module, definitions, _definition(loose), path)


def _definition(nodes: list[ast.stmt]) -> Definition:
    imports = tuple(node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom))
    others = [node for node in nodes if node not in imports]
    digest = hashlib.sha256("\n".join(ast.dump(node) for node in others).encode()).hexdigest()
    # a name used twenty times leads to the same place
    uses = {getattr(use, "id", None) or (getattr(use, "attr", use),): use for node in others for use in _uses(node)}
    return Definition(imports, digest, tuple(uses.values()))


def _uses(node: ast.stmt):
    waiting: list[ast.AST] = [node]
    while waiting:
        current = waiting.pop()
        of_run = (
            isinstance(current, ast.Attribute) and isinstance(current.value, ast.Name) and current.value.id == "run"
        )
        if of_run or isinstance(current, ast.Name | ast.Import | ast.ImportFrom):
            yield current
        for name, value in ast.iter_fields(current):
            if name not in ("annotation", "returns"):
                children = value if isinstance(value, list) else [value]
                waiting += [child for child in children if isinstance(child, ast.AST)]


def bound_names(node: ast.stmt) -> list[str]:
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


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            match node.body:
                case [ast.Expr(value=ast.Constant(value=str())), *rest]:
                    node.body = rest or [ast.Pass()]
    return tree


@cache
def _file(module: str) -> Path | None:
    """Where a module's source is. Only the top name is asked of Python, because asking for more imports the parents."""
    top, *rest = module.split(".")
    spec = importlib.util.find_spec(top) if top != "__main__" else None
    if spec is None:
        return None
    if not spec.submodule_search_locations:
        return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") and not rest else None
    for folder in spec.submodule_search_locations:
        path = Path(folder, *rest)
        for candidate in (path / "__init__.py", path.with_name(f"{path.name}.py")):
            if candidate.is_file():
                return candidate
    return None
