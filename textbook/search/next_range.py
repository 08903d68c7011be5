"""The next range of one numerical hyperparameter: narrower around the best trials, or shifted beyond an open edge."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from textbook.search.reports import border_report
from textbook.search.scales import Scale

FEWEST = 4  # completed trials below which a range stays as it is
_ONE_MINUS = "1 - "  # how `textbook.search.one_minus` names its distances


def next_range(
    parameter, scale: Scale, ranked: pd.DataFrame, *, lower_is_better: bool, shrink: float, limits: Mapping
) -> tuple[float, float, str]:
    """Where to search next, on the scale on which the hyperparameter was sampled, of width w there.

    - Inside: the best value ± w·shrink/2, and as much more as the middle half of the best quarter spreads.
    - The best value at an open edge, with most of the best quarter in that half of the range: from there to w/2 beyond
      the best value. Without the quarter, one lucky trial would move the range of a hyperparameter that hardly matters.
    - Fewer than `FEWEST` trials: as it was.

    Whole numbers are rounded outwards and at least two; steps are kept.

    Args:
        parameter: keras-tuner's `Float` or `Int`.
        scale: of this parameter alone.
        ranked: its completed trials, best first: `trial`, `score` and its own column.
        shrink: smallest share of w, above 0, at most 1.
        limits: hyperparameter → (lowest, highest possible value).

    Returns: low, high, why.
    """
    if scale.fixed or len(scale.values) == 1:
        return parameter.min_value, parameter.max_value, "a single value"
    if len(ranked) < FEWEST:
        return parameter.min_value, parameter.max_value, f"kept: {_completed(len(ranked))} cannot tell"
    ends, line = scale.straight([scale.low, scale.high]), scale.straight(ranked[scale.name])
    width = ends[1] - ends[0]
    quarter = line[: quarter_of(len(line))]
    spread = np.quantile(quarter, [0.25, 0.75])
    around = line[0] + width * shrink / 2 * np.array([-1.0, 1.0])
    low, high = min(around[0], spread[0]), max(around[1], spread[1])
    limit = limits_of(scale, limits.get(scale.name))
    better = {"lower_is_better": lower_is_better, "limits": {scale.name: limit}}
    border = border_report(ranked, {scale.name: scale}, **better).iloc[0]
    side = border["on_border"]
    on_that_side = (np.median(quarter) > ends.mean()) == (side == "high")
    beyond = side if side and on_that_side else ""
    low, high = max(low, ends[0]), min(high, ends[1])
    if beyond == "high":
        high = scale.straight([border["next_high"]])[0]
    elif beyond == "low":
        low = scale.straight([_positive(border["next_low"], scale)])[0]
    low, high = _possible(parameter, scale, scale.back([low, high]), limit, beyond)
    shifted = low < scale.low if beyond == "low" else high > scale.high  # a limit may leave no room
    span = np.ptp(scale.straight([low, high])) / width
    wider = spread[0] < around[0] or spread[1] > around[1]
    room = not beyond or shifted
    return low, high, _why(border, beyond if shifted else "", span, len(quarter), room=room, wider=wider)


def quarter_of(trials: int) -> int:
    """How many trials the best quarter has: at least three."""
    return max(3, math.ceil(trials / 4))


def limits_of(scale: Scale, given: tuple[float, float] | None) -> tuple[float, float]:
    """The lowest and highest possible value: as given; else 0 or 1 where the range shows no smaller value.

    A distance from 1 that `textbook.search.one_minus` declared ends at 1, where a momentum is 0.

    >>> import keras_tuner
    >>> from textbook.search.scales import scales
    >>> hp = keras_tuner.HyperParameters()
    >>> _ = hp.Float("1 - momentum", 0.01, 0.5, sampling="log")
    >>> limits_of(scales(hp)["1 - momentum"], None)
    (0.0, 1.0)
    """
    if given is not None:
        return float(given[0]), float(given[1])
    most = 1.0 if scale.name.startswith(_ONE_MINUS) and scale.high <= 1 else math.inf
    if scale.low < 0:
        return -math.inf, most
    # a builder that never asked for 0 units may well break on them
    return (1.0 if scale.whole and scale.low >= 1 else 0.0), most


def _positive(low: float, scale: Scale) -> float:
    """keras-tuner's reverse-log scale does not reach 0."""
    return max(low, scale.low / 10) if scale.kind == "reverse_log" else low


def _possible(parameter, scale: Scale, ends, limit: tuple[float, float], beyond: str) -> tuple[float, float]:
    """Ends that the hyperparameter can have: on its steps, whole where it is whole, within its limits."""
    low, high = map(float, ends)
    if parameter.step is not None:
        return _stepped(parameter, scale, low, high, limit, beyond)
    if scale.whole:
        low, high = math.floor(round(low, 9)), math.ceil(round(high, 9))
        if low == high:
            low, high = (low, high + 1) if high < scale.high else (low - 1, high)
        return low, high
    # the logarithm of an end does not come back to the last digit
    for end in (scale.low, scale.high, *limit):
        low, high = (end if math.isclose(end, value, rel_tol=1e-12) else value for value in (low, high))
    return low, high


def _stepped(parameter, scale: Scale, low: float, high: float, limit, beyond: str) -> tuple[float, float]:
    if scale.kind == "reverse_log":
        return parameter.min_value, parameter.max_value  # its steps depend on both ends: no other range has its values

    def value(place: int) -> float:
        number = scale.low + place * parameter.step if scale.kind == "linear" else scale.low * parameter.step**place
        return float(f"{number:.12g}")

    def possible(place: int) -> bool:
        return limit[0] <= value(place) <= limit[1] and (not scale.whole or value(place) == round(value(place)))

    unit = parameter.step if scale.kind == "linear" else math.log(parameter.step)
    places = (scale.straight([low, high]) - scale.straight([scale.low])) / unit
    last = math.floor(np.ptp(scale.straight([scale.low, scale.high])) / unit + 1e-9)
    low, high = math.floor(places[0] + 1e-9), math.ceil(places[1] - 1e-9)
    low, high = low if beyond == "low" else max(low, 0), high if beyond == "high" else min(high, last)
    while not possible(low):
        low += 1
    while not possible(high):
        high -= 1
    if low >= high:
        low, high = (high - 1, high) if high == last else (low, low + 1)
    whole = int if scale.whole else float
    return whole(value(low)), whole(value(high))


def _why(border: pd.Series, shifted: str, span: float, quarter: int, *, room: bool, wider: bool) -> str:
    if shifted:
        return f"best at the {_EDGES[shifted]} edge: shifted {'up' if shifted == 'high' else 'down'}"
    where = "inside"
    if not room or "limit" in border["advice"]:
        where = "best at a limit"
    elif border["on_border"]:
        where = f"best at the {_EDGES[border['on_border']]} edge, but most of the best {quarter} are not"
    if span > 0.999:
        return f"{where}: kept, " + (f"the best {quarter} are spread over it" if wider else "it has few values")
    reason = f"where the best {quarter} are" if wider else "around the best"
    return f"{where}: narrowed to {100 * span:.0f} %, {reason}"


_EDGES = {"low": "lower", "high": "upper"}


def _completed(number: int) -> str:
    return f"{number or 'no'} completed trial{'' if number == 1 else 's'}"
