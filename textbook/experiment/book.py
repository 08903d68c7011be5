"""Finding chapters and their sections, and picking sections by name or number."""

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from textbook.experiment import outline
from textbook.experiment.errors import UsageError, nearest
from textbook.experiment.outline import Outline


@dataclass(frozen=True)
class Chapter:
    """A package with SECTIONS: its short name ("ch4"), its title, and its sections' outlines in book order."""

    name: str
    title: str
    sections: tuple[Outline, ...]


def chapters(package: str) -> tuple[Chapter, ...]:
    """The chapter that a package is, or, for the book's own package, all chapters in it by name."""
    loaded = importlib.import_module(package)
    if hasattr(loaded, "SECTIONS"):
        return (_chapter(loaded),)
    inside = sorted(info.name for info in pkgutil.iter_modules(loaded.__path__) if info.ispkg)
    packages = [importlib.import_module(f"{package}.{name}") for name in inside]
    return tuple(_chapter(found) for found in packages if hasattr(found, "SECTIONS"))


def _chapter(package) -> Chapter:
    folder = Path(package.__path__[0])
    title = getattr(package, "TITLE", None) or (package.__doc__ or "").strip().partition("\n")[0]
    sections = tuple(outline.read(f"{package.__name__}.{name}", folder / f"{name}.py") for name in package.SECTIONS)
    return Chapter(package.__name__.rpartition(".")[2], title, sections)


def choose(sections: Sequence[Outline], wanted: Iterable[str]) -> tuple[Outline, ...]:
    """The sections whose name or number is among `wanted`, in book order; all of them if nothing is wanted.

    Raises: UsageError for a word that is neither, with the nearest name.
    """
    wanted = [word.replace("-", "_") for word in wanted]
    known = {section.name for section in sections} | {section.number for section in sections}
    for word in wanted:
        if word not in known:
            hint = nearest(word, sorted(known)) or "; see --list"
            raise UsageError(f"expected a section's name or number, got {word!r}{hint}")
    if not wanted:
        return tuple(sections)
    return tuple(section for section in sections if section.name in wanted or section.number in wanted)
