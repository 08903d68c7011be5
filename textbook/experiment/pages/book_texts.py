"""Texts that a book brings along for pages of its own: a preface, a glossary, its sources' contradictions.

They are TOML files in the package that holds the chapters. A book without such a file has no such page.
"""

import functools
import importlib
import tomllib
from pathlib import Path

from textbook.experiment.pages.text import Text


@functools.cache
def read(package: str, name: str) -> dict | None:
    """The texts of `NAME.toml` beside the chapters, in all languages; None where the book has none."""
    for folder in importlib.import_module(package).__path__:
        path = Path(folder) / f"{name}.toml"
        if path.is_file():
            return tomllib.loads(path.read_text("utf-8"))
    return None


def require(package: str, name: str) -> dict:
    """The same, of a book that has them."""
    texts = read(package, name)
    if texts is None:
        raise ValueError(
            f"expected {name}.toml beside the chapters of {package}, got none: write it, or leave its page out"
        )
    return texts


def text(texts: dict, key: str, code: str) -> Text:
    """A text in the page's language: `texts["ko"]["title"]`, or the English one, marked as such, where that is missing.

    Raises: ValueError where there is none in English either.
    """
    for language in (code, "en"):
        if key in texts.get(language, {}):
            return Text(" ".join(texts[language][key].split()), language, code)
    raise ValueError(f"expected a text {key!r} under [en] and [{code}], got {', '.join(texts)}: write it there")


def paragraphs(texts: dict, key: str, code: str) -> list[Text]:
    """The same, cut at empty lines."""
    for language in (code, "en"):
        if key in texts.get(language, {}):
            return Text(texts[language][key], language, code).paragraphs
    raise ValueError(f"expected a text {key!r} under [en] and [{code}], got {', '.join(texts)}: write it there")
