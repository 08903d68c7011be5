"""Deletion, swap and move of words drawn by chance: copies of sentences, and the same in a tf.data pipeline."""

import itertools
from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np

from textbook.augmentation.negation import Protected, negations, protected_places
from textbook.augmentation.text import ChangedText, words_of
from textbook.seeding import stream


class RandomWords:
    """Draws which words of a sentence are deleted, swapped and moved.

    Each word that is not protected is deleted with probability `delete`, and for each that is left a swap with another
    happens with probability `swap`, and a move to the place of another with probability `move`. So a strength is the
    expected share of words that are deleted, or that begin a swap or a move. Protected words and punctuation that
    stands by itself keep their places, up to the words that are deleted before them; at least one word stays. Deletion
    and swap are RD and RS of Wei and Zou (2019), arXiv:1901.11196.

    Args:
        delete, swap, move: strengths, 0…1.
        protected: a function (words) → places, or a collection of words. Default: those that negate.
        touch_protected: treat protected words as all others; `touched` of a result names those that were hit.

    Raises: ValueError for strengths outside 0…1.

    >>> print(RandomWords(delete=0.3)("The room was not clean and the staff was rude .", seed=1))
    room was not clean and the staff rude .
    """

    def __init__(
        self,
        *,
        delete: float = 0.0,
        swap: float = 0.0,
        move: float = 0.0,
        protected: Protected = negations,
        touch_protected: bool = False,
    ):
        for name, strength in (("delete", delete), ("swap", swap), ("move", move)):
            if not 0 <= strength <= 1:
                raise ValueError(f"expected {name} as a strength from 0 to 1, got {strength!r}; 0.1 is usual")
        self.delete, self.swap, self.move = float(delete), float(swap), float(move)
        self.protected, self.touch_protected = protected, touch_protected

    def __call__(self, sentence: str | Sequence[str], *, seed: int) -> ChangedText:
        """One copy of one sentence; the same seed gives the same copy."""
        words = words_of(sentence)
        return self._changed(words, *self._free(words), stream(seed, "masks"))

    def copies(self, sentences: Iterable[str | Sequence[str]], *, copies: int, seed: int) -> list[ChangedText]:
        """Copies of all sentences: all once, then all again; more copies begin with the fewer.

        Copy k comes from the sentence k modulo their number. Split the data before: a copy must not stand in another
        part than its sentence.
        """
        if isinstance(copies, bool) or not isinstance(copies, int | np.integer) or copies < 1:
            raise ValueError(f"expected copies as a whole number from 1 up, got {copies!r}")
        split, random = [words_of(sentence) for sentence in sentences], stream(seed, "masks")
        prepared = [(words, *self._free(words)) for words in split]
        return [self._changed(*one, random) for _ in range(copies) for one in prepared]

    def over(self, dataset, *, seed: int):
        """A `tf.data.Dataset` of single sentences, or of tuples that begin with one, whose sentences are changed.

        Each pass makes other copies; of one seed the first pass is always the same, and so is the second. Put it before
        `batch`, and before the text is turned into numbers. The words are changed in Python, sentence by sentence.

        Args:
            dataset: elements text or (text, label, …), text a scalar string.
            seed: of the copies.

        Raises: ValueError for elements that do not begin with a scalar string.
        """
        import tensorflow as tf  # here, because changing sentences in lists needs no TensorFlow

        first = dataset.element_spec[0] if isinstance(dataset.element_spec, tuple) else dataset.element_spec
        if not isinstance(first, tf.TensorSpec) or first.dtype != tf.string or first.shape.rank != 0:
            raise ValueError(
                f"expected a dataset of single sentences or tuples that begin with one, got {dataset.element_spec}; "
                "mend batches by .unbatch(), and augment before TextVectorization"
            )

        passes = itertools.count()

        def numbers():
            yield from iter(partial(stream(seed, f"pass {next(passes)}").integers, 2**31), None)

        def changed(text, number):
            return self(text.decode(), seed=int(number)).text.encode()

        def with_change(number, *element):
            text, *rest = element[0] if isinstance(element[0], tuple) else element
            new = tf.ensure_shape(tf.numpy_function(changed, [text, number], tf.string), ())
            return (new, *rest) if isinstance(dataset.element_spec, tuple) else new

        numbered = tf.data.Dataset.from_generator(numbers, output_signature=tf.TensorSpec((), tf.int64))
        # said to be endless, so that the length of the dataset stays known and `fit` finds its end without a warning
        numbered = numbered.apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))
        return tf.data.Dataset.zip(numbered, dataset).map(with_change)

    def _free(self, words: tuple[str, ...]) -> tuple[list[int], frozenset[int]]:
        """(places of the words that may be drawn, places of the protected words)."""
        guarded = protected_places(words, self.protected)
        spoken = [place for place, word in enumerate(words) if any(letter.isalnum() for letter in word)]
        return [place for place in spoken if self.touch_protected or place not in guarded], guarded

    def _changed(self, words: tuple[str, ...], free: list[int], guarded: frozenset[int], random) -> ChangedText:
        order, touched = list(range(len(words))), set()
        if self.delete and free:
            hit = random.random(len(free)) < self.delete
            if hit.all() and guarded <= set(free):
                hit[random.integers(len(free))] = False
            gone = {place for place, drawn in zip(free, hit.tolist(), strict=True) if drawn}
            touched |= gone & guarded
            order = [place for place in order if place not in gone]
            free = [place for place in free if place not in gone]
        if self.swap and len(free) > 1:
            for one, other in _pairs(free, self.swap, random):
                here, there = order.index(one), order.index(other)
                order[here], order[there] = order[there], order[here]
                touched |= {one, other} & guarded
        if self.move and len(free) > 1:
            # words that may not be drawn keep their slots, and the others move past them
            slots = [slot for slot, place in enumerate(order) if place in free]
            moving = [order[slot] for slot in slots]
            for one, other in _pairs(free, self.move, random):
                there = moving.index(other)
                moving.remove(one)
                moving.insert(there, one)
                touched |= {one} & guarded
            for slot, place in zip(slots, moving, strict=True):
                order[slot] = place
        new, hurt = ([words[place] for place in places] for places in (order, sorted(touched)))
        return ChangedText(tuple(new), words, tuple(hurt))


def _pairs(places: list[int], strength: float, random) -> list[tuple[int, int]]:
    """Pairs of two different places, as many as places × strength in the mean."""
    count = random.binomial(len(places), strength)
    first = random.integers(len(places), size=count)
    second = (first + random.integers(1, len(places), size=count)) % len(places)
    return [(places[one], places[other]) for one, other in zip(first, second, strict=True)]
