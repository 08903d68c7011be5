"""Names of pages and of places on them, the same in both languages."""

import posixpath
from urllib.parse import quote

LANGUAGES = ("en", "ko")


def page(name: str, code: str, *, chapter: str | None = None) -> str:
    """A page's path below the output folder.

    >>> page("index", "ko", chapter="ch4")
    'ch4/index.ko.html'
    """
    if code not in LANGUAGES:
        raise ValueError(f"expected a language among {', '.join(LANGUAGES)}, got {code!r}")
    file = f"{name}.html" if code == "en" else f"{name}.{code}.html"
    return file if chapter is None else f"{chapter}/{file}"


def anchor(id: str) -> str:
    """Where a claim stands on its chapter's page: its id, which stays readable.

    >>> anchor("4.7.2.1-a/loss")
    'claim-4.7.2.1-a-loss'
    """
    return f"claim-{id.replace('/', '-')}"


def place(section: str) -> str:
    """Where a section begins on its chapter's page.

    >>> place("step_decay")
    'step-decay'
    """
    return section.replace("_", "-")


def href(target: str, *, at: str) -> str:
    """A link from one page to another, or to a place on it; both paths count from the output folder.

    >>> href("ch4/index.html#step-decay", at="ch5/index.html")
    '../ch4/index.html#step-decay'
    >>> href("ch4/index.html#step-decay", at="ch4/index.html")
    '#step-decay'
    """
    path, mark, place = target.partition("#")
    if mark and path == at:
        return f"#{quote(place)}"
    relative = posixpath.relpath(path, posixpath.dirname(at) or ".")
    return quote(relative) + mark + quote(place)
