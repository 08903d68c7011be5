"""Planted mistakes: gradients and trainings that are wrong in a known way, to see what checks find and what they miss.

`WestonWatkins` is a support vector machine in NumPy with right and wrong gradients, `gradients` holds Keras layers with
wrong ones, `training` plants mistakes in a training. Importing this package loads no Keras: each name is loaded when it
is first used.
"""

import importlib

# name → module that holds it; None for modules
_PUBLIC = {
    "WestonWatkins": "svm",
    "gradients": None,
    "svm": None,
    "training": None,
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"expected one of {', '.join(__all__)}, got textbook.checks.bug_zoo.{name}")
    holder = _PUBLIC[name]
    loaded = importlib.import_module(f"textbook.checks.bug_zoo.{holder or name}")
    return loaded if holder is None else getattr(loaded, name)


def __dir__():
    return __all__
