"""Where trials come from: keras-tuner's oracles, mended, and a quasi-random one.

Each is `(space, objective, *, trials, seed, …)` and may be given to any `keras_tuner.Tuner(oracle=…)`. `Mended` says
what all have in common.
"""

from textbook.search.oracles.base import Mended
from textbook.search.oracles.bayesian import BayesianOracle
from textbook.search.oracles.grid import GridOracle, combinations, grid_size, grid_values
from textbook.search.oracles.hyperband import HyperbandOracle, Round, cost, plan
from textbook.search.oracles.random import RandomOracle
from textbook.search.oracles.sobol import SobolOracle

__all__ = [
    "BayesianOracle",
    "GridOracle",
    "HyperbandOracle",
    "Mended",
    "RandomOracle",
    "Round",
    "SobolOracle",
    "combinations",
    "cost",
    "grid_size",
    "grid_values",
    "plan",
]
