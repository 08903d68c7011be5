"""Sentences that say the same with other numbers, and their translations."""

import re

# A full stop ends a sentence, except after one of these.
_ABBREVIATIONS = ("e.g.", "i.e.", "vs.", "cf.", "etc.", "approx.", "resp.", "no.", "Fig.", "Sec.", "Eq.")
_END = re.compile(r"(?<=[.!?])\s+")
# 0.05, 1,024, 4.7.2.1, 1e-05. What follows a letter belongs to a word: L2, float64. A sign is not part of a number.
_NUMBER = r"(?<![^\W_])\d+(?:[.,]\d+)*(?:e[+-]?\d+)?"
# Words in quotation marks stay together, whatever they say; the apostrophe of "Keras's" is none.
_WORDS = r"""(?>(?<!\w)'[^']*'|(?<!\w)"[^"]*"|.)+?"""
_PLACE = re.compile(r"#|\{(\w+)\}")
_FILLED = re.compile(r"\{(\w+)\}")
# what a number's place is called inside a pattern, where names must not begin with a digit
_NUMBERED = "number_"


def sentences(text: str) -> list[str]:
    """The sentences of a text, each with its full stop.

    >>> sentences("Digits, MLP 64-32-10, momentum 0.9. n = 16 seeds (1000–1015).")
    ['Digits, MLP 64-32-10, momentum 0.9.', 'n = 16 seeds (1000–1015).']
    """
    found: list[str] = []
    for piece in _END.split(" ".join(text.split())):
        if found and f" {found[-1]}".endswith(tuple(f" {word}" for word in _ABBREVIATIONS)):
            found[-1] += f" {piece}"
        elif piece:
            found.append(piece)
    return found


def pattern(sentence: str) -> str:
    """A sentence with # for every number.

    >>> pattern("Digits, MLP 64-32-10, L2 penalty 1e-3.")
    'Digits, MLP #-#-#, L2 penalty #.'
    """
    return re.sub(_NUMBER, "#", _unwrapped(sentence))


class Phrases:
    """Sentences with places, each with its translation.

    Args:
        table: {sentence: translation}. In a sentence # stands for any number and {name} for any words; in the
            translation {1}, {2} … are the numbers in the sentence's order, and {name} those words.
        within: {name: phrases}: what must translate the words at a place for the sentence to be this one.
        nested: whether words at other places are looked up in the table too; those without translation stay.

    Raises: ValueError for a translation with a place that its sentence lacks.

    >>> Phrases({"n = # seeds (#–#).": "n = 시드 {1}개({2}–{3})."})("n = 16 seeds (1000–1015).")
    'n = 시드 16개(1000–1015).'
    """

    def __init__(self, table: dict[str, str], *, within: dict[str, "Phrases"] | None = None, nested=False):
        self._within = within or {}
        self._nested = nested
        self._exact: dict[str, str] = {}
        loose = []
        for sentence, translation in table.items():
            _check_places(sentence, translation)
            if "{" in sentence:
                loose.append((_unwrapped(sentence), translation))
            else:
                self._exact[_unwrapped(sentence)] = translation
        # The most particular first: the one with the most words of its own.
        loose.sort(key=lambda pair: -len(_PLACE.sub("", pair[0])))
        self._loose = [(_regex(sentence), translation) for sentence, translation in loose]

    def __call__(self, sentence: str) -> str | None:
        """The translation, or None where there is none."""
        sentence = _unwrapped(sentence)
        if (translation := self._exact.get(pattern(sentence))) is not None:
            return _filled(translation, _numbered(re.findall(_NUMBER, sentence)))
        for regex, translation in self._loose:
            if match := regex.fullmatch(sentence):
                places = {place: self._said(place, words) for place, words in match.groupdict().items()}
                if None not in places.values():
                    return _filled(translation, places)
        return None

    def _said(self, place: str, words: str) -> str | None:
        if place in self._within:
            return self._within[place](words)
        is_number = place.startswith(_NUMBERED)
        return words if is_number or not self._nested else self(words) or words


def _unwrapped(sentence: str) -> str:
    """Without the space that a line break after a hyphen leaves behind: where lines break depends on the numbers."""
    return re.sub(r"(?<=\w)- (?=\w)", "-", sentence)


def _regex(sentence: str) -> re.Pattern:
    parts, last, count = [], 0, 0
    for place in _PLACE.finditer(sentence):
        parts.append(re.escape(sentence[last : place.start()]))
        if place[1]:
            parts.append(f"(?P<{place[1]}>{_WORDS})")
        else:
            count += 1
            parts.append(f"(?P<{_NUMBERED}{count}>{_NUMBER})")
        last = place.end()
    return re.compile("".join(parts) + re.escape(sentence[last:]))


def _numbered(numbers: list[str]) -> dict[str, str]:
    return {f"{_NUMBERED}{at}": number for at, number in enumerate(numbers, start=1)}


def _filled(translation: str, places: dict[str, str]) -> str:
    return _FILLED.sub(lambda place: places[f"{_NUMBERED}{place[1]}" if place[1].isdigit() else place[1]], translation)


def _check_places(sentence: str, translation: str) -> None:
    known = {str(at) for at in range(1, sentence.count("#") + 1)} | set(_FILLED.findall(sentence))
    strange = set(_FILLED.findall(translation)) - known
    if strange:
        raise ValueError(
            f"expected places of {sentence!r} in its translation ({', '.join(sorted(known)) or 'it has none'}), "
            f"got {', '.join(sorted(strange))}: write {{1}} for its first number, {{name}} for words it names"
        )
