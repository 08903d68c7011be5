"""Hyperparameter search on keras-tuner: reproducible, stacked, and honest about what it found.

`random_search`, `sobol_search`, `grid_search`, `bayesian_search` and `hyperband` take a keras-tuner model builder and a
split, and return a `SearchResult`: the table of trials, their curves, the best, where the best lies in its ranges,
which hyperparameter mattered, what the winner scores with fresh seeds. `coarse_to_fine` links several of them, each in
the ranges that the last one left. `one_minus` declares a momentum on its scale. `efficiency`, `compare_designs` and
`hit_probability` set random search beside grids; `expected_best` says what it would have found from another range or on
another scale.

`tuners` has keras-tuner's own calls, `oracles` its oracles with their faults mended. Importing this package loads no
Keras: each name is loaded when it is first used.
"""

import importlib

# name → module that holds it; None for modules
_PUBLIC = {
    "CoarseToFine": "stages",
    "SearchResult": "result",
    "Stage": "stages",
    "bayesian_search": "search",
    "bowl": "designs",
    "coarse_to_fine": "stages",
    "compare_designs": "designs",
    "draw_designs": "designs",
    "efficiency": "best_of_n",
    "expected_best": "reweighted",
    "grid_search": "search",
    "hit_probability": "volume",
    "hyperband": "search",
    "one_minus": "space",
    "oracles": None,
    "random_search": "search",
    "random_trials_needed": "volume",
    "sobol_search": "search",
    "tuners": None,
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"expected one of {', '.join(__all__)}, got textbook.search.{name}")
    holder = _PUBLIC[name]
    loaded = importlib.import_module(f"textbook.search.{holder or name}")
    return loaded if holder is None else getattr(loaded, name)


def __dir__():
    return __all__
