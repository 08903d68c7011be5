"""What the tests have in common: which rows they read and in which unit they judge."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import ClassVar

import pandas as pd

from textbook.experiment.verdicts import tables as reading
from textbook.experiment.verdicts.scales import Scale, scale_of
from textbook.statistics import FAILS, HOLDS, INCONCLUSIVE, NO_DIFFERENCE, REVERSED, Judgement

FIVE = (HOLDS, REVERSED, FAILS, NO_DIFFERENCE, INCONCLUSIVE)
THREE = (HOLDS, FAILS, INCONCLUSIVE)
INHERITED = ("table", "where", "at_epoch", "mean_over", "unit", "delta", "scale")


@dataclass(frozen=True, repr=False)
class Rows:
    """A test on some rows of a table.

    Args:
        table: name of the table, where measure returns several.
        where: columns and the value, or tuple of values, that the rows must have: {"batch_size": 32}.
    """

    verdicts: ClassVar[tuple[str, ...]] = FIVE

    table: str | None = field(default=None, kw_only=True)
    where: Mapping | None = field(default=None, kw_only=True)

    def __post_init__(self):
        # Stored as pairs: a frozen test stays hashable and nobody can change it from outside.
        where = self.where or {}
        if not isinstance(where, Mapping | tuple):
            raise ValueError(f"expected where= as a dict of columns and values, got {where!r}")
        pairs = tuple(where.items()) if isinstance(where, Mapping) else where
        pairs = tuple((column, tuple(value) if isinstance(value, list | set) else value) for column, value in pairs)
        object.__setattr__(self, "where", pairs)

    def __repr__(self):
        # As it is written in a claim: what is left at its default is left out, the test's own arguments come first.
        given = []
        for item in sorted(fields(self), key=lambda item: (item.kw_only, item.name in INHERITED)):
            value = getattr(self, item.name)
            if not item.kw_only:
                given.append(repr(value))
            elif item.name == "where" and value:
                given.append(f"where={dict(value)!r}")
            elif item.name != "where" and (item.default is MISSING or value != item.default):
                given.append(f"{item.name}={value!r}")
        return f"{type(self).__name__}({', '.join(given)})"

    def rows(self, tables, *columns: str) -> pd.DataFrame:
        """The rows that the test reads, which must have these columns."""
        table = reading.table_named(tables, self.table)
        reading.require_columns(table, *columns)
        rows = reading.rows_where(table, self.where)
        if rows.empty:
            raise ValueError("expected a table with rows, got an empty one: measure at least one run")
        return rows


@dataclass(frozen=True, repr=False)
class Metric(Rows):
    """A test on a metric with one value per arm and seed.

    Args:
        metric: column, such as "test_loss".
        at_epoch: the epoch to judge; by default the last of each run.
        mean_over: columns over which the values of an arm and a seed are averaged (logarithms on the log scale).
        unit, delta, scale: override what the metric's name implies (see `scales.scale_of`).
    """

    metric: str
    at_epoch: int | None = field(default=None, kw_only=True)
    mean_over: str | tuple[str, ...] = field(default=(), kw_only=True)
    unit: str | None = field(default=None, kw_only=True)
    delta: float | None = field(default=None, kw_only=True)
    scale: str | None = field(default=None, kw_only=True)

    def __post_init__(self):
        super().__post_init__()
        if not isinstance(self.metric, str) or not self.metric:
            raise ValueError(f"expected a metric's column name such as 'test_loss', got {self.metric!r}")
        object.__setattr__(self, "mean_over", names(self.mean_over))
        self._scale()  # refuses a metric without unit and δ before anything is trained

    def _scale(self) -> Scale:
        return scale_of(self.metric, unit=self.unit, delta=self.delta, scale=self.scale)

    def values(self, tables, arm_columns: tuple[str, ...], chosen=None) -> tuple[dict, int]:
        """The metric on its scale, as a dict arm → series by seed, and how many of the runs used had diverged.

        Args:
            arm_columns: the columns whose values name an arm; none means one arm, ().
            chosen: the arms to keep, as tuples of values; by default all.
        """
        rows = self.rows(tables, self.metric, "seed", *arm_columns, *self.mean_over)
        if chosen is not None:
            rows = self._chosen(rows, arm_columns, chosen)
        runs = [*arm_columns, *self.mean_over, "seed"]
        rows = reading.last_rows(rows, self.metric, runs, self.at_epoch)
        filled, diverged = reading.with_guesses(rows, self.metric)
        rows = rows.assign(**{self.metric: self._scale().apply(filled, self.metric)})
        arms = {}
        for key, arm in rows.groupby(list(arm_columns), sort=True) if arm_columns else [((), rows)]:
            arms[key] = reading.by_seed(self._averaged(arm, key), self.metric, describe(arm_columns, key))
        return arms, int(diverged.sum())

    def _chosen(self, rows, arm_columns, chosen):
        present = list(rows[list(arm_columns)].itertuples(index=False, name=None))
        for arm in chosen:
            if arm not in present:
                found = ", ".join(repr(key[0] if len(key) == 1 else key) for key in dict.fromkeys(present))
                raise ValueError(
                    f"expected {describe(arm_columns, arm)} among the rows, got {found}: name an arm that was measured"
                )
        return rows[[key in chosen for key in present]]

    def _averaged(self, arm, key):
        if not self.mean_over:
            return arm
        runs = arm.groupby(["seed", *self.mean_over]).size()
        levels = runs.groupby("seed").size()
        if (runs > 1).any() or levels.nunique() > 1:
            raise ValueError(
                f"expected every combination of {', '.join(self.mean_over)} once at every seed, got {int(runs.max())} "
                f"rows for one, or {levels.min()} to {levels.max()} combinations, in arm {key!r}: complete the design"
            )
        return arm.groupby("seed", as_index=False)[self.metric].mean()

    def reported(self, judgement: Judgement, diverged: int) -> Judgement:
        """The judgement in the unit that a reader sees, with the number of diverged runs."""
        scale = self._scale()
        return replace(
            judgement,
            effect=scale.report(judgement.effect),
            interval=judgement.interval and tuple(scale.report(end) for end in judgement.interval),
            differences=tuple(scale.report(difference) for difference in judgement.differences),
            unit=scale.unit,
            delta=scale.delta,
            diverged=diverged,
        )

    def scale_phrase(self) -> str:
        scale = self._scale()
        return f"δ = a factor {scale.delta:g}" if scale.log else f"δ = {scale.delta:g} {scale.unit}"

    def epoch_phrase(self) -> str:
        return "" if self.at_epoch is None else f" at epoch {self.at_epoch}"


def names(columns) -> tuple[str, ...]:
    """Column names as a tuple, also when a single one was given."""
    return (columns,) if isinstance(columns, str) else tuple(columns)


def describe(columns: tuple[str, ...], values: tuple) -> str:
    """An arm in words: "condition 'step decay'"."""
    return ", ".join(f"{column} {value!r}" for column, value in zip(columns, values, strict=True)) or "the table"
