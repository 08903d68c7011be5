"""How much `--quick` shrinks: seeds and epochs, never the code path."""

SEEDS = 4


def fewer(count: int) -> int:
    """A quarter, but at least two: two epochs or seeds still make a curve and a spread.

    >>> [fewer(n) for n in (1, 2, 20, 30)]
    [1, 2, 5, 7]
    """
    return min(count, max(2, count // 4))
