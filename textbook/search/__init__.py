"""Hyperparameter search on keras-tuner: reproducible, stacked, and honest about what it found.

`random_search`, `sobol_search`, `grid_search`, `bayesian_search` and `hyperband` take a keras-tuner model builder and a
split, and return a `SearchResult`: the table of trials, their curves, the best, where the best lies in its ranges,
which hyperparameter mattered, what the winner scores with fresh seeds. `one_minus` declares a momentum on its scale.
`oracles` has keras-tuner's oracles with their faults mended, for `keras_tuner.Tuner(oracle=…)` as well.
"""

from textbook.search.result import SearchResult
from textbook.search.search import bayesian_search, grid_search, hyperband, random_search, sobol_search
from textbook.search.space import one_minus

__all__ = [
    "SearchResult",
    "bayesian_search",
    "grid_search",
    "hyperband",
    "one_minus",
    "random_search",
    "sobol_search",
]
