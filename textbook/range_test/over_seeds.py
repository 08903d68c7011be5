"""The range test of many seeds at once: what one seed suggests, and how much that is luck."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from textbook import plots
from textbook.range_test.ramp import RangeTestRamp
from textbook.range_test.result import RangeTest, limit_heights
from textbook.range_test.suggestions import suggest
from textbook.range_test.sweep import Watch
from textbook.range_test.sweep import rates as rates_between


@dataclass(frozen=True)
class RangeTestOverSeeds:
    """The curves of one range test for each seed.

    Attributes:
        table: a row per seed and update: `seed`, `update` (from 1), `learning_rate`, `loss`, `smoothed_loss`. A seed's
            rows end where its own test would have stopped.
        tests: seed → `RangeTest`, each with suggestions, agreement and plot of its own.
    """

    table: pd.DataFrame
    tests: dict[int, RangeTest]

    @property
    def suggestions(self) -> pd.DataFrame:
        """A row per seed and rule: `seed`, `rule`, `rate` (NaN for none), `reason`."""
        rows = [
            {"seed": seed, "rule": rule, "rate": np.nan if found.rate is None else found.rate, "reason": found.reason}
            for seed, test in self.tests.items()
            for rule, found in test.suggestions.items()
        ]
        return pd.DataFrame(rows)

    @property
    def spread(self) -> pd.DataFrame:
        """A row per rule: `rule`, `count` of seeds that got a rate, their `median`, `smallest`, `largest`, `factor`."""
        named = self.suggestions.groupby("rule", sort=False)["rate"]
        spread = named.agg(count="count", median="median", smallest="min", largest="max").reset_index()
        return spread.assign(factor=spread["largest"] / spread["smallest"])

    @plots.style()
    def plot(self, ax):
        """Draw the mean smoothed loss over the seeds in its 95 % band, and each rule's median; returns the axes.

        Rates that some seed did not survive are shown seed by seed, as thin lines.
        """
        seeds = len(self.tests)
        alive = self.table.groupby("update")["smoothed_loss"].transform("count") == seeds
        together = self.table[alive]
        for _, rows in self.table[self.table["update"] >= together["update"].max()].groupby("seed"):
            ax.plot(rows["learning_rate"], rows["smoothed_loss"], color=plots.GREY, ls="-", linewidth=0.7, alpha=0.7)
        plots.band(ax, together, x="learning_rate", y="smoothed_loss", hue=None, looks={"": plots.look(0)})
        ax.get_lines()[-1].set_label(f"mean of {seeds} seeds")
        for i, row in enumerate(self.spread.dropna().sort_values("median").itertuples()):
            shown = plots.look(i + 1)
            name = f"{row.rule} {row.median:.2g}"
            ax.axvline(row.median, color=shown["color"], linestyle=shown["linestyle"], label=name)
        ax.set(xscale="log", xlabel="learning rate", ylabel="smoothed loss of the batch")
        limit_heights(ax, together.groupby("update")["smoothed_loss"].mean().to_numpy())
        ax.legend()
        return ax


def learning_rate_range_test_over_seeds(
    build,
    splits,
    *,
    seeds=range(16),
    optimizer="sgd",
    loss=None,
    batch_size: int = 32,
    start: float = 1e-6,
    end: float = 10.0,
    rates: int = 100,
    log: bool = True,
    smoothing: float = 0.98,
    stop_factor: float | None = 4.0,
    **condition,
) -> RangeTestOverSeeds:
    """The learning rate range test of one model for several seeds, trained at once; TensorFlow and JAX.

    Every seed has a split, initial weights, an order and masks of its own (`textbook.replicas`). A seed that explodes
    is trained on to the last rate with the others, and its curve is cut where `learning_rate_range_test` would have
    stopped.

    Args:
        build: a function that returns a new, uncompiled model, as `ReplicaTrainer` takes it.
        splits: a `Splitter`, a split, or one for each seed.
        seeds: whole numbers.
        optimizer: a name or a Keras optimizer as a pattern; its rate is the test's.
        loss: None for cross-entropy from logits or squared error; see `ReplicaTrainer`.
        batch_size, start, end, rates, log, smoothing, stop_factor: as in `learning_rate_range_test`.
        condition: further arguments of `Condition`, such as momentum or weight_decay.

    Raises: ValueError where an argument does not fit, and on torch, which stacks no replicas.

    Source: Smith (2017), "Cyclical learning rates for training neural networks", section 3.3.
    """
    from textbook.replicas import Condition, ReplicaTrainer  # here, because it imports Keras

    planned = rates_between(start, end, rates, log=log)
    Watch(smoothing=smoothing, stop_factor=stop_factor)  # refuses wrong ones before the training
    refuse_torch()
    per_epoch = updates_per_epoch(splits, seeds, batch_size)
    ramp = RangeTestRamp(start, end=end, total=(rates - 1) / per_epoch, log=log)
    trained = ReplicaTrainer(
        build,
        splits,
        seeds=seeds,
        updates=rates,
        batch_size=batch_size,
        trace=True,
        conditions={
            "range test": Condition(learning_rate=ramp.per_update(), optimizer=optimizer, loss=loss, **condition)
        },
    ).run()
    tests = {
        int(seed): cut(rows, planned, smoothing=smoothing, stop_factor=stop_factor)
        for seed, rows in trained.trace.groupby("seed")
    }
    table = pd.concat([test.table.assign(seed=seed) for seed, test in tests.items()], ignore_index=True)
    return RangeTestOverSeeds(table[["seed", "update", "learning_rate", "loss", "smoothed_loss"]], tests)


def cut(rows: pd.DataFrame, planned: np.ndarray, *, smoothing: float, stop_factor: float | None) -> RangeTest:
    """The test of one replica from its trace, which goes on to the last of the planned rates.

    Args:
        rows: of `ReplicaResult.trace`, one for each of the planned rates, shape (rates,).
    """
    watch, losses = Watch(smoothing=smoothing, stop_factor=stop_factor), []
    for loss in rows["loss"]:
        losses.append(float(loss))
        if not watch.see(losses[-1]):
            break
    table = rows[["update", "learning_rate", "loss"]].iloc[: len(losses)].reset_index(drop=True)
    table = table.assign(learning_rate=planned[: len(losses)], smoothed_loss=watch.smoothed)
    return RangeTest(table, suggest(table["learning_rate"], table["smoothed_loss"], rates=len(planned)), watch.stopped)


def updates_per_epoch(splits, seeds, batch_size) -> int:
    """ceil(rows / batch_size) of the training part, which the trainer counts epochs by."""
    one = splits(next(iter(seeds))) if callable(splits) else splits
    one = one[0] if isinstance(one, list | tuple) else one
    rows = len(one.train.indices)
    return -(-rows // (rows if batch_size == "all" else batch_size))


def refuse_torch() -> None:
    """ValueError where Keras runs on torch, which stacks no replicas."""
    import keras

    if keras.backend.backend() not in ("tensorflow", "jax"):
        raise ValueError(
            f"expected Keras on TensorFlow or JAX to train many seeds at once, got {keras.backend.backend()}; "
            "mend by KERAS_BACKEND=tensorflow, or by learning_rate_range_test seed by seed"
        )
