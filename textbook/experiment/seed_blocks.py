"""The blocks of seeds: tuning 0–99, judging from 1000, second judging 2000–2031; and `--seeds` as users write it."""

from textbook.experiment import quick as quickly
from textbook.experiment.errors import UsageError

TUNING = 0
JUDGING = 1000
SECOND = tuple(range(2000, 2032))
COUNT = 16


def default(*, quick: bool) -> tuple[int, ...]:
    """The seeds of a run that asks for none: the judging block's first 16, or fewer when quick."""
    return tuple(range(JUDGING, JUDGING + (quickly.SEEDS if quick else COUNT)))


def parse(text: str) -> tuple[int, ...]:
    """The seeds that a text means: a count of the judging block, ranges, or a list.

    >>> parse("3")
    (1000, 1001, 1002)
    >>> parse("2000-2002,7")
    (2000, 2001, 2002, 7)
    """
    parts = [part.strip() for part in text.split(",")]
    try:
        if len(parts) == 1 and "-" not in text:
            count = int(text)
            if not 1 <= count <= SECOND[0] - JUDGING:
                raise ValueError(text)
            return tuple(range(JUDGING, JUDGING + count))
        seeds = tuple(seed for part in parts if part for seed in _range(part))
        if not seeds or len(set(seeds)) != len(seeds):
            raise ValueError(text)
    except ValueError:
        raise UsageError(
            f"expected seeds as a count from 1 to {SECOND[0] - JUDGING} such as 16, a range such as 1000-1015 "
            f"or a list without repeats such as 1,2,3, got {text!r}"
        ) from None
    return seeds


def _range(part: str) -> range:
    first, dash, last = part.partition("-")
    start, stop = int(first), int(last) if dash else int(first)
    if stop < start or stop - start >= 10_000:
        raise ValueError(part)
    return range(start, stop + 1)
