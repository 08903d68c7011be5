"""Deletion, swap and move of words, by given places: what text augmentation does to a sentence.

A sentence is a string, whose words are what stands between spaces, or a list of words. Words that negate are protected:
they are touched only where the caller says so, and the result then says it too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from textbook.augmentation.negation import Protected, negations, protected_places


@dataclass(frozen=True)
class ChangedText:
    """A sentence made from another one.

    Attributes:
        words: of the new sentence.
        original: words of the sentence that it was made from.
        touched: protected words that were deleted, swapped or moved. Where there are any, ask whether the label stands.
    """

    words: tuple[str, ...]
    original: tuple[str, ...]
    touched: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The new sentence, its words joined by spaces."""
        return " ".join(self.words)

    def __str__(self) -> str:
        return self.text


def delete_words(
    sentence: str | Sequence[str],
    places: Iterable[int],
    *,
    blank: str | None = None,
    protected: Protected = negations,
    touch_protected: bool = False,
) -> ChangedText:
    """Leave words out (단어 생략).

    Args:
        sentence: a string or a list of words.
        places: of the words to delete, counted from 0.
        blank: what stands in the place of each, such as "_____"; None leaves nothing.
        protected: a function (words) → places, or a collection of words, case ignored. Default: those that negate.
        touch_protected: delete protected words as well; `touched` of the result names them.

    Raises: ValueError for a place that is not there, and for a protected one without touch_protected.

    >>> delete_words("나는 학교에 가는 것을 좋아한다 .", [1]).text
    '나는 가는 것을 좋아한다 .'
    >>> delete_words("The room was not clean .", [3], touch_protected=True)
    ChangedText(words=('The', 'room', 'was', 'clean', '.'), original=('The', 'room', 'was', 'not', 'clean', '.'), \
touched=('not',))
    """
    words = words_of(sentence)
    places = _checked(words, places)
    touched = _touched(words, places, protected, touch_protected)
    filling = () if blank is None else (blank,)
    kept = [(word,) if place not in places else filling for place, word in enumerate(words)]
    return ChangedText(tuple(word for part in kept for word in part), words, touched)


def swap_words(
    sentence: str | Sequence[str],
    first: int,
    second: int,
    *,
    protected: Protected = negations,
    touch_protected: bool = False,
) -> ChangedText:
    """Let two words change places (단어 교환); arguments and errors are those of `delete_words`.

    A negation that stays where it is may come to stand before another word: "not good, bad" is not "not bad, good".

    >>> swap_words("나는 학교에 가는 것을 좋아한다 .", 1, 4).text
    '나는 좋아한다 가는 것을 학교에 .'
    """
    words = words_of(sentence)
    places = _checked(words, (first, second))
    touched = _touched(words, places, protected, touch_protected)
    changed = list(words)
    changed[first], changed[second] = changed[second], changed[first]
    return ChangedText(tuple(changed), words, touched)


def move_words(
    sentence: str | Sequence[str],
    place: int,
    *,
    to: int,
    protected: Protected = negations,
    touch_protected: bool = False,
) -> ChangedText:
    """Take a word out and put it in again, so that it stands at the place `to` (단어 이동); see `delete_words`.

    >>> move_words("나는 학교에 가는 것을 좋아한다 .", 1, to=4).text
    '나는 가는 것을 좋아한다 학교에 .'
    """
    words = words_of(sentence)
    _checked(words, (place, to))
    touched = _touched(words, {place}, protected, touch_protected)
    changed = list(words)
    changed.insert(to, changed.pop(place))
    return ChangedText(tuple(changed), words, touched)


def words_of(sentence: str | Sequence[str]) -> tuple[str, ...]:
    """The words of a string, or a list of words as it is.

    Raises: ValueError for anything else.
    """
    if isinstance(sentence, str):
        return tuple(sentence.split())
    if isinstance(sentence, bytes) or not all(isinstance(word, str) for word in sentence):
        raise ValueError(
            f"expected a sentence as a string or a list of words, got {sentence!r:.60}; mend bytes by .decode()"
        )
    return tuple(str(word) for word in sentence)


def _checked(words, places) -> frozenset[int]:
    places = frozenset(places)
    if any(not 0 <= place < len(words) for place in places):
        raise ValueError(
            f"expected places from 0 to {len(words) - 1} of {' '.join(words)!r}, got {sorted(places)}; "
            "words are counted from 0"
        )
    return places


def _touched(words, places, protected, touch_protected) -> tuple[str, ...]:
    hit = tuple(words[place] for place in sorted(protected_places(words, protected) & places))
    if hit and not touch_protected:
        raise ValueError(
            f"expected words that are not protected, got {', '.join(hit)} of {' '.join(words)!r}: without it the label "
            "may be wrong; choose other places, or pass touch_protected=True"
        )
    return hit
