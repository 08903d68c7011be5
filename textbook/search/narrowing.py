"""The space of a next, finer search: what the trials of the last one leave of it."""

import math
from collections.abc import Mapping

import keras_tuner
import numpy as np
import pandas as pd
from keras_tuner.engine.hyperparameters import Fixed

from textbook.search.next_range import FEWEST, few_trials, next_range, quarter_of
from textbook.search.scales import Scale, scales
from textbook.search.trials import COMPLETED

_LUCK = 0.1  # a value whose trials miss the best quarter by chance as often as this is not dropped


def narrowed(
    space: keras_tuner.HyperParameters,
    table: pd.DataFrame,
    *,
    lower_is_better: bool = True,
    shrink: float = 1 / 3,
    limits: Mapping[str, tuple[float, float]] | None = None,
) -> tuple[keras_tuner.HyperParameters, pd.DataFrame]:
    """The space for the next search, narrower around the best trials or shifted beyond an edge, and the reasons.

    Ranges follow `textbook.search.next_range`. Of a list of values, those stay that are among the best quarter of the
    trials, and those that would be missing there by luck more often than one time in ten because few trials had them;
    of numbers in an order also those in between. A list is never extended. A conditional hyperparameter keeps its
    conditions and is judged by the trials in which it was active. Nothing here is random.

    Args:
        space: what was searched.
        table: a row per trial, of trials trained alike: `trial`, `status`, `score` and a column per hyperparameter.
        lower_is_better: False for an accuracy.
        shrink: the smallest share of a range that is left of it, on its own scale; above 0, at most 1.
        limits: hyperparameter → (lowest, highest possible value), around its range, such as `{"dropout": (0, 0.9)}`:
            a shift stops there. By default 0 where no value is negative, 1 for whole numbers from 1 up, and 1 above a
            distance that `one_minus` declared.

    Returns: the space, whose defaults and values are the best trial's, and a row per hyperparameter: `hyperparameter`,
        `when` (its conditions), `trials` (completed, where it was active), `best` (of them), `low`, `high`, `next_low`,
        `next_high` (NaN for lists), `values`, `next_values` (None for ranges), `why`.
    Raises: ValueError for no completed trial, a shrink or limits that are none.

    >>> space = keras_tuner.HyperParameters()
    >>> _ = space.Float("rate", 0.001, 1.0, sampling="log")
    >>> table = pd.DataFrame({"trial": range(7), "status": "completed", "rate": np.logspace(-3, 0, 7)})
    >>> finer, decisions = narrowed(space, table.assign(score=[7, 5, 3, 1, 2, 4, 6]))
    >>> round(finer.space[0].min_value, 6), round(finer.space[0].max_value, 6), decisions.why[0]
    (0.01, 0.1, 'inside: narrowed to 33 %, around the best')
    """
    limits = dict(limits or {})
    check_narrowing(space, shrink, limits)
    table = table.sort_values(["score", "trial"], ascending=[lower_is_better, True])
    if not (table["status"] == COMPLETED).any():
        raise ValueError(
            f"expected a completed trial to narrow the ranges around, got {len(table)} trials without a score; mend by "
            "ranges that hold values that train, such as smaller learning rates"
        )
    names = {parameter.name for parameter in space.space}
    values = [{name: row[name] for name in names if not pd.isna(row[name])} for row in table.to_dict("records")]
    possible, entries, decisions = {}, [], []
    for parameter in space.space:
        scale = scale_of(parameter)
        active = [parameter.name in row and _active(parameter, row) for row in values]
        tried = table[np.array(active, dtype=bool)]
        ranked = tried[tried["status"] == COMPLETED]
        best = scale.native(ranked[parameter.name].iloc[0]) if len(ranked) else None
        decision = {"hyperparameter": parameter.name, "when": _when(parameter), "trials": len(ranked), "best": best}
        alive = all(possible[one.name] & set(one.values) for one in parameter.conditions if one.name in possible)
        if hasattr(parameter, "sampling"):
            low, high, why = parameter.min_value, parameter.max_value, _GONE
            if alive:
                settings = {"lower_is_better": lower_is_better, "shrink": shrink, "limits": limits}
                low, high, why = next_range(parameter, scale, tried, **settings)
            entries.append(_entry(parameter, best, min_value=low, max_value=high))
            decision |= {"low": scale.low, "high": scale.high, "next_low": low, "next_high": high}
            decision |= {"values": None, "next_values": None}
        else:
            kept, why = _kept(scale, tried, ranked) if alive else (scale.values, _GONE)
            entries.append(_listed(parameter, best, kept))
            possible[parameter.name] = possible.get(parameter.name, set()) | set(kept)
            decision |= {"values": scale.values, "next_values": kept}
        decisions.append({**decision, "why": why})
    # the builder is called with the best trial's values first, which are known to work
    first = next(row for row, status in zip(values, table["status"], strict=True) if status == COMPLETED)
    known = scales(space)
    config = {"space": entries, "values": {name: known[name].native(first[name]) for name in known if name in first}}
    return keras_tuner.HyperParameters.from_config(config), pd.DataFrame(decisions).reindex(columns=COLUMNS)


