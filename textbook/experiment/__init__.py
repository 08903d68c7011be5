"""What turns a section of the book into a table, a figure and verdicts, and the command line that runs it.

A section imports its words from here: `from textbook.experiment import Claim, Run, paired, HOLDS`. Each name is loaded
when it is first used, because `--list` and the command line's errors must not wait for NumPy.
"""

import importlib

_TESTS = ("contrast", "equivalent", "estimate", "exact", "paired", "share", "slope", "trend")
_WORDS = ("HOLDS", "REVERSED", "FAILS", "NO_DIFFERENCE", "INCONCLUSIVE", "EXACT", "VIOLATED")

# name → the module that defines it
_PUBLIC = {
    "Claim": "textbook.experiment.claims",
    "Judgement": "textbook.statistics.judgement",
    "Run": "textbook.experiment.run",
    "UsageError": "textbook.experiment.errors",
    **dict.fromkeys(_TESTS, "textbook.experiment.verdicts"),
    **dict.fromkeys(_WORDS, "textbook.statistics.judgement"),
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"expected one of {', '.join(__all__)}, got textbook.experiment.{name}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__():
    return __all__
