"""Reading tables of learning curves: when a run gets there, and how much it wobbles at the end."""

import numpy as np
import pandas as pd


def epochs_to_target(
    curves: pd.DataFrame, *, metric: str, target: float, rises: bool = False, by=("condition", "seed")
) -> pd.DataFrame:
    """The first epoch after which a metric lies below a target: a row per run, with `by`, `epochs` and `arrived`.

    Where the curves have a column `updates`, the table has the updates made by then as well. A run that never arrives
    counts one epoch more than it was trained for, the least that it would have needed: ratios of `epochs` then
    understate how slow it was.

    Args:
        curves: a row per run and epoch, with columns `epoch` (completed, from 1) and the metric.
        metric: column that falls, such as "val_loss"; a value that is not finite is above every target.
        target: in the metric's unit.
        rises: the metric rises, as an accuracy does, and has to be at least the target.
        by: columns that name a run.

    >>> curves = pd.DataFrame({"seed": [0, 0, 1, 1], "epoch": [1, 2, 1, 2], "val_loss": [0.3, 0.1, 0.3, 0.2]})
    >>> epochs_to_target(curves, metric="val_loss", target=0.15, by=["seed"]).to_dict("list")
    {'seed': [0, 1], 'epochs': [2, 3], 'arrived': [True, False]}
    """
    by = list(by)
    runs = curves.groupby(by, sort=False)["epoch"].max() + 1
    there = curves[curves[metric] >= target if rises else curves[metric] < target].groupby(by, sort=False)
    first = there["epoch"].min().reindex(runs.index)
    table = pd.DataFrame({"epochs": first.fillna(runs).astype(np.int64)})
    if "updates" in curves:
        made = curves.groupby(by, sort=False)["updates"]
        never = made.max() + made.min()  # the first epoch's updates are those of one whole epoch
        table["updates"] = there["updates"].min().reindex(runs.index).fillna(never).astype(np.int64)
    return table.assign(arrived=first.notna()).reset_index()
