"""From a tidy table to one value per arm and seed: rows, epochs, diverged runs."""

from collections.abc import Mapping

import numpy as np
import pandas as pd


def table_named(tables, name: str | None) -> pd.DataFrame:
    """The table that a test reads: the only one, or the one of that name."""
    if isinstance(tables, pd.DataFrame):
        if name is not None:
            raise ValueError(f"expected a dict with table {name!r}, got a single table: leave table= out")
        return tables
    if not isinstance(tables, Mapping) or not tables:
        raise ValueError(f"expected a DataFrame or a dict of them, got {type(tables).__name__}")
    if name is None and len(tables) == 1:
        return next(iter(tables.values()))
    if name not in tables:
        raise ValueError(f"expected table= to be one of {', '.join(map(repr, tables))}, got {name!r}")
    return tables[name]


def require_columns(table: pd.DataFrame, *columns: str) -> None:
    """Raises ValueError naming the columns that the table lacks."""
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise ValueError(
            f"expected column {', '.join(map(repr, missing))}, got {', '.join(map(str, table.columns))}: "
            "name a column that measure returns"
        )


def rows_where(table: pd.DataFrame, where) -> pd.DataFrame:
    """The rows whose columns have the given values, each a value or a tuple of allowed ones."""
    for column, value in where:
        require_columns(table, column)
        allowed = value if isinstance(value, tuple) else (value,)
        table = table[table[column].isin(allowed)]
        if table.empty:
            raise ValueError(f"expected rows with {column} = {value!r}, got none: choose a value that was measured")
    return table


def last_rows(table: pd.DataFrame, metric: str, keys: list[str], at_epoch: int | None) -> pd.DataFrame:
    """One epoch of each run: the given one, or the last at which the metric was recorded.

    A metric that is recorded at one epoch only is NaN elsewhere. A run marked as diverged at its last epoch keeps that
    row: what it scored before is not its result.
    """
    if "epoch" not in table.columns:
        if at_epoch is not None:
            raise ValueError(f"expected an 'epoch' column to take epoch {at_epoch}, got none: leave at_epoch= out")
        return table
    if at_epoch is not None:
        chosen = table[table["epoch"] == at_epoch]
        if chosen.empty:
            raise ValueError(
                f"expected rows at epoch {at_epoch}, got epochs {table['epoch'].min()} to {table['epoch'].max()}"
            )
        return chosen
    last = table[table["epoch"] == table.groupby(keys, dropna=False)["epoch"].transform("max")]
    if "diverged" not in table.columns:
        return last
    final = last["diverged"].to_numpy(dtype=bool)
    unrecorded = last[last[metric].isna().to_numpy() & ~final]
    if unrecorded.empty:
        return last
    # These runs finished soundly without this metric in their last row: it stands in an earlier one.
    runs = pd.MultiIndex.from_frame(unrecorded[keys])
    candidates = table[pd.MultiIndex.from_frame(table[keys]).isin(runs) & table[metric].notna().to_numpy()]
    recorded = candidates[candidates["epoch"] == candidates.groupby(keys, dropna=False)["epoch"].transform("max")]
    return pd.concat([last.drop(index=unrecorded.index), recorded])


def with_guesses(rows: pd.DataFrame, metric: str) -> tuple[pd.Series, pd.Series]:
    """The metric with diverged runs at the level of a guess, and which runs those are.

    A run has diverged where the `diverged` column says so, or where the metric is not finite. A "…loss" takes the row's
    `chance_loss`, an "…accuracy" its `chance_accuracy`; any other metric stays as it is and must be finite.
    """
    values = rows[metric].astype(float)
    diverged = ~np.isfinite(values)
    if "diverged" in rows.columns:
        diverged |= rows["diverged"].astype(bool)
    if not diverged.any():
        return values, diverged
    level = "chance_loss" if metric.endswith("loss") else "chance_accuracy" if metric.endswith("accuracy") else None
    if level is not None:
        if level not in rows.columns:
            raise ValueError(
                f"expected a column {level!r} with the {level.removeprefix('chance_')} of a guess, since "
                f"{diverged.sum()} values of {metric!r} are of diverged runs, got none: return that column from measure"
            )
        values = values.where(~diverged, rows[level].astype(float))
    bad = ~np.isfinite(values)
    if bad.any():
        raise ValueError(
            f"expected finite values of {level or metric!r}, got {bad.sum()} that are not: "
            "have measure give diverged runs a number"
        )
    return values, diverged


def by_seed(rows: pd.DataFrame, metric: str, arm: str) -> pd.Series:
    """The metric of one arm, indexed by seed."""
    twice = rows["seed"][rows["seed"].duplicated()]
    if len(twice):
        raise ValueError(
            f"expected one row per seed for {arm}, got {int((rows['seed'] == twice.iloc[0]).sum())} for seed "
            f"{twice.iloc[0]}: pick one with where=, or average with mean_over="
        )
    return rows.set_index("seed")[metric].sort_index()


def aligned(arms: Mapping[str, pd.Series]) -> tuple[list, list[np.ndarray]]:
    """The seeds that all arms share, which must be all of their seeds, and the arms' values in that order."""
    seeds = sorted(set().union(*(arm.index for arm in arms.values())))
    for name, arm in arms.items():
        missing = [seed for seed in seeds if seed not in arm.index]
        if missing:
            raise ValueError(
                f"expected {name} at every seed of its partner, got none at seed {', '.join(map(str, missing))}: "
                "run both arms with the same seeds"
            )
    return seeds, [arm.loc[seeds].to_numpy() for arm in arms.values()]
