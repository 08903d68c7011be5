"""Smith's procedure: range tests of momentum, weight decay and rate, and the 1cycle that they make."""

from dataclasses import dataclass

import pandas as pd

from textbook import schedules
from textbook.model_state import set_optimizer
from textbook.range_test.batches import Batches
from textbook.range_test.learning_rate import result_of, sweep
from textbook.range_test.over_values import RangeTestOverValues, over_values
from textbook.range_test.result import RangeTest
from textbook.range_test.steps import check, untouched
from textbook.range_test.sweep import Watch
from textbook.range_test.sweep import rates as rates_between
from textbook.range_test.trial_optimizer import momentum_of, with_settings
from textbook.schedules.arguments import nonnegative, positive, weight

# the lowest loss over ten is the one meant by Smith's "before the loss rises"; the others stand in where it is missing
_RULES = ("minimum", "valley", "steepest", "slide")
# of the tests that compare values, and of the last one, from which the rate is read
SMOOTHING, RATE_SMOOTHING, STOP_FACTOR = 0.9, 0.98, 4.0
_SPAN = 0.1  # by which a 1cycle lowers the momentum, as from .95 to .85


@dataclass(frozen=True)
class SmithRecipe:
    """What Smith's procedure found.

    Attributes:
        schedule: a `schedules.OneCycle` over the epochs asked for; None where no rate could be read.
        weight_decay: the optimizer's; None where no value made the loss fall.
        momentum: the highest of the cycle, which starts and ends there (beta_1 for Adam's kind); None as above.
        steps: a row per step: `step`, `tried`, `found`, `reason`, and `updates`, whose losses its tests saw (one that
            explodes makes one more).
        rate_test, momentum_test, weight_decay_test: the results behind them, each with `.table` and `.plot(ax)`.
    """

    schedule: object
    weight_decay: float | None
    momentum: float | None
    steps: pd.DataFrame
    rate_test: RangeTest
    momentum_test: RangeTestOverValues
    weight_decay_test: RangeTestOverValues

    @property
    def updates(self) -> int:
        """What the recipe costs before the training that it is for: the updates of all its tests."""
        return int(self.steps["updates"].sum())


def smith_recipe(
    model,
    x,
    y=None,
    *,
    epochs: float = 10,
    momenta=(0.8, 0.9, 0.95, 0.99),
    weight_decays=(0.0, 1e-5, 1e-4, 1e-3, 1e-2),
    sample_weight=None,
    batch_size: int = 32,
    start: float = 1e-6,
    end: float = 10.0,
    rates: int = 100,
    seed: int = 0,
) -> SmithRecipe:
    """Short range tests at each momentum, then at each weight decay, then of the rate with both; a 1cycle from them.

    The maximum of the cycle is a tenth of the rate with the lowest loss, or what another rule suggests where that says
    nothing; the momentum goes from the one found to 0.1 below it and back. The batch size is taken as given. The model
    is put back to the last bit; to follow the recipe, compile it with an optimizer that has
    `learning_rate=recipe.schedule.in_steps(n)` and the other two.

    Args:
        model: a compiled `keras.Model` with an optimizer that has a momentum or beta_1.
        x, y, sample_weight, batch_size, start, end, rates, seed: as in `learning_rate_range_test`.
        epochs: of the training that the cycle is for.
        momenta, weight_decays: the values to try.

    Raises: ValueError where an argument does not fit.

    Source: Smith (2018), "A disciplined approach to neural network hyper-parameters", box 1.
    """
    check(model)
    epochs = positive("epochs", epochs)
    momenta = [weight("a momentum", value) for value in momenta]
    decays = [nonnegative("a weight decay", value) for value in weight_decays]
    name = momentum_of(model.optimizer)
    short = {
        "sample_weight": sample_weight,
        "batch_size": batch_size,
        "start": start,
        "end": end,
        "rates": rates,
        "smoothing": SMOOTHING,
        "stop_factor": STOP_FACTOR,
        "seed": seed,
    }
    of_momentum = over_values(model, x, y, name=name, values=momenta, **short)
    held = {} if of_momentum.best.value is None else {name: of_momentum.best.value}
    of_decay = over_values(model, x, y, name="weight_decay", values=decays, held=held, **short)
    if of_decay.best.value is not None:
        held["weight_decay"] = of_decay.best.value
    of_rate = _rate_test(model, x, y, held, short)
    return recipe_from(of_momentum, of_decay, of_rate, epochs=epochs, start=start, end=end)


def recipe_from(
    of_momentum: RangeTestOverValues,
    of_decay: RangeTestOverValues,
    of_rate: RangeTest,
    *,
    epochs: float,
    start: float,
    end: float,
) -> SmithRecipe:
    """What three finished steps amount to: the rate read from the last, a cycle of so many epochs, and the table."""
    rule = next((rule for rule in _RULES if of_rate.suggestions[rule].rate is not None), None)
    maximum = None if rule is None else of_rate.suggestions[rule].rate
    schedule = None if maximum is None else _cycle(maximum, epochs, of_momentum.best.value)
    why = "no rule suggests a rate" if rule is None else f"{rule}: {of_rate.suggestions[rule].reason}"
    rows = [
        {
            "step": test.name,
            "tried": ", ".join(f"{value:g}" for value in test.tests),
            "found": test.best.value,
            "reason": test.best.reason,
            "updates": sum(len(one.table) for one in test.tests.values()),
        }
        for test in (of_momentum, of_decay)
    ]
    last = {"step": "learning_rate", "tried": f"{start:g} to {end:g}", "found": maximum, "reason": why}
    table = pd.DataFrame([*rows, {**last, "updates": len(of_rate.table)}])
    return SmithRecipe(schedule, of_decay.best.value, of_momentum.best.value, table, of_rate, of_momentum, of_decay)


def _rate_test(model, x, y, held: dict, short: dict) -> RangeTest:
    """The range test of the rate with an optimizer that has the values found."""
    planned = rates_between(short["start"], short["end"], short["rates"])
    watch = Watch(smoothing=RATE_SMOOTHING, stop_factor=short["stop_factor"])
    batches = Batches(x, y, sample_weight=short["sample_weight"], batch_size=short["batch_size"], seed=short["seed"])
    with untouched(model, batches):
        set_optimizer(model, with_settings(model.optimizer, **held))
        model.optimizer.build(model.trainable_variables)
        losses = sweep(model, batches, planned, watch, fresh=True)
    return result_of(planned, losses, watch)


def _cycle(maximum: float, epochs: float, momentum: float | None):
    if momentum is None:
        return schedules.OneCycle(maximum, total=epochs)
    return schedules.OneCycle(maximum, total=epochs, momentum_range=(max(momentum - _SPAN, 0.0), momentum))
