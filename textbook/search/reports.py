"""What a search's trials say: which best values lean on a border of their range, and which hyperparameter matters."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from textbook.borders import border_check
from textbook.importance import importance
from textbook.search.scales import Scale

_COLUMNS = ["hyperparameter", "best", "low", "high", "on_border", "advice", "next_low", "next_high"]


def border_report(
    table: pd.DataFrame,
    scales: Mapping[str, Scale],
    *,
    lower_is_better: bool,
    share: float = 0.08,
    limits: Mapping[str, tuple[float, float]] | None = None,
) -> pd.DataFrame:
    """`textbook.borders.border_check` on declared ranges, each on its own scale; see `SearchResult.border_report`."""
    limits = dict(limits or {})
    unknown = sorted(set(limits) - set(scales))
    if unknown:
        raise ValueError(f"expected limits of {', '.join(scales)}, got {', '.join(unknown)}; mend by their names")
    rows = []
    for name, scale in scales.items():
        if not scale.fixed:
            active, ends = table[table[name].notna()], _limits(scale, limits.get(name))
            settings = {"lower_is_better": lower_is_better, "share": share}
            rows.append(_row(active, scale, ends, **settings) if len(active) else _idle(name))
    return pd.DataFrame(rows, columns=_COLUMNS)


def _idle(name: str) -> dict:
    blank = dict.fromkeys(["best", "low", "high", "next_low", "next_high"], math.nan)
    return {**blank, "hyperparameter": name, "on_border": "", "advice": "was active in no completed trial"}


def _row(active: pd.DataFrame, scale: Scale, limits: tuple[float, float], **settings) -> dict:
    """The report of one hyperparameter by the trials in which it was active."""
    name, mirrored = scale.name, scale.kind == "reverse_log"
    if not scale.numeric:
        values, where = active[name].astype(str), {}  # as text: numbers without an order are no numbers
    else:
        # the distance from the mirror is a quantity on a log scale; what was its high end is now its low one
        values, ends, grid = active[name].astype(float), (scale.low, scale.high), scale.values
        if mirrored:
            values, grid = scale.mirror - values, [scale.mirror - value for value in grid]
            limits = (max(scale.mirror - limits[1], 0.0), scale.mirror - limits[0])
        where = {"grids": {name: grid}} if grid else {"ranges": {name: ends}}
        where |= {"limits": {name: limits}, "log": [name] if _multiplies(scale) else []}
        where["whole"] = [name] if scale.whole else []
    # the trial's number keeps apart what border_check averages: Hyperband's rounds have the same values
    judged = pd.DataFrame({name: values, "score": active["score"], "trial": active["trial"]})
    found = border_check(judged, target="score", hyperparameters=[name, "trial"], **where, **settings)
    row = found.iloc[0].to_dict()
    if mirrored:
        row = _turned(row, scale.mirror)
    best = active.loc[active["score"].idxmin() if settings["lower_is_better"] else active["score"].idxmax(), name]
    return {**row, "best": scale.native(best)}


def _turned(row: dict, mirror: float) -> dict:
    """A row about the distance from the mirror as a row about the value."""
    ends = {"low": mirror - row["high"], "high": mirror - row["low"]}
    ends |= {"next_low": mirror - row["next_high"], "next_high": mirror - row["next_low"]}
    if row["on_border"]:
        side, beyond = ("high", "above") if row["on_border"] == "low" else ("low", "below")
        advice = f"best {mirror - row['best']:.6g} on the {side} border {ends[side]:.6g}: try values {beyond} it, from "
        ends |= {"on_border": side, "advice": advice + f"{ends['next_low']:.6g} to {ends['next_high']:.6g}"}
    return {**row, **ends}


def _limits(scale: Scale, given: tuple[float, float] | None) -> tuple[float, float]:
    if given is not None:
        return tuple(map(float, given))
    if not scale.low >= 0:
        return -math.inf, math.inf
    # a builder that never asked for 0 units may well break on them; one that did asks for no fewer
    return (1.0 if scale.whole and scale.low >= 1 else 0.0), math.inf


def _multiplies(scale: Scale) -> bool:
    """Whether a range grows by factors: as sampled, and for numbers in a list as they follow one another."""
    if scale.kind != "categories":
        return scale.kind != "linear"
    values = np.sort(np.asarray(scale.values, dtype=float))
    if values[0] <= 0:
        return False
    steps, factors = np.diff(values), np.diff(np.log(values))
    if len(steps) == 1:
        return bool(values[1] / values[0] >= 10)
    return bool(factors.std() / factors.mean() < steps.std() / steps.mean())


def importance_report(
    table: pd.DataFrame, scales: Mapping[str, Scale], *, lower_is_better: bool, seed: int, **settings
) -> pd.DataFrame:
    """`textbook.importance.importance` on the scales of the space; see `SearchResult.importance`."""
    scored = table[table["status"] != "failed"]
    # of one configuration's rounds only the last counts: the others repeat its values
    scored = scored[~scored["trial"].isin(scored["parent"].dropna())] if "parent" in scored else scored
    score = scored["score"].where(scored["status"] == "completed")
    columns = {"score": score.fillna(score.max() if lower_is_better else score.min()).to_numpy()}
    log = []
    for name, scale in scales.items():
        if scale.fixed:
            continue
        values = [scale.default if pd.isna(value) else scale.native(value) for value in scored[name]]
        if not scale.numeric:
            values = [str(value) for value in values]  # numbers without an order are categories
        if scale.kind == "reverse_log":
            values = [scale.mirror - value for value in values]
        log += [name] if scale.kind in ("log", "reverse_log") else []
        columns[name] = values
    return importance(pd.DataFrame(columns), target="score", log=log, seed=seed, **settings)
