"""What fewer seeds would have concluded: how often each verdict comes out, from a pool of differences.

The pool is one claim measured on many seeds. Two ways to take S of them, and what each is good for:

- disjoint groups, in the order of the seeds: each group is an experiment of its own, so their words may be judged as
  independent events; there are only ⌊N/S⌋ of them.
- draws with replacement: as many as one likes, for a smooth curve over S. They are exact for a world whose differences
  follow the pool. Without replacement a mean would vary by σ²/S · (N − S)/(N − 1) only, and at S = N every draw would
  agree with the pool by construction. What no resampling mends: the pool's own mean is off by about σ/√N, and its
  spread is too small by √(1 − 1/N), which for a pool of four is 13 %.
"""

import numpy as np

from textbook.seeding import stream
from textbook.statistics.intervals import mean_interval
from textbook.statistics.judgement import FAILS, HOLDS, INCONCLUSIVE, NO_DIFFERENCE, REVERSED
from textbook.statistics.rules import five_way, paired_verdict

FIVE_WORDS = (HOLDS, REVERSED, NO_DIFFERENCE, FAILS, INCONCLUSIVE)
# (a, b): what a says rules out what b says; "inconclusive" rules out nothing
_CONTRADICTIONS = {(HOLDS, REVERSED), (HOLDS, NO_DIFFERENCE), (HOLDS, FAILS), (REVERSED, NO_DIFFERENCE)}


def contradicts(word: str, other: str) -> bool:
    """Whether two verdicts on one claim cannot both be right.

    A word may differ from another without contradicting it: "inconclusive" goes with every word, and "fails" (the
    claimed size is ruled out) with "reversed" and with "no difference".

    >>> contradicts("holds", "reversed"), contradicts("inconclusive", "holds"), contradicts("reversed", "fails")
    (True, False, False)
    """
    for given in (word, other):
        if given not in FIVE_WORDS:
            raise ValueError(f"expected a word among {', '.join(FIVE_WORDS)}, got {given!r}; mend by one of these")
    return bool({(word, other), (other, word)} & _CONTRADICTIONS)


def bare_words(means, delta: float) -> np.ndarray:
    """What a reader concludes who compares two means and has no interval: which is ahead by δ or more, if any is.

    >>> bare_words([0.02, -0.01, 0.004], 0.01).tolist()
    ['holds', 'reversed', 'no difference']
    """
    means = _finite(means)
    return five_way(means, means, means, delta)  # an interval without width


def disjoint_groups(pool, size: int) -> np.ndarray:
    """The pool cut into ⌊N/size⌋ groups in its own order, (groups, size); what is left over belongs to none.

    >>> disjoint_groups([1, 2, 3, 4, 5], 2).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    pool = _checked_pool(pool)
    if not 1 <= size <= len(pool):
        raise ValueError(f"expected groups of 1 to {len(pool)} seeds, which the pool has, got {size}; mend by fewer")
    groups = len(pool) // size
    return pool[: groups * size].reshape(groups, size)


def words_of(groups, delta: float) -> np.ndarray:
    """The verdict of each group of differences, (…, seeds) → (…); of one seed, which has no interval, "inconclusive".

    >>> words_of([[0.02, 0.03, 0.025, 0.03], [0.05, -0.06, 0.02, 0.0]], 0.01).tolist()
    ['holds', 'inconclusive']
    """
    groups = _finite(groups)
    if groups.ndim and groups.shape[-1] == 1:
        return np.full(groups.shape[:-1], INCONCLUSIVE)
    low, high = mean_interval(groups)
    return five_way(groups.mean(axis=-1), low, high, delta)


def word_shares(pool, seeds: int, *, delta: float, bare: bool = False, draws: int = 4000, seed: int = 0) -> dict:
    """How often each verdict comes out of an experiment with so many seeds, if differences follow the pool.

    Args:
        pool: differences, one per seed, positive in the claimed direction, in the unit of `delta`.
        seeds: of one experiment, drawn from the pool with replacement.
        delta: smallest effect of interest.
        bare: judge means without an interval, by `bare_words`.
        draws: experiments; a share p has a standard error of √(p(1 − p)/draws).
        seed: of the draws.

    Returns: {word: share}, for all of `FIVE_WORDS`.

    >>> shares = word_shares([0.02, 0.03, 0.025, 0.03], 3, delta=0.01)
    >>> shares["holds"] > 0.8, shares["reversed"]
    (True, 0.0)
    """
    pool = _checked_pool(pool)
    if seeds < 1 or draws < 1:
        raise ValueError(f"expected at least one seed and one draw, got {seeds} and {draws}")
    drawn = pool[stream(seed, "replication").integers(len(pool), size=(draws, seeds))]
    words = bare_words(drawn.mean(axis=-1), delta) if bare else words_of(drawn, delta)
    return {word: float(np.mean(words == word)) for word in FIVE_WORDS}


def seeds_to_agree(
    pool, *, delta: float, share: float = 0.8, most: int = 64, draws: int = 2000, seed: int = 0
) -> int | None:
    """The fewest seeds from which on the pool's own word comes out at least so often; None where `most` are too few.

    What to ask of a pilot run: with how many seeds would others have come to the same conclusion?

    Args:
        pool, delta, draws, seed: as for `word_shares`.
        share: of the experiments that must agree with the pool.
        most: seeds to try.

    Raises: ValueError for a pool that is inconclusive itself: with few seeds everything agrees with that; for a share
        that is none, and for `most` below 2.

    >>> seeds_to_agree([0.02, 0.03, 0.025, 0.03, 0.02, 0.035], delta=0.01)
    3
    """
    pool = _checked_pool(pool)
    if not 0 < share <= 1 or most < 2:
        raise ValueError(f"expected a share above 0 and up to 1, and most from 2 up, got {share} and {most}")
    word = paired_verdict(pool, delta).verdict
    if word == INCONCLUSIVE:
        raise ValueError(f"expected a pool that says something, got {len(pool)} seeds that are inconclusive; run more")
    enough = None
    for seeds in range(most, 1, -1):
        if word_shares(pool, seeds, delta=delta, draws=draws, seed=seed)[word] < share:
            break
        enough = seeds
    return enough


def _finite(values) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    if not np.isfinite(values).all():
        raise ValueError(
            f"expected finite differences, got {np.count_nonzero(~np.isfinite(values))} that are not; mend by counting "
            "diverged runs at the level of a guess"
        )
    return values


def _checked_pool(pool) -> np.ndarray:
    pool = _finite(pool)
    if pool.ndim != 1 or len(pool) < 2:
        raise ValueError(
            f"expected two or more differences, one per seed, got an array of shape {pool.shape}; mend by more seeds"
        )
    return pool
