"""How good the winner of a search is: its score over fresh seeds, beside the score that made it the winner."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from textbook.search.trials import COMPLETED, judge
from textbook.seeding import sequence
from textbook.statistics import mean_interval


@dataclass(frozen=True, eq=False)
class Retrained:
    """The winner trained again; the best of many scores is partly luck, and fresh seeds show how much.

    A score is what the search made of a trial: the best epoch's objective. It has no part in the choice of the winner,
    but still takes the best of several epochs. `test` is the same metric on test data, which takes the best of nothing:
    at the score's epoch, or at the last one that it was measured in.

    Attributes:
        table: a row per seed: seed, score, best_epoch, diverged, and the test metric under its own name. A seed whose
            objective is not finite in the last epoch diverged; its score is NaN, and it is counted and not averaged.
        curves: a row per seed and epoch.
        hyperparameters: the winner's.
        reported: the score that the search had reported for them.
        objective: the metric's name.
        lower_is_better: False for an accuracy.
    """

    table: pd.DataFrame
    curves: pd.DataFrame
    hyperparameters: dict
    reported: float
    objective: str
    lower_is_better: bool

    @property
    def diverged(self) -> int:
        """Seeds without a score."""
        return int(self.table["diverged"].sum())

    @property
    def n(self) -> int:
        """Seeds with a score."""
        return len(self.table) - self.diverged

    @property
    def mean(self) -> float:
        """Of the scores; NaN if every seed diverged."""
        return float(self.table["score"].mean())

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % t interval of the mean score; NaN with fewer than two scores."""
        return _interval(self.table["score"])

    @property
    def test(self) -> tuple[float, float, float] | None:
        """Mean, low and high end of the test metric's 95 % t interval, or None without test data."""
        column = _test_name(self.objective)
        return (float(self.table[column].mean()), *_interval(self.table[column])) if column in self.table else None

    @property
    def optimism(self) -> float:
        """By how much the reported score was better than the mean of fresh seeds; in the objective's unit.

        Above 0: too good, for a loss as well as for an accuracy (mean − reported, reported − mean).
        """
        return (self.mean - self.reported) if self.lower_is_better else (self.reported - self.mean)

    @property
    def optimism_interval(self) -> tuple[float, float]:
        """The 95 % interval of the optimism, the reported score being given."""
        low, high = self.interval
        return (
            (low - self.reported, high - self.reported)
            if self.lower_is_better
            else (
                self.reported - high,
                self.reported - low,
            )
        )

    @property
    def as_good(self) -> int:
        """How many fresh seeds score at least as well as was reported: half of them, had there been no luck."""
        scores = self.table["score"].dropna()
        return int(((scores <= self.reported) if self.lower_is_better else (scores >= self.reported)).sum())

    def __repr__(self) -> str:
        (low, high), (least, most) = self.interval, self.optimism_interval
        diverged = f", {self.diverged} diverged" if self.diverged else ""
        return (
            f"Retrained({self.objective} {self.mean:.4g} [{low:.4g}, {high:.4g}] over {self.n} seeds{diverged}; "
            f"reported {self.reported:.4g}, optimism {self.optimism:.2g} [{least:.2g}, {most:.2g}], "
            f"{self.as_good} of {self.n} as good)"
        )


def retrained(retrain, winner: pd.Series, values: dict, *, objective, seeds: Sequence[int], epochs: int) -> Retrained:
    """Train `values` for each seed by `retrain(values, seeds, epochs)` and compare with the winner's own score.

    Args:
        retrain: returns a row per seed and epoch: seed, epoch, the objective, perhaps its test metric.
        winner: the winner's row of the search's table.
        objective: a `keras_tuner.Objective`.

    Raises: ValueError where the rows lack the objective or a seed.
    """
    curves = retrain(values, list(seeds), epochs)
    missing = [name for name in ("seed", "epoch") if name not in curves]
    if missing or objective.name not in curves:
        raise ValueError(
            f"expected rows with seed, epoch and {objective.name}, got columns {', '.join(map(str, curves.columns))}; "
            "mend by a retrain function that keeps the objective"
        )
    untrained = sorted(set(seeds) - set(curves["seed"]))
    if untrained:
        raise ValueError(f"expected rows for {len(seeds)} seeds, got none for {', '.join(map(str, untrained))}")
    by_seed = curves.sort_values("epoch", kind="stable").groupby("seed", sort=False)
    rows = [_scored(by_seed.get_group(seed), objective) for seed in seeds]
    lower = objective.direction == "min"
    return Retrained(pd.DataFrame(rows), curves, values, float(winner["score"]), objective.name, lower)


def _scored(run: pd.DataFrame, objective) -> dict:
    """One seed's best epoch, judged as the search judges a trial."""
    status, score, epoch = judge(run, objective.name, objective.direction)
    row = {"seed": int(run["seed"].iloc[0]), "score": score, "best_epoch": epoch, "diverged": status != COMPLETED}
    test = _test_name(objective.name)
    if test in run:
        # the replica trainer measures the test part once, for the weights that are left in the end
        measured = run.loc[run[test].notna(), ["epoch", test]]
        at_best = measured[measured["epoch"] == epoch]
        taken = (at_best if len(at_best) else measured)[test]
        row[test] = math.nan if row["diverged"] or taken.empty else float(taken.iloc[-1])
    return row


def _test_name(objective: str) -> str:
    """The test metric beside a validation metric: val_loss → test_loss."""
    return "test_" + objective.removeprefix("val_")


def _interval(values: pd.Series) -> tuple[float, float]:
    values = values.dropna()
    return mean_interval(values) if len(values) > 1 else (math.nan, math.nan)


def fresh_seeds(seed: int, n: int, *, used) -> list[int]:
    """The first n seeds of the stream "retrained" that no trial had; those of 8 are the first of those of 16."""
    found, used = [], {int(value) for value in used}
    words = sequence(seed, "retrained").generate_state(n + len(used) + 64, np.uint32)
    for word in (int(word) >> 1 for word in words):
        if word not in used:
            found.append(word)
            used.add(word)
    return found[:n]
