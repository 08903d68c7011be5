"""Values for a section's knobs, from the text `KNOB=VALUE`, read as the knob's annotation says."""

import ast
import math
from collections.abc import Iterable, Sequence

from textbook.experiment.errors import UsageError, nearest
from textbook.experiment.outline import Knob, Outline


def assign(settings: Iterable[str], sections: Sequence[Outline]) -> dict[str, dict]:
    """Values for each section: {section name: {knob: value}}. A setting goes to every chosen section that has its knob.

    Raises: UsageError for a knob that no chosen section has, or a value of another kind than the knob's.
    """
    values: dict[str, dict] = {section.name: {} for section in sections}
    for setting in settings:
        name, equals, text = setting.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name:
            raise UsageError(f"expected --set KNOB=VALUE, got {setting!r}; write for instance --set every=8")
        owners = [(section, knob) for section in sections for knob in section.knobs if knob.name == name]
        if not owners:
            known = sorted({knob.name for section in sections for knob in section.knobs})
            where = sections[0].name if len(sections) == 1 else "the chosen sections"
            hint = nearest(name, known) or (f"; its knobs are {', '.join(known)}" if known else "; it has no knobs")
            raise UsageError(f"expected a knob of {where}, got {name!r}{hint}")
        for section, knob in owners:
            values[section.name][name] = parse(knob, text.strip())
    return values


def parse(knob: Knob, text: str):
    """The value that a text stands for.

    >>> parse(Knob("rates", "tuple[float, ...]", "(0.1, 1.0)"), "0.1,0.3")
    (0.1, 0.3)
    >>> parse(Knob("every", "int", "5"), "8")
    8
    """
    kind = knob.annotation or _kind_of(knob.default)
    for alternative in _alternatives(ast.parse(kind, mode="eval").body):
        try:
            return _value(alternative, text)
        except ValueError:
            continue
    raise UsageError(f"expected {kind} for knob {knob.name!r}, got {text!r}; its default is {knob.default}")


def _kind_of(default: str) -> str:
    """The annotation that a knob without one would have, from its default."""
    try:
        value = ast.literal_eval(default)
    except ValueError:
        raise UsageError(f"expected an annotated knob, got the default {default}; annotate it in measure") from None
    if isinstance(value, tuple):
        return f"tuple[{type(value[0]).__name__}, ...]" if value else "tuple[float, ...]"
    return "None" if value is None else type(value).__name__


def _alternatives(kind: ast.expr) -> list[ast.expr]:
    if isinstance(kind, ast.BinOp):
        return _alternatives(kind.left) + _alternatives(kind.right)
    return [kind]


def _value(kind: ast.expr, text: str):
    match kind:
        case ast.Constant(value=None) if text.lower() == "none":
            return None
        case ast.Name(id="bool") if text.lower() in _WORDS:
            return _WORDS[text.lower()]
        case ast.Name(id="int"):
            return int(text)
        case ast.Name(id="float"):
            number = float(text)
            if math.isnan(number):
                raise ValueError("not a number")
            return number
        case ast.Name(id="str") if text:
            return text
        case ast.Subscript(value=ast.Name(id="Literal")):
            choices = ast.literal_eval(kind.slice)
            return _choice(choices if isinstance(choices, tuple) else (choices,), text)
        case ast.Subscript(value=ast.Name(id="tuple")):
            return _tuple(kind.slice, text)
    return _no(text)


def _choice(choices: tuple, text: str):
    for choice in choices:
        if str(choice) == text:
            return choice
    return _no(text)


def _tuple(inside: ast.expr, text: str) -> tuple:
    parts = [part.strip() for part in text.strip("()").split(",") if part.strip()]
    kinds = inside.elts if isinstance(inside, ast.Tuple) else [inside]
    if len(kinds) == 2 and isinstance(kinds[1], ast.Constant) and kinds[1].value is Ellipsis:
        kinds = [kinds[0]] * len(parts)
    if not parts or len(kinds) != len(parts):
        _no(text)
    return tuple(_value(kind, part) for kind, part in zip(kinds, parts, strict=True))


def _no(text: str):
    raise ValueError(f"another kind of value: {text!r}")


_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
