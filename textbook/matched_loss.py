"""Comparing runs where they have learnt equally much, rather than after as many epochs."""

import numpy as np
import pandas as pd


def at_matched_loss(
    curves: pd.DataFrame,
    *,
    target: float,
    matched: str = "clean_loss",
    value: str = "val_loss",
    by=("condition", "seed"),
) -> pd.DataFrame:
    """`value` at the moment when `matched` first comes down to the target: a row per run, with `epochs` and `arrived`.

    After equal epochs a slow run has learnt less than a fast one, and comparing what they score on other data mixes the
    two. Between two epochs the moment is found on the logarithm of the matched loss, which falls about exponentially.
    A run that is there after its first epoch counts with that one. A run that never arrives counts with its last epoch,
    and `arrived` says so.

    Args:
        curves: a row per run and epoch, with the columns `epoch`, `matched` and `value`.
        target: in the unit of `matched`, above 0.
        matched: column that falls, such as the training loss after each epoch.
        value: column to be read at that moment.
        by: columns that name a run, or one name.

    Raises: ValueError for a target that is not above 0, for columns that the table lacks, and for an epoch that a run
        has twice.

    >>> curves = pd.DataFrame({"seed": 0, "epoch": [1, 2], "clean_loss": [0.4, 0.1], "val_loss": [0.6, 0.5]})
    >>> at_matched_loss(curves, target=0.2, by="seed").round(2).to_dict("records")
    [{'seed': 0, 'val_loss': 0.55, 'epochs': 1.5, 'arrived': True}]
    """
    by = [by] if isinstance(by, str) else list(by)
    if not target > 0:
        raise ValueError(f"expected a target above 0, got {target!r}: moments are found on the loss's logarithm")
    if missing := [name for name in (*by, "epoch", matched, value) if name not in curves]:
        raise ValueError(
            f"expected columns {', '.join(missing)}, got {', '.join(map(str, curves.columns))}; mend by naming "
            "columns of the table"
        )
    # two runs under one name would be read as one curve that jumps
    if curves.duplicated([*by, "epoch"]).any():
        raise ValueError(f"expected an epoch once for each {', '.join(by)}, got some twice; mend by more columns in by")
    rows = []
    for key, run in curves.sort_values("epoch").groupby(by, sort=False):
        level, values, epochs = (run[name].to_numpy(dtype=float) for name in (matched, value, "epoch"))
        there = np.flatnonzero(level <= target)
        k = there[0] if there.size else len(run) - 1
        found, at = values[k], epochs[k]
        if there.size and k > 0 and level[k] < target and np.isfinite(level[k - 1]):
            # a loss of exactly 0 has no logarithm; it is taken as one below every target
            fall = np.log(level[k - 1] / max(level[k], 1e-12))
            part = np.log(level[k - 1] / target) / fall
            found, at = values[k - 1] + part * (found - values[k - 1]), epochs[k - 1] + part * (at - epochs[k - 1])
        rows.append((*key, found, at, bool(there.size)))
    return pd.DataFrame(rows, columns=[*by, value, "epochs", "arrived"])
