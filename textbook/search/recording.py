"""Which hyperparameters of a builder reach numbers of the optimizer only: their trials need not be built one by one.

A builder runs once with tracked numbers in place of its floats. A number that is given to the optimizer's constructor,
as it is or after arithmetic, leaves a formula behind. One that is looked at in any other way may have changed the
model, so it is structural, and the builder runs again with the plain float in its place until no value is seen at all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import keras
import keras_tuner

from textbook.random_state import RandomState
from textbook.replicas.number_table import range_of
from textbook.search.model_description import described, difference
from textbook.search.optimizer_watch import free_numbers, watched_optimizers
from textbook.search.tracked import Expression, Ledger
from textbook.search.tracking_hyperparameters import TrackingHyperParameters

_ABSENT = object()


@dataclass(frozen=True, eq=False)
class Recorded:
    """One call of a builder, and what it says of other calls.

    Attributes:
        model: the compiled model, with plain numbers inside.
        hyperparameters: those it was built with, and those that the builder added.
        free: number of the optimizer → formula, such as "learning_rate", "momentum", "beta_1".
        free_hyperparameters: names whose values reach these numbers and nothing else (or nothing at all).
        structural: name → why its value may have reached anything else.
        reason: what kept the builder from running with tracked numbers, or "". Some or all are structural for it.
    """

    model: keras.Model
    hyperparameters: keras_tuner.HyperParameters
    free: dict[str, Expression]
    free_hyperparameters: frozenset[str]
    structural: dict[str, str]
    reason: str
    _description: dict = field(repr=False)

    def fits(self, values: Mapping) -> bool:
        """Whether the builder would make the same model of these values, up to the free numbers.

        Args:
            values: of a trial, by name, as `hp.values`.
        """
        own = self.hyperparameters.values
        return all(_same(values.get(name, _ABSENT), own.get(name, _ABSENT)) for name in self.structural) and all(
            isinstance(values.get(name), float) for name in self.free_hyperparameters
        )

    def numbers(self, values: Mapping) -> dict[str, float]:
        """The free numbers of the optimizer for a trial's values.

        Raises: ValueError where one cannot be computed or is out of the range that the optimizer takes. Calling the
            builder then tells what it makes of it.
        """
        numbers = {name: expression.value(values) for name, expression in self.free.items()}
        for name, number in numbers.items():
            if not range_of(name).has(number):
                raise ValueError(f"expected {name} as {range_of(name)}, got {number!r} from {self.free[name]}")
        return numbers


def record(build: Callable, hyperparameters: keras_tuner.HyperParameters, *, track: bool = True) -> Recorded:
    """Call a builder, and find out which hyperparameters reach numbers of the optimizer only.

    The builder runs once if all its floats do, and once more each time that others show. Each run starts from the
    random state that the first one found.

    Args:
        build: `build(hp) -> keras.Model`, compiled; or a `keras_tuner.HyperModel`.
        hyperparameters: with the values to build for. They are copied.
        track: False builds once with plain floats, and everything is structural.

    Raises: ValueError where the builder returns no compiled model; whatever the builder raises without tracking.

    >>> import keras
    >>> def build(hp):
    ...     model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(hp.Int("units", 1, 8))])
    ...     rate = 10 ** hp.Float("log10 rate", -4.0, -1.0)
    ...     model.compile(keras.optimizers.SGD(rate, momentum=1 - hp.Float("1 - momentum", 0.01, 1.0)), "mse")
    ...     return model
    >>> recorded = record(build, keras_tuner.HyperParameters())
    >>> {name: str(formula) for name, formula in recorded.free.items()}
    {'learning_rate': "(10 ** hp['log10 rate'])", 'momentum': "(1 - hp['1 - momentum'])"}
    >>> list(recorded.structural), recorded.numbers({"log10 rate": -2.0, "1 - momentum": 0.25})
    (['units'], {'learning_rate': 0.01, 'momentum': 0.75})
    """
    build = _function(build)
    if not track:
        return _without_tracking(build, hyperparameters, "not tracked")
    state = RandomState.now()
    known: dict[str, str] = {}
    reason = ""
    while True:
        ledger = Ledger(known)
        tracking = TrackingHyperParameters.of(hyperparameters, ledger)
        model, free, problem = None, {}, ""
        try:
            with watched_optimizers(ledger.mark) as given:
                model = build(tracking)
        except Exception as error:  # perhaps because of tracking: without it, the same is raised again
            problem = f"with tracked numbers, the builder raised {type(error).__name__}: {error}"
            ledger.mark_alive(problem)  # in the frames that the error came through
        else:
            free = free_numbers(given.values(), getattr(model, "optimizer", None), ledger.mark)
            ledger.mark_alive("kept somewhere, perhaps in the model")
        reason = reason or problem
        shown = ledger.tracked & ledger.structural.keys()
        if not (shown or problem or ledger.everything):
            break
        state.restore()
        if ledger.everything or not shown:
            return _without_tracking(build, hyperparameters, ledger.everything or reason)
        known = ledger.structural
    _check(model)
    names, structural = frozenset(ledger.tracked), ledger.structural
    return Recorded(model, tracking.plain(), free, names, structural, reason, described(model))


def verify(recorded: Recorded, build: Callable, hyperparameters: keras_tuner.HyperParameters) -> str | None:
    """Build for other values and compare with what was recorded: None, or what is not as expected.

    This finds what no tracking can see, such as a builder that asks for `type(rate)`, reads a number back out of the
    optimizer's variables, or keeps state between its calls. Seed the builder as for `record`.

    Args:
        build: the builder that was recorded.
        hyperparameters: with values that the record fits and whose free ones differ. They are copied.
    """
    values = hyperparameters.values
    if not recorded.fits(values):
        return f"expected the structural values {_structural_values(recorded)}, got others"
    try:
        model = _function(build)(hyperparameters.copy())
    except Exception as error:
        return f"the builder raised {type(error).__name__}: {error}"
    try:
        expected = recorded.numbers(values)
    except ValueError as error:
        return str(error)
    return difference(recorded._description, described(model), expected)


def _function(build) -> Callable:
    return build.build if isinstance(build, keras_tuner.HyperModel) else build


def _without_tracking(build, hyperparameters, reason: str) -> Recorded:
    plain = hyperparameters.copy()
    model = build(plain)
    _check(model)
    names = {*plain.values, *(hp.name for hp in plain.space)}
    return Recorded(model, plain, {}, frozenset(), dict.fromkeys(sorted(names), reason), reason, described(model))


def _check(model) -> None:
    if not isinstance(model, keras.Model):
        raise ValueError(f"expected build(hp) to return a keras.Model, got {type(model).__name__}; return the model")
    if not model.compiled:
        raise ValueError("expected build(hp) to return a compiled model; mend by model.compile(optimizer, loss) in it")


def _structural_values(recorded: Recorded) -> dict:
    values = recorded.hyperparameters.values
    return {name: values[name] for name in recorded.structural if name in values}


def _same(one, other) -> bool:
    return one is other or (type(one) is type(other) and one == other)
