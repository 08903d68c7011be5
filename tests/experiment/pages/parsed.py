"""A page's HTML taken apart: its elements with their texts, in order, and whether each that was opened was closed."""

from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser

_EMPTY = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None]
    pieces: list[str] = field(repr=False)  # of the whole page's text; the element has those from `first` up to `last`
    first: int
    last: int = 0

    @property
    def text(self) -> str:
        """All text inside, white space as it is written."""
        return "".join(self.pieces[self.first : self.last])

    def get(self, name: str) -> str | None:
        return self.attributes.get(name)

    def has_class(self, name: str) -> bool:
        return name in (self.get("class") or "").split()


class Page(HTMLParser):
    """The elements of a page. Raises: AssertionError where they are not nested."""

    def __init__(self, html: str):
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self.pieces: list[str] = []
        self._open: list[Element] = []
        self.feed(html)
        self.close()
        assert not self._open, f"never closed: {[element.tag for element in self._open]}"

    def all(self, *tags: str) -> list[Element]:
        return [element for element in self.elements if element.tag in tags]

    def having(self, attribute: str) -> list[Element]:
        return [element for element in self.elements if element.get(attribute) is not None]

    @cached_property
    def ids(self) -> list[str]:
        return [element.get("id") for element in self.having("id")]

    @property
    def prose(self) -> str:
        """The page's text without code and what stands for it."""
        code = {
            at for element in self.all("pre", "code", "script", "style") for at in range(element.first, element.last)
        }
        return "".join(piece for at, piece in enumerate(self.pieces) if at not in code)

    @property
    def text(self) -> str:
        return self.all("body")[0].text

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs), f"an attribute twice: {self.get_starttag_text()}"
        element = Element(tag, dict(attrs), self.pieces, len(self.pieces))
        self.elements.append(element)
        if tag not in _EMPTY:
            self._open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in _EMPTY:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self._open and self._open[-1].tag == tag, f"</{tag}> at {self.getpos()} closes {self._open[-1:]}"
        self._open.pop().last = len(self.pieces)

    def handle_data(self, data):
        self.pieces.append(data)
