"""Seeds: one number stands for a split, initial weights, a data order and masks, each from a stream of its own.

Streams of one seed are independent of each other, so two runs can share their split and differ in their weights.
"""

import itertools
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

PURPOSES = ("split", "weights", "order", "masks")


def sequence(seed: int, purpose: str) -> np.random.SeedSequence:
    """The seed sequence of one purpose: entropy `seed`, keyed by the purpose's name.

    The key is a checksum of the word, not Python's `hash`, which changes from process to process.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"expected a seed as a whole number from 0 up, got {seed!r}; pass for instance 0 or 1000")
    return np.random.SeedSequence(int(seed), spawn_key=(zlib.crc32(purpose.encode()),))


def stream(seed: int, purpose: str) -> np.random.Generator:
    """A random generator for one purpose of one seed; other purposes of the same seed are independent of it.

    >>> bool(stream(0, "split").integers(100) == stream(0, "split").integers(100))
    True
    >>> stream(0, "split").random() == stream(0, "weights").random()
    False
    """
    return np.random.default_rng(sequence(seed, purpose))


def word(seed: int, purpose: str) -> int:
    """A 31-bit number from a purpose's stream, for libraries that take a plain integer seed."""
    return int(sequence(seed, purpose).generate_state(1, np.uint32)[0] >> 1)


@dataclass(frozen=True)
class ReplicaSeed:
    """The four seeds of one replica."""

    split: int
    weights: int
    order: int
    masks: int

    @classmethod
    def same(cls, seed: int) -> "ReplicaSeed":
        """All four purposes from one number, as a plain seed means it."""
        return cls(seed, seed, seed, seed)


@dataclass(frozen=True)
class Seeds:
    """Hold or cross the four sources of randomness: a number holds one, several numbers cross it with the others.

    Iterating yields one `ReplicaSeed` per combination, in the order of nested loops (masks fastest).

    >>> len(list(Seeds(split=range(8), weights=range(8), order=range(4), masks=0)))
    256
    """

    split: int | Iterable[int]
    weights: int | Iterable[int]
    order: int | Iterable[int]
    masks: int | Iterable[int]

    def __post_init__(self):
        for purpose in PURPOSES:
            given = getattr(self, purpose)
            values = (given,) if isinstance(given, int | np.integer) else tuple(given)
            if not values:
                raise ValueError(f"expected at least one seed for {purpose!r}, got none; pass a number to hold it")
            object.__setattr__(self, purpose, values)

    def __iter__(self) -> Iterator[ReplicaSeed]:
        for values in itertools.product(*(getattr(self, purpose) for purpose in PURPOSES)):
            yield ReplicaSeed(*values)
