"""Which weights to check: some of every tensor, so that no small one is missed."""

import numpy as np

from textbook import seeding


def stratified(sizes, coordinates: int | str, *, seed: int = 0) -> list[np.ndarray]:
    """For each tensor the flat indices to check, in order: drawn without repetition, or all where it has no more.

    Twenty of the 4,810 weights of a 64-64-10 network, drawn from all of them, miss every bias with probability 73 %.

    Args:
        sizes: numbers of weights, one a tensor.
        coordinates: how many of each tensor, or "all".

    Raises: ValueError for a number below 1, or another word.

    >>> [len(chosen) for chosen in stratified([4096, 64, 640, 10], 20)]
    [20, 20, 20, 10]
    """
    whole = isinstance(coordinates, int | np.integer) and not isinstance(coordinates, bool)
    if coordinates != "all" and not (whole and coordinates >= 1):
        raise ValueError(f"expected coordinates as a whole number from 1, or 'all', got {coordinates!r}; mend by 20")
    chosen = []
    for place, size in enumerate(sizes):
        if coordinates == "all" or size <= coordinates:
            chosen.append(np.arange(size))
        else:
            random = seeding.stream(seed, f"coordinates of tensor {place}")
            chosen.append(np.sort(random.choice(size, int(coordinates), replace=False)))
    return chosen
