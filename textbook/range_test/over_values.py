"""Range tests of the rate at several values of another number, with the curves laid over each other."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from textbook import plots
from textbook.model_state import set_optimizer
from textbook.range_test.batches import Batches
from textbook.range_test.learning_rate import result_of, sweep
from textbook.range_test.result import RangeTest, limit_heights
from textbook.range_test.steps import untouched
from textbook.range_test.sweep import Watch
from textbook.range_test.sweep import rates as rates_between
from textbook.range_test.trial_optimizer import with_settings

# losses that differ by less than this share of the fall are a tie: one short run cannot tell them apart
_TIE = 0.02


@dataclass(frozen=True)
class Choice:
    """A value, or None, and why."""

    value: float | None
    reason: str


@dataclass(frozen=True)
class RangeTestOverValues:
    """One range test of the rate for each value of another number.

    Attributes:
        name: of that number, as the optimizer calls it: "weight_decay", "momentum", "beta_1".
        tests: value → `RangeTest`.
        best: a `Choice`: the value whose smoothed training loss gets lowest; of values that tie within 2 % of the fall,
            the largest.
    """

    name: str
    tests: dict[float, RangeTest]
    best: Choice

    @property
    def table(self) -> pd.DataFrame:
        """A row per value and update: a column named as the number, then those of `RangeTest.table`."""
        tables = [test.table.assign(**{self.name: value}) for value, test in self.tests.items()]
        table = pd.concat(tables, ignore_index=True)
        return table[[self.name, *table.columns.drop(self.name)]]

    @plots.style()
    def plot(self, ax):
        """Draw the smoothed loss over the rate, a line for each value, the best one thicker; returns the axes."""
        for i, (value, test) in enumerate(self.tests.items()):
            shown = {**plots.look(i), "marker": "", "linewidth": 3 if value == self.best.value else 1.5}
            label = f"{value:g}" + (" (best)" if value == self.best.value else "")
            ax.plot(test.table["learning_rate"], test.table["smoothed_loss"], label=label, **shown)
        ax.set(xscale="log", xlabel="learning rate", ylabel="smoothed loss of the batch")
        limit_heights(ax, np.concatenate([test.table["smoothed_loss"] for test in self.tests.values()]))
        ax.legend(title=self.name.replace("_", " "))
        return ax


def over_values(
    model,
    x,
    y,
    *,
    name: str,
    values: Sequence[float],
    sample_weight,
    batch_size: int,
    start: float,
    end: float,
    rates: int,
    smoothing: float,
    stop_factor: float | None,
    seed: int,
    held: dict | None = None,
) -> RangeTestOverValues:
    """A range test for each value, all from the model's present weights and on the same batches in the same order.

    Args:
        held: further settings of the optimizer, the same for all values.
    """
    values = [float(value) for value in values]
    if not values or len(set(values)) < len(values):
        raise ValueError(f"expected one or more different values of {name}, got {values}; mend by such a list")
    planned = rates_between(start, end, rates)
    Watch(smoothing=smoothing, stop_factor=stop_factor)  # refuses wrong ones before the first training
    batches = Batches(x, y, sample_weight=sample_weight, batch_size=batch_size, seed=seed)
    tests = {}
    with untouched(model, batches) as state:
        original = model.optimizer
        for value in values:
            set_optimizer(model, with_settings(original, **{**(held or {}), name: value}))
            model.optimizer.build(model.trainable_variables)
            watch = Watch(smoothing=smoothing, stop_factor=stop_factor)
            losses = sweep(model, batches, planned, watch, fresh=True)
            state.restore(model)
            batches.rewind()
            tests[value] = result_of(planned, losses, watch)
    return RangeTestOverValues(name, tests, choose(tests))


def choose(tests: dict[float, RangeTest]) -> Choice:
    """The value with the lowest smoothed loss, the largest of those that tie with it."""
    lowest = {value: _lowest(test) for value, test in tests.items()}
    best = min(lowest.values())
    first = next(iter(tests.values())).table["smoothed_loss"].iat[0]
    if not (math.isfinite(best) and best < first):
        return Choice(None, "the loss falls for none of them")
    tied = [value for value, loss in lowest.items() if loss <= best + _TIE * (first - best)]
    reason = f"its smoothed loss gets to {lowest[max(tied)]:.4g}"
    others = len(tests) - len(tied)
    if len(tied) > 1:
        reason += f", the largest of {len(tied)} values that tie within {_TIE:.0%} of the fall"
    elif others:
        reason += ", lower than for the others"
    return Choice(max(tied), reason)


def _lowest(test: RangeTest) -> float:
    smoothed = test.table["smoothed_loss"].to_numpy()
    finite = smoothed[np.isfinite(smoothed)]
    return float(finite.min()) if len(finite) else math.inf
