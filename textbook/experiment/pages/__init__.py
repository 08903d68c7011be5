"""The book as pages to read: written from the records of a run, as plain files that open without a network.

Nothing here is loaded before a page is written, because `--list` must not wait for Jinja2 and Pygments.
"""

import importlib

# name → the module that defines it
_PUBLIC = {
    "Language": "textbook.experiment.pages.language",
    "anchor": "textbook.experiment.pages.links",
    "write": "textbook.experiment.pages.site",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"expected one of {', '.join(__all__)}, got textbook.experiment.pages.{name}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__():
    return __all__
