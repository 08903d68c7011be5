"""The next range of one numerical hyperparameter: narrower around the best trials, or shifted beyond an open edge."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from textbook.search.reports import border_report
from textbook.search.scales import Scale
from textbook.search.trials import COMPLETED

FEWEST = 4  # completed trials below which a range stays as it is
_ONE_MINUS = "1 - "  # how `textbook.search.one_minus` names its distances


def next_range(
    parameter, scale: Scale, tried: pd.DataFrame, *, lower_is_better: bool, shrink: float, limits: Mapping
) -> tuple[float, float, str]:
    """Where to search next, on the scale on which the hyperparameter was sampled, of width w there.

    - The best value ± w·shrink/2, and as much more as the middle half of the best quarter spreads. Near an open edge
      this passes it: cut off there, a range would close in on an edge beyond which the optimum lies.
    - The best value at an open edge: from there to w/2 beyond the best value. It is at the edge where
      `SearchResult.border_report` says so, and near it where no trial lies between them.
    - No edge is passed unless most of the best quarter lie in that half of the range: one lucky trial does not move
      the range of a hyperparameter that hardly matters.
    - Fewer than `FEWEST` completed trials: as it was.

    Whole numbers are rounded outwards and at least two; steps are kept.

    Args:
        parameter: keras-tuner's `Float` or `Int`.
        scale: of this parameter alone.
        tried: the trials in which it was active, best first: `trial`, `status`, `score` and its own column.
        shrink: smallest share of w, above 0, at most 1.
        limits: hyperparameter → (lowest, highest possible value).

    Returns: low, high, why.
    """
    ranked = tried[tried["status"] == COMPLETED]
    if scale.fixed or len(scale.values) == 1:
        return parameter.min_value, parameter.max_value, "a single value"
    if len(ranked) < FEWEST:
        return parameter.min_value, parameter.max_value, few_trials(len(ranked))
    ends, line = scale.straight([scale.low, scale.high]), scale.straight(ranked[scale.name])
    width, best, quarter = ends[1] - ends[0], line[0], line[: quarter_of(len(line))]
    spread = np.quantile(quarter, [0.25, 0.75])
    around = best + width * shrink / 2 * np.array([-1.0, 1.0])
    low, high = min(around[0], spread[0]), max(around[1], spread[1])

    limit = limits_of(scale, limits.get(scale.name))
    settings = {"lower_is_better": lower_is_better, "limits": {scale.name: limit}}
    border = border_report(ranked, {scale.name: scale}, **settings).iloc[0]
    side = border["on_border"] or ("low" if around[0] < ends[0] else "high" if around[1] > ends[1] else "")
    every = scale.straight(tried[scale.name])
    at = side if border["on_border"] or best == (every.min() if side == "low" else every.max()) else ""
    beyond = side if (np.median(quarter) > ends.mean()) == (side == "high") else ""
    if at and beyond:
        low, high = (best - width / 2, high) if side == "low" else (low, best + width / 2)
    low, high = low if beyond == "low" else max(low, ends[0]), high if beyond == "high" else min(high, ends[1])
    low, high = _possible(parameter, scale, *map(float, scale.back([low, high])), limit, beyond)

    share = np.ptp(scale.straight([low, high])) / width
    passed = "low" if low < scale.low else "high" if high > scale.high else ""
    if passed and (at or share > 0.999):
        return low, high, f"best at the {_EDGES[passed]} edge: shifted {'up' if passed == 'high' else 'down'}"
    where = "inside"
    if passed:
        where = f"best near the {_EDGES[passed]} edge, which is passed"
    elif beyond or "limit" in border["advice"]:
        where = "best at a limit"
    elif at:
        where = f"best at the {_EDGES[at]} edge, but most of the best {len(quarter)} are not"
    wider = spread[0] < around[0] or spread[1] > around[1]
    if share > 0.999:
        return low, high, f"{where}: kept, it has few values or the best {len(quarter)} are spread over it"
    reason = f"where the best {len(quarter)} are" if wider else "around the best"
    return low, high, f"{where}: narrowed to {100 * share:.0f} %, {reason}"


_EDGES = {"low": "lower", "high": "upper"}


def few_trials(number: int) -> str:
    """Why nothing was decided."""
    return f"kept: {number or 'no'} completed trial{'' if number == 1 else 's'} cannot tell"


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


def _possible(
    parameter, scale: Scale, low: float, high: float, limit: tuple[float, float], beyond: str
) -> tuple[float, float]:
    """Ends that the hyperparameter can have: within its limits, on its steps, whole where it is whole."""
    low, high = max(low, limit[0]), min(high, limit[1])
    if scale.kind == "reverse_log":
        low = max(low, scale.low / 10)  # keras-tuner's reverse-log scale does not reach 0
    if parameter.step is not None:
        return _stepped(parameter, scale, low, high, limit, beyond)
    if scale.whole:
        low, high = math.floor(round(low, 9)), math.ceil(round(high, 9))
        if low == high:
            low, high = (low, high + 1) if high < scale.high else (low - 1, high)
        return low, high
    # the logarithm of an end does not come back to the last digit
    for end in (scale.low, scale.high):
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
