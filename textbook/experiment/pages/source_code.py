"""A section's source as highlighted HTML: only what the style sheet colours gets a span."""

import functools
import html
from pathlib import Path

from markupsafe import Markup

def highlighted(path: Path) -> Markup:
    """The Python source of a file, ready to stand in <pre><code>.

    Comments are of class c, strings s, keywords k, numbers n, names that are defined here d.
    """
    return _of(path.read_text(encoding="utf-8"))


@functools.lru_cache(maxsize=256)
def _of(source: str) -> Markup:
    from pygments.lexers import PythonLexer

    # runs of one kind become one span
    pieces: list[tuple[str, list[str]]] = []
    for token, text in PythonLexer(stripnl=False).get_tokens(source):
        kind = _kind(token)
        if not kind and pieces and not text.strip():
            # white space takes on what stands before it
            kind = pieces[-1][0]
        if pieces and pieces[-1][0] == kind:
            pieces[-1][1].append(text)
        else:
            pieces.append((kind, [text]))
    return Markup("".join(_span(kind, "".join(texts)) for kind, texts in pieces))


def _span(kind: str, text: str) -> str:
    inside = text.rstrip()
    space = text[len(inside) :]
    escaped = html.escape(inside, quote=False)
    return (f'<span class="{kind}">{escaped}</span>' if kind and inside else escaped) + space


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