COLUMNS = [
    "hyperparameter", "when", "trials", "best", "low", "high", "next_low", "next_high", "values", "next_values", "why"
]  # fmt: skip
_GONE = "kept: not active any more, its condition's values are dropped"


def check_narrowing(space: keras_tuner.HyperParameters, shrink: float, limits: Mapping) -> None:
    """Refuse what `narrowed` cannot work with: a share that is none, limits of other names or inside the range."""
    if isinstance(shrink, bool) or not 0 < shrink <= 1:
        raise ValueError(f"expected shrink as a share above 0, at most 1, got {shrink!r}; mend for instance by 1/3")
    ranges = [parameter for parameter in space.space if hasattr(parameter, "sampling")]
    unknown = [name for name in limits if name not in {parameter.name for parameter in ranges}]
    if unknown:
        raise ValueError(
            f"expected limits of {', '.join(parameter.name for parameter in ranges) or 'no list of values'}, got "
            f"{', '.join(unknown)}; mend by the names of ranges"
        )
    for parameter in ranges:
        least, most = limits.get(parameter.name, (-math.inf, math.inf))
        if not least <= parameter.min_value <= parameter.max_value <= most:
            raise ValueError(
                f"expected limits of {parameter.name!r} around its range {parameter.min_value!r} to "
                f"{parameter.max_value!r}, got {least!r} to {most!r}; mend by a range inside the limits"
            )


def scale_of(parameter) -> Scale:
    """The scale of one declared hyperparameter, whatever else has its name under other conditions."""
    one = {"class_name": type(parameter).__name__, "config": parameter.get_config()}
    return scales(keras_tuner.HyperParameters.from_config({"space": [one], "values": {}}))[parameter.name]


def _active(parameter, row: Mapping) -> bool:
    return all(condition.is_active(row) for condition in parameter.conditions)


def _when(parameter) -> str:
    return "; ".join(f"{one.name}: {', '.join(map(str, one.values))}" for one in parameter.conditions)


def _kept(scale: Scale, tried: pd.DataFrame, ranked: pd.DataFrame) -> tuple[tuple, str]:
    """The values that stay, and why."""
    values, total = list(scale.values), len(tried)
    if scale.fixed:
        return scale.values, "a single value"
    if len(ranked) < FEWEST:
        return scale.values, few_trials(len(ranked))
    had = [scale.native(value) for value in tried[scale.name]]
    quarter = quarter_of(len(ranked))
    best = {scale.native(value) for value in ranked[scale.name].head(quarter)}
    luck = {value: math.comb(total - had.count(value), quarter) / math.comb(total, quarter) for value in values}
    stays = [value in best or luck[value] > _LUCK for value in values]
    if scale.numeric:  # from the first to the last that stays
        where = np.flatnonzero(stays)
        stays = [where[0] <= i <= where[-1] for i in range(len(values))]
    kept = tuple(value for value, stay in zip(values, stays, strict=True) if stay)
    dropped = [str(value) for value, stay in zip(values, stays, strict=True) if not stay]
    first = scale.native(ranked[scale.name].iloc[0])
    end = "; the best is at an end of the list, which is not extended" if first in (scale.low, scale.high) else ""
    if dropped:
        return kept, f"dropped {', '.join(dropped)}: not among the best {quarter} of {total} trials{end}"
    if best >= set(values):
        return kept, f"kept: all are among the best {quarter}{end}"
    return kept, f"kept: {total} trials are too few to drop any{end}"


def _entry(parameter, best, **changes) -> dict:
    """keras-tuner's form of a hyperparameter; the default is the best value, which the new range has."""
    config = {**parameter.get_config(), **changes}
    # a value that is a multiple of a step may lie beyond the end of the range by a rounding error
    first = parameter.default if best is None else best
    config["default"] = min(max(first, config["min_value"]), config["max_value"])
    return {"class_name": type(parameter).__name__, "config": config}


def _listed(parameter, best, kept: tuple) -> dict:
    config = parameter.get_config()
    default = best if best in kept else parameter.default if parameter.default in kept else kept[0]
    if isinstance(parameter, Fixed):
        return {"class_name": "Fixed", "config": config}
    if type(parameter).__name__ == "Boolean" and len(kept) == 1:  # keras-tuner's Boolean has both values
        fixed = {"name": parameter.name, "value": kept[0], "conditions": config["conditions"]}
        return {"class_name": "Fixed", "config": fixed}
    changes = {"values": list(kept)} if "values" in config else {}
    return {"class_name": type(parameter).__name__, "config": {**config, **changes, "default": default}}
