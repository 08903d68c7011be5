"""A section's source as highlighted HTML: only what the style sheet colours gets a span."""

import functools
import hashlib
import html
from pathlib import Path

from markupsafe import Markup

from textbook.experiment import fingerprint, saving

_FILE = "source.html"
# of the text below; a change of it leaves what was kept before aside
_FORM = "1"


class Highlighter:
    """Highlights files, and keeps what it made beside the tables of a run: to read the whole book takes seconds.

    Args:
        cache: the run's cache folder.
    """

    def __init__(self, cache: Path):
        self._cache = cache
        self._made: dict[Path, Markup] = {}

    def __call__(self, path: Path) -> Markup:
        """The Python source of a file, ready to stand in <pre><code>.

        Comments are of class c, strings s, keywords k, numbers n, names that are defined here d.
        """
        if path not in self._made:
            self._made[path] = Markup(self._kept(path.read_text(encoding="utf-8")))
        return self._made[path]

    def _kept(self, source: str) -> str:
        path = self._cache / fingerprint.digest_of("source", _FORM, source) / _FILE
        try:
            digest, _, made = path.read_text(encoding="utf-8").partition("\n")
        except (OSError, UnicodeDecodeError):
            digest, made = "", ""
        # what was cut or altered is made again
        if digest != _digest(made):
            made = highlighted(source)
            saving.write(path, f"{_digest(made)}\n{made}".encode())
        return made


def highlighted(source: str) -> str:
    """The HTML of Python source; runs of one kind share a span.

    >>> highlighted("x = 1  # one")
    'x = <span class="n">1</span>  <span class="c"># one</span>\\n'
    """
    from pygments.lexers import PythonLexer

    pieces: list[tuple[str, list[str]]] = []
    for token, text in PythonLexer(stripnl=False).get_tokens(source):
        # white space takes on what stands before it
        kind = pieces[-1][0] if pieces and not text.strip() else _kind(token)
        if pieces and pieces[-1][0] == kind:
            pieces[-1][1].append(text)
        else:
            pieces.append((kind, [text]))
    return "".join(_span(kind, "".join(texts)) for kind, texts in pieces)


def _span(kind: str, text: str) -> str:
    inside = text.rstrip()
    escaped = html.escape(inside, quote=False)
    return (f'<span class="{kind}">{escaped}</span>' if kind and inside else escaped) + text[len(inside) :]


@functools.cache
def _kind(token) -> str:
    from pygments import token as kinds

    if token in kinds.Comment:
        return "c"
    if token in kinds.String:
        return "s"
    if token in kinds.Keyword or token in kinds.Operator.Word:
        return "k"
    if token in kinds.Number:
        return "n"
    return "d" if token in kinds.Name.Function or token in kinds.Name.Class else ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
