"""Did a search stop short? The best value of a hyperparameter on the border of its range says: look beyond."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

# a column with no more distinct values than this is a grid, whose borders are its first and last value
_LARGEST_GRID = 12


def border_check(
    trials: pd.DataFrame,
    *,
    target: str,
    hyperparameters: Sequence[str],
    log: Sequence[str] = (),
    lower_is_better: bool = True,
    share: float = 0.08,
    limits: Mapping[str, tuple[float, float]] | None = None,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    grids: Mapping[str, Sequence[float]] | None = None,
    whole: Sequence[str] = (),
) -> pd.DataFrame:
    """Where the best trial lies in the range of each hyperparameter, and which range to try next.

    Trials with the same hyperparameters (seeds) are averaged first; a mean that is not finite is never the best. In a
    grid (at most twelve values) the border is its first and last value; among random values it is the outer `share` of
    the range at either end, measured on a log scale where told. The next range is as wide as the last and has the best
    value in its middle.

    Args:
        trials: a row per trial.
        target: the column to judge by.
        hyperparameters: columns to check. Categories have no border.
        log: hyperparameters whose scale is logarithmic.
        lower_is_better: False for an accuracy.
        share: of the range, that counts as border; above 0, below 0.5.
        limits: lowest and highest possible values; a best value on a limit is on no border. By default 0 and infinity
            for a column without negative values.
        ranges: lowest and highest value that could be drawn; the border is the outer `share` of it, however few the
            trials. An end that is itself a limit is no border.
        grids: all values that could be drawn, tried or not; the border is the first and the last.
        whole: hyperparameters whose values are whole numbers; their next range is rounded outwards.

    Returns: a row per hyperparameter: hyperparameter, best, low, high (edges of the range), on_border ("low", "high"
        or ""), advice, next_low, next_high (NaN where no new range is needed).
    Raises: ValueError for missing columns, no finite target, a share outside (0, 0.5), log of values ≤ 0.

    >>> trials = pd.DataFrame({"rate": [0.001, 0.01, 0.1], "loss": [2.0, 0.9, 0.3]})
    >>> border_check(trials, target="loss", hyperparameters=["rate"], log=["rate"]).on_border.tolist()
    ['high']
    """
    names = list(hyperparameters)
    missing = [name for name in [target, *names, *log] if name not in trials]
    if missing:
        raise ValueError(
            f"expected columns {', '.join(missing)}, got {', '.join(map(str, trials.columns))}; mend by naming columns"
        )
    if not 0 < share < 0.5:
        raise ValueError(f"expected a share between 0 and 0.5, got {share!r}; mend by a value such as 0.08")
    numbers = trials.assign(**{target: trials[target].astype(float).where(np.isfinite(trials[target].astype(float)))})
    means = numbers.groupby(names, dropna=False, sort=False)[target].agg(lambda values: values.mean(skipna=False))
    means = means.dropna()
    if means.empty:
        raise ValueError(f"expected a finite {target!r} in some trial, got none; mend by smaller learning rates")
    best = means.idxmin() if lower_is_better else means.idxmax()
    best = dict(zip(names, best if isinstance(best, tuple) else (best,), strict=True))
    rows = [
        _row(
            trials[name],
            best[name],
            log=name in log,
            share=share,
            limits=(limits or {}).get(name),
            declared=(ranges or {}).get(name),
            values=(grids or {}).get(name),
            whole=name in whole,
        )
        for name in names
    ]
    return pd.DataFrame(rows)


def _row(column: pd.Series, best, *, log: bool, share: float, limits, declared, values, whole: bool) -> dict:
    blank = {"hyperparameter": column.name, "best": best, "low": math.nan, "high": math.nan, "on_border": ""}
    blank |= {"advice": "a category: it has no border", "next_low": math.nan, "next_high": math.nan}
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return blank
    tried = column if values is None else values
    low, high = declared or (float(min(tried)), float(max(tried)))
    row = {**blank, "low": low, "high": high}
    if low == high:
        return {**row, "advice": "was not varied: try other values"}
    if log and low <= 0:
        raise ValueError(
            f"expected {column.name!r} above 0 for a log scale, got {low:g}; mend by leaving it out of log"
        )
    least, most = limits or ((0.0, math.inf) if low >= 0 else (-math.inf, math.inf))
    if whole and log:
        least = max(least, 1)  # the smallest whole number with a logarithm
    to, back = (math.log, math.exp) if log else (float, float)
    span = to(high) - to(low)
    grid = values is not None or (declared is None and column.nunique() <= _LARGEST_GRID)
    margin = 1e-9 * span if grid else share * span
    from_low, from_high = to(best) - to(low), to(high) - to(best)
    # of a declared range the end itself may be the limit; of the values tried only the best is known to lie there
    lowest, highest = (low, high) if declared else (best, best)
    if from_low <= margin and lowest > least:
        side, beyond = "low", "below"
    elif from_high <= margin and highest < most:
        side, beyond = "high", "above"
    else:
        at_limit = from_low <= margin or from_high <= margin
        return {**row, "advice": "best at a limit that cannot be passed" if at_limit else "inside the range: keep it"}
    next_low, next_high = back(to(best) - span / 2), back(to(best) + span / 2)
    if whole:
        # the logarithm of 64 comes back as 64.00000000000001, which is no reason for 65
        next_low, next_high = math.floor(round(next_low, 9)), math.ceil(round(next_high, 9))
    next_low, next_high = max(next_low, least), min(next_high, most)
    edge = low if side == "low" else high
    span_text = f"{next_low:g} to {next_high:g}" if whole else f"{next_low:.3g} to {next_high:.3g}"
    advice = f"best {best:g} on the {side} border {edge:g}: try values {beyond} it, from {span_text}"
    return {**row, "on_border": side, "advice": advice, "next_low": next_low, "next_high": next_high}
