"""A claim's strip: a dot a seed, the mean with its interval, and the margin within which nothing matters.

Positions across are per cent of the width, so a strip fits any column and its letters keep their size.
"""

import html

from markupsafe import Markup

from textbook.experiment.pages.axes import Axis
from textbook.experiment.pages.judged import IDENTITY, RATIO, SHARE, SLOPE, Judged
from textbook.experiment.pages.language import Language
from textbook.experiment.pages.text import number

_TOP, _BAR, _AXIS, _HEIGHT = 20, 62, 76, 96
# between dots above each other, and what there is for all of them
_LEVEL, _ROOM = 7.5, 27
# dots nearer than this, in per cent of the width, are put above each other
_NEAR = 1.5


def strip(judged: Judged, language: Language) -> Markup:
    """The strip of a judgement as inline SVG; empty for an identity and where there is nothing to place."""
    if judged.kind == IDENTITY or judged.effect is None or judged.n is None:
        return Markup("")
    axis = _axis(judged)
    parts = [
        _margin(judged, axis, language),
        _seats(judged, axis) if judged.kind == SHARE else _dots(judged, axis),
        _mean(judged, axis),
        _scale(judged, axis),
    ]
    return Markup(
        f'<svg class="strip" role="img" width="100%" height="{_HEIGHT}" aria-label="{_label(judged, language)}">'
        f"{''.join(parts)}</svg>"
    )


def _axis(judged: Judged) -> Axis:
    if judged.kind == SHARE:
        return Axis(0.0, 1.0)
    values = (*judged.band, *judged.differences, judged.effect, *(judged.interval or ()))
    return Axis.around(values, log=judged.kind == RATIO)


def _margin(judged: Judged, axis: Axis, language: Language) -> str:
    """The band of what is too small to matter, or the threshold; and which way the claim points."""
    height = _AXIS - _TOP
    if judged.kind == SHARE:
        at = axis.position(judged.delta)
        label = f"{language.word('strip.claimed')}: {'<' if judged.fewer else '>'} {number(judged.delta * 100)} %"
        return _line("zero", at, _TOP, at, _AXIS) + _text("hint", at, _TOP - 6, label, _side(at, room=35))
    left, zero, right = map(axis.position, judged.band)
    band = f'<rect class="band" x="{left}%" y="{_TOP}" width="{round(right - left, 2)}%" height="{height}"/>'
    name = language.word("strip.theory") if judged.kind == SLOPE else "±δ"
    parts = [band, _line("zero", zero, _TOP, zero, _AXIS), _text("hint", zero, _TOP - 6, name, _side(zero))]
    sides = judged.directed and judged.kind != SLOPE
    if sides and zero > 40:
        parts.append(_text("hint", 0, _TOP - 6, f"← {language.word('strip.against')}", "start"))
    if sides and zero < 60:
        parts.append(_text("hint", 100, _TOP - 6, f"{language.word('strip.claimed')} →", "end"))
    return "".join(parts)


def _dots(judged: Judged, axis: Axis) -> str:
    """A dot a seed; neighbours stand above each other, closer where there are many."""
    last: list[float] = []
    placed = []
    for at in sorted(map(axis.position, judged.differences)):
        level = next((level for level, before in enumerate(last) if at - before >= _NEAR), len(last))
        last[level : level + 1] = [at]
        placed.append((at, level))
    step = min(_LEVEL, _ROOM / max(1, len(last) - 1))
    return "".join(
        f'<circle class="seed" cx="{at}%" cy="{_BAR - 12 - level * step:.1f}" r="3.4"/>' for at, level in placed
    )


def _seats(judged: Judged, axis: Axis) -> str:
    """A seat a seed along the whole axis, the filled ones first, so that they end at the share."""
    count = round(judged.effect * judged.n)
    width = (axis.position(1.0) - axis.position(0.0)) / judged.n
    seats = []
    for seat in range(judged.n):
        kind = "seat" if seat < count else "seat is-empty"
        left = axis.position(0.0) + (seat + 0.1) * width
        seats.append(f'<rect class="{kind}" x="{left:.2f}%" y="{_BAR - 30}" width="{0.8 * width:.2f}%" height="16"/>')
    return "".join(seats)


def _mean(judged: Judged, axis: Axis) -> str:
    at = axis.position(judged.effect)
    bar = ""
    if judged.interval:
        low, high = map(axis.position, judged.interval)
        ends = (_line("interval", end, _BAR - 4, end, _BAR + 4) for end in (low, high))
        bar = _line("interval", low, _BAR, high, _BAR) + "".join(ends)
    diamond = f'<path class="mean" d="M0,{_BAR - 6} l6,6 l-6,6 l-6,-6 z"/>'
    return f'{bar}<svg x="{at}%" overflow="visible">{diamond}</svg>'


def _scale(judged: Judged, axis: Axis) -> str:
    parts = [_line("axis", 0, _AXIS, 100, _AXIS)]
    for tick in axis.ticks():
        at = axis.position(tick)
        label = f"{number(tick * 100)} %" if judged.kind == SHARE else number(tick)
        label += "×" * (judged.kind == RATIO)
        parts += [_line("axis", at, _AXIS, at, _AXIS + 4), _text("tick", at, _AXIS + 17, label, "middle")]
    return "".join(parts)


def _label(judged: Judged, language: Language) -> str:
    """What the strip shows, in words, for those who cannot see it."""
    words = language.word("strip.label.share" if judged.kind == SHARE else "strip.label").format(
        n=judged.n,
        effect=judged.amount,
        interval=judged.range or "—",
        delta=judged.margin,
        unit=" ".join(filter(None, (judged.unit.words, beyond(judged, language)))),
        low=number(min(judged.differences)),
        high=number(max(judged.differences)),
    )
    return html.escape(words)


def beyond(judged: Judged, language: Language) -> str:
    """From which number an effect counts: "above 0.5", where a quantity is judged beside a number; else nothing."""
    if judged.beyond is None:
        return ""
    side, at = judged.beyond
    return language.word("claim.above" if side == "above" else "claim.below").format(number=at)


def _side(at: float, *, room: float = 12) -> str:
    return "start" if at < room else "end" if at > 100 - room else "middle"


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1}%" y1="{y1}" x2="{x2}%" y2="{y2}"/>'


def _text(kind: str, x: float, y: float, words: str, side: str) -> str:
    return f'<text class="{kind}" x="{x}%" y="{y}" text-anchor="{side}">{html.escape(words)}</text>'
