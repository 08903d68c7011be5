"""Smith's procedure for many seeds at once: what it finds, what it costs, and how much of that is luck."""

from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd

from textbook.range_test.over_seeds import cut, refuse_torch, updates_per_epoch
from textbook.range_test.over_values import Choice, RangeTestOverValues, choose
from textbook.range_test.ramp import RangeTestRamp
from textbook.range_test.result import RangeTest
from textbook.range_test.smith import RATE_SMOOTHING, SMOOTHING, STOP_FACTOR, SmithRecipe, recipe_from
from textbook.range_test.sweep import rates as rates_between
from textbook.range_test.trial_optimizer import momentum_of
from textbook.schedules.arguments import nonnegative, positive, weight


@dataclass(frozen=True)
class SmithRecipeOverSeeds:
    """What Smith's procedure found for each seed.

    Attributes:
        recipes: seed → `SmithRecipe`.
        updates_per_epoch: of the training part, the smaller last batch included.
    """

    recipes: dict[int, SmithRecipe]
    updates_per_epoch: int

    @property
    def table(self) -> pd.DataFrame:
        """A row per seed: `seed`, `maximum`, `momentum`, `weight_decay` (NaN for none), `updates`, `epochs_spent`.

        `updates` counts those of all tests, and `epochs_spent` is the same in passes over the training part.
        """
        rows = [
            {
                "seed": seed,
                "maximum": np.nan if one.schedule is None else one.schedule.maximum,
                "momentum": np.nan if one.momentum is None else one.momentum,
                "weight_decay": np.nan if one.weight_decay is None else one.weight_decay,
                "updates": one.updates,
                "epochs_spent": one.updates / self.updates_per_epoch,
            }
            for seed, one in self.recipes.items()
        ]
        return pd.DataFrame(rows)


def smith_recipe_over_seeds(
    build,
    splits,
    *,
    seeds=range(16),
    epochs: float = 10,
    momenta=(0.8, 0.9, 0.95, 0.99),
    weight_decays=(0.0, 1e-5, 1e-4, 1e-3, 1e-2),
    optimizer="sgd",
    loss=None,
    batch_size: int = 32,
    start: float = 1e-6,
    end: float = 10.0,
    rates: int = 100,
    **condition,
) -> SmithRecipeOverSeeds:
    """`smith_recipe` for several seeds, each with choices of its own, trained at once; TensorFlow and JAX.

    Every seed has a split, initial weights, an order and masks of its own (`textbook.replicas`), the same in all of its
    tests. A test that explodes is trained on with the others and cut where it would have stopped, which is also where
    its updates are counted to.

    Args:
        build, splits, seeds, loss: as in `learning_rate_range_test_over_seeds`.
        optimizer: a name or a Keras optimizer as a pattern, with a momentum or beta_1.
        epochs, momenta, weight_decays, batch_size, start, end, rates: as in `smith_recipe`.
        condition: further arguments of `Condition`, such as strengths.

    Raises: ValueError where an argument does not fit, and on torch, which stacks no replicas.

    Source: Smith (2018), "A disciplined approach to neural network hyper-parameters", box 1.
    """
    refuse_torch()
    epochs = positive("epochs", epochs)
    momenta = [weight("a momentum", value) for value in momenta]
    decays = [nonnegative("a weight decay", value) for value in weight_decays]
    pattern = keras.optimizers.get(optimizer)
    name, seeds = momentum_of(pattern), [int(seed) for seed in seeds]
    own = {name: getattr(pattern, name), "weight_decay": pattern.weight_decay or 0.0}
    sweeps = _Sweeps(
        build, splits, seeds=seeds, batch_size=batch_size, planned=rates_between(start, end, rates),
        shared={**condition, "optimizer": optimizer, "loss": loss}, momentum=name,
    )  # fmt: skip
    held = {seed: dict(own) for seed in seeds}
    of_momentum = _over(sweeps, name, momenta, held)
    _hold(held, name, of_momentum)
    of_decay = _over(sweeps, "weight_decay", decays, held)
    _hold(held, "weight_decay", of_decay)
    of_rate = sweeps({"": held}, smoothing=RATE_SMOOTHING)[""]
    recipes = {
        seed: recipe_from(of_momentum[seed], of_decay[seed], of_rate[seed], epochs=epochs, start=start, end=end)
        for seed in seeds
    }
    return SmithRecipeOverSeeds(recipes, sweeps.per_epoch)


class _Sweeps:
    """Range tests of several settings at every seed, in one training."""

    def __init__(self, build, splits, *, seeds, batch_size, planned, shared, momentum):
        self.per_epoch = updates_per_epoch(splits, seeds, batch_size)
        self._build, self._splits, self._seeds, self._batch_size = build, splits, seeds, batch_size
        self._planned, self._shared, self._momentum = planned, shared, momentum

    def __call__(self, settings: dict, *, smoothing: float) -> dict:
        """Name → seed → `RangeTest`, for settings name → seed → {"momentum" (or "beta_1"): …, "weight_decay": …}."""
        from textbook.replicas import ReplicaTrainer

        trained = ReplicaTrainer(
            self._build,
            self._splits,
            seeds=self._seeds,
            updates=len(self._planned),
            batch_size=self._batch_size,
            trace=True,
            conditions={str(name): self._condition(by_seed) for name, by_seed in settings.items()},
        ).run()
        traces = dict(list(trained.trace.groupby(["condition", "seed"])))
        return {
            name: {
                seed: cut(traces[str(name), seed], self._planned, smoothing=smoothing, stop_factor=STOP_FACTOR)
                for seed in self._seeds
            }
            for name in settings
        }

    def _condition(self, by_seed: dict):
        from textbook.replicas import Condition

        ramp = RangeTestRamp(self._planned[0], end=self._planned[-1], total=(len(self._planned) - 1) / self.per_epoch)
        momentum = {seed: chosen[self._momentum] for seed, chosen in by_seed.items()}
        arguments = dict(self._shared)
        if self._momentum == "momentum":
            arguments["momentum"] = momentum
        else:
            arguments["strengths"] = {**(arguments.get("strengths") or {}), self._momentum: momentum}
        decay = {seed: chosen["weight_decay"] for seed, chosen in by_seed.items()}
        return Condition(learning_rate=ramp.per_update(), weight_decay=decay, **arguments)


def _over(sweeps: _Sweeps, name: str, values: list[float], held: dict) -> dict[int, RangeTestOverValues]:
    """Seed → the tests at each value, with the other settings held."""
    if not values or len(set(values)) < len(values):
        raise ValueError(f"expected one or more different values of {name}, got {values}; mend by such a list")
    found = sweeps(
        {value: {seed: {**chosen, name: value} for seed, chosen in held.items()} for value in values},
        smoothing=SMOOTHING,
    )
    tests: dict[int, dict[float, RangeTest]] = {seed: {v: found[v][seed] for v in values} for seed in held}
    return {seed: RangeTestOverValues(name, mine, choose(mine)) for seed, mine in tests.items()}


def _hold(held: dict, name: str, tests: dict[int, RangeTestOverValues]) -> None:
    """Keep each seed's best value for the steps that follow."""
    for seed, test in tests.items():
        best: Choice = test.best
        if best.value is not None:
            held[seed][name] = best.value
