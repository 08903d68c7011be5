"""Short opinions in Korean and English, made from templates, whose label depends on negation and on the order of words.

A sentence has one clause or two. Of two, the second decides; it stands behind "but", or behind an ending in 지만. Half
of all clauses are negated. So "the food was bad but the room was good" is favourable, and the same words in another
order are not.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from textbook.augmentation import negations
from textbook.seeding import stream

FAVOURABLE, UNFAVOURABLE = 1, 0
_NOUNS = ("food", "room", "coffee", "music", "service", "film")
_ADJECTIVES = {
    FAVOURABLE: ("good", "great", "pleasant", "fine"),
    UNFAVOURABLE: ("bad", "poor", "awful", "dull"),
}
_ADVERBS = ("", "really", "quite")
_ENGLISH_NEGATIONS = ("not", "never")
_TOPICS = ("음식은", "방은", "커피는", "음악은", "서비스는", "영화는")
_STEMS = {
    FAVOURABLE: ("좋", "멋지", "훌륭하", "괜찮"),
    UNFAVOURABLE: ("나쁘", "이상하", "지루하", "실망스럽"),
}
_KOREAN_ADVERBS = ("", "정말", "꽤")
_POLARITY = {word: label for label, words in _ADJECTIVES.items() for word in words}
_POLARITY |= {
    stem + ending: label for label, stems in _STEMS.items() for stem in stems for ending in ("다", "지만", "지")
}


@dataclass(frozen=True)
class Opinion:
    """A sentence of the toy corpus.

    Attributes:
        text: its words and the full stop, with spaces between them.
        label: FAVOURABLE or UNFAVOURABLE.
        language: "ko" or "en".
        clauses: 1 or 2.
        negated: whether the clause that decides is negated.
    """

    text: str
    label: int
    language: str
    clauses: int
    negated: bool


def opinions(count: int, *, seed: int = 0) -> list[Opinion]:
    """So many different sentences, as many of either language, number of clauses and label as of the other.

    Args:
        count: a multiple of 8.
        seed: of the drawing; a larger corpus does not begin with a smaller one.

    Raises: ValueError for a count that is no multiple of 8, or more sentences than the templates make.
    """
    random, found = stream(seed, "opinions"), []
    if count < 8 or count % 8:
        raise ValueError(f"expected a multiple of 8 as the count of sentences, got {count!r}; mend by 480")
    for language, clauses, label in itertools.product(("ko", "en"), (1, 2), (FAVOURABLE, UNFAVOURABLE)):
        kind: dict[str, Opinion] = {}
        for _ in range(10 * count):
            opinion = _draw(language, clauses, label, random)
            kind.setdefault(opinion.text, opinion)
            if len(kind) == count // 8:
                break
        else:
            raise ValueError(f"expected fewer sentences, got {count}: the templates make {len(kind)} of a kind")
        found += kind.values()
    return [found[place] for place in random.permutation(count)]


def label_of(words: Sequence[str]) -> int | None:
    """What a reader of the words makes of them: the last clause decides, and a negation in it turns it round.

    A clause begins behind "but" or behind an ending in 지만, where these are still there. None where the last clause
    has no word of praise or blame left.

    >>> label_of("the food was good but the room was not good .".split())
    0
    >>> label_of("음식은 나쁘지 않다 .".split()), label_of("음식은 정말 .".split())
    (1, None)
    """
    ends = [place for place, word in enumerate(words) if word == "but" or word.endswith("지만")]
    clause = words[ends[-1] + 1 :] if ends else words
    polarity = [_POLARITY[word] for word in clause if word in _POLARITY]
    if not polarity:
        return None
    # of "-지 않다" both words are found, and a deletion may have left 않다 alone
    negated = any(clause[place] not in _POLARITY for place in negations(clause))
    return polarity[-1] if not negated else 1 - polarity[-1]


def _draw(language: str, clauses: int, label: int, random) -> Opinion:
    made = []
    for number in range(clauses):
        last = number == clauses - 1
        said = label if last else int(random.integers(2))
        negated = bool(random.integers(2))
        polarity = said if not negated else 1 - said
        clause = _korean if language == "ko" else _english
        made.append(clause(polarity, negated, last, random))
    text = " ".join([*made[:1], *(["but"] if language == "en" and clauses == 2 else []), *made[1:], "."])
    return Opinion(text, label, language, clauses, negated)


def _english(polarity, negated, last, random) -> str:
    negation = _ENGLISH_NEGATIONS[random.integers(2)] if negated else ""
    words = ("the", _one(_NOUNS, random), "was", negation, _one(_ADVERBS, random), _one(_ADJECTIVES[polarity], random))
    return " ".join(word for word in words if word)


def _korean(polarity, negated, last, random) -> str:
    stem, ending = _one(_STEMS[polarity], random), "다" if last else "지만"
    forms = [(f"{stem}{ending}",)]
    if negated:
        forms = [("안", f"{stem}{ending}"), (f"{stem}지", f"않{ending}")]
        if polarity == FAVOURABLE:
            forms.append((f"{stem}지", f"못하{ending}"))
    words = (_one(_TOPICS, random), _one(_KOREAN_ADVERBS, random), *forms[random.integers(len(forms))])
    return " ".join(word for word in words if word)


def _one(words, random) -> str:
    return words[random.integers(len(words))]
