"""A regression with two weights whose loss is a slanted valley: what descents are drawn on."""

import numpy as np

from textbook.seeding import stream
from textbook.surfaces import LeastSquares


def slanted_valley(seed: int, *, rows: int, part: str) -> LeastSquares:
    """Linear regression with two weights, on inputs that are correlated, so that the valley lies slanted.

    Args:
        rows: of the regression.
        part: names the seed's stream of random numbers, one for each use.
    """
    random = stream(seed, part)
    x = random.normal(size=(rows, 2)) @ np.array([[1.0, 0.45], [0.0, 0.75]])
    return LeastSquares(x, x @ np.array([1.0, 0.5]) + random.normal(size=rows))
