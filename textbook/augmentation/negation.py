"""The words that turn a sentence's meaning round, found in Korean and English sentences.

A sentence that loses its "not" says the opposite and keeps its label. So these words are what text augmentation must
leave alone. The rules look at the shape of words, not at grammar; they rather protect a word too many.
"""

from collections.abc import Callable, Iterable, Sequence

Protected = Callable[[Sequence[str]], Iterable[int]] | Iterable[str]

_ENGLISH = {"not", "no", "never", "none", "nobody", "nothing", "nowhere", "neither", "nor", "without", "cannot"}
_ENGLISH |= {"hardly", "scarcely", "barely"}
_CONTRACTED = ("n't", "n’t")
_KOREAN = ("안", "못", "아뇨")
# 안 된다, 안 한다 and 못 한다 written as one word, and the forms of 못하다 and 아니다
_KOREAN_STARTS = ("안되", "안돼", "안된", "안될", "안됐", "안됨", "안하", "안해", "안했", "안한", "안할")
_KOREAN_STARTS += ("못하", "못해", "못했", "못한", "못할", "못함", "못합")
_KOREAN_STARTS += ("아니", "아닌", "아닐", "아님", "아닙", "아녔", "아녜", "아냐")
_KOREAN_PARTS = ("않", "없", "지못")  # 좋지않다, 재미없다, 가지못했다
_STOPPING = ("마", "말")  # -지 마라, -지 말자
_MARKS = ".,;:!?…\"'()[]“”‘’«»"


def negations(words: Sequence[str]) -> tuple[int, ...]:
    """Places of the words that negate, counted from 0.

    English: not, n't, never, no, nobody, without, hardly and the like, and what is contracted with n't. Korean: 안, 못,
    못하-, 아니-, whatever contains 않, 없 or 지못, and -지 마, -지 말-. Where the negation stands behind a verb in -지
    (좋지 않다, 가지 못했다, 하지 마라), the verb is a part of it. Case and punctuation at a word's ends do not matter.

    Not found are contractions without their apostrophe, negation by meaning (fail, lack, 모르다) or by prefix (unhappy,
    불편하다), and irony. 안 in the sense of "inside" is taken for a negation; 안에 is not.

    >>> negations("The room was not clean , it isn't cheap .".split())
    (3, 7)
    >>> negations("방은 깨끗하지 않다 .".split()), negations("나는 안 간다 .".split())
    ((1, 2), (1,))
    """
    bare = [word.strip(_MARKS).lower() for word in words]
    found = set()
    for place, word in enumerate(bare):
        behind_ji = place > 0 and bare[place - 1].endswith("지")
        if _negates(word) or (behind_ji and word.startswith(_STOPPING)):
            found |= {place - 1, place} if behind_ji else {place}
    return tuple(sorted(found))


def _negates(word: str) -> bool:
    if word in _ENGLISH or word.endswith(_CONTRACTED):
        return True
    if word.isascii():
        return False
    return word in _KOREAN or word.startswith(_KOREAN_STARTS) or any(part in word for part in _KOREAN_PARTS)


def protected_places(words: Sequence[str], protected: Protected) -> frozenset[int]:
    """The places that `protected` means: what a function of the words returns, or where one of its words stands.

    Raises: ValueError for places that the sentence does not have, and for a word where a list of words is expected.

    >>> sorted(protected_places(["Not", "bad", "."], {"bad"}))
    [1]
    """
    if isinstance(protected, str):
        raise ValueError(
            f"expected protected as a function of the words or a collection of words, got {protected!r}; "
            f"mend by protected=[{protected!r}]"
        )
    if not callable(protected):
        listed = {word.lower() for word in protected}
        return frozenset(place for place, word in enumerate(words) if word.lower() in listed)
    places = frozenset(int(place) for place in protected(words))
    if any(not 0 <= place < len(words) for place in places):
        raise ValueError(
            f"expected protected places from 0 to {len(words) - 1}, got {sorted(places)}; mend the function that is "
            "passed as protected: it takes the list of words and returns places"
        )
    return places
