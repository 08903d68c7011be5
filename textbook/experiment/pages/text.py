"""A text that knows its language, and how it is written into a page."""

import html
import re
from typing import NamedTuple


class Text(NamedTuple):
    """Words in a language, on a page that may be in another one.

    A template writes them escaped, `code` and *emphasis* as such, and marked with their language where that is not the
    page's, so that a screen reader pronounces them as they are.
    """

    words: str
    lang: str = "en"
    page: str = "en"

    def __html__(self) -> str:
        inside = _EMPHASIS.sub(r"<em>\1</em>", _CODE.sub(r"<code>\1</code>", html.escape(self.words)))
        if self.lang != "ko":
            inside = _HANGUL.sub(r'<span lang="ko">\g<0></span>', inside)
        return inside if self.lang == self.page else f'<span lang="{self.lang}">{inside}</span>'

    def __bool__(self) -> bool:
        return bool(self.words)

    def __str__(self) -> str:
        return self.words

    @property
    def foreign(self) -> str | None:
        """The language, where it is not the page's: for a lang attribute."""
        return None if self.lang == self.page else self.lang

    @property
    def paragraphs(self) -> list["Text"]:
        """The parts between empty lines, each in one line."""
        parts = (" ".join(part.split()) for part in re.split(r"\n\s*\n", self.words))
        return [self._replace(words=part) for part in parts if part]


_CODE = re.compile(r"`([^`]+)`")
# in Korean a particle may follow at once: *평균*이다
_EMPHASIS = re.compile(r"(?<![\w*])\*(\w(?:[^*<>]*?[\w)])?)\*(?![A-Za-z0-9_*])")
_HANGUL = re.compile("[\uac00-\ud7a3]+(?: +[\uac00-\ud7a3]+)*")
# an arm named by several columns, as Python writes it, ('SGD', 0.3), and each of its parts
_PART = r"""'[^']*'|"[^"]*"|[^'"(),\s][^'"(),]*"""
_ARM = re.compile(rf"""\((?=[^()]*['"])((?:{_PART})(?:, (?:{_PART}))+)\)""")
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def named_arms(words: str) -> str:
    """A rule or note with its arms named in plain words.

    >>> named_arms("loss lower for ('SGD', 0.3) than for ('constant', 'B = 8', 128.0), paired by seed")
    "loss lower for 'SGD, 0.3' than for 'constant, B = 8, 128', paired by seed"
    """
    return _ARM.sub(lambda arm: f"'{', '.join(map(_named, re.findall(_PART, arm[1])))}'", words)


def _named(part: str) -> str:
    return part[1:-1] if part[0] in "'\"" else part.removesuffix(".0")


def number(value: float, *, digits: int = 3) -> str:
    """A number as it is read: three significant digits, a true minus sign, powers of ten.

    >>> number(-0.02134), number(2.98e-9), number(1250.0), number(65)
    ('−0.0213', '2.98·10⁻⁹', '1250', '65')
    """
    magnitude = abs(value)
    if magnitude and (magnitude < 1e-4 or magnitude >= 1e6):
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return f"{mantissa}·10{str(int(exponent)).translate(_SUPERSCRIPTS)}".replace("-", "−")
    rounded = float(f"{value:.{digits}g}")
    return f"{rounded:.10f}".rstrip("0").rstrip(".").replace("-", "−") if rounded else "0"
