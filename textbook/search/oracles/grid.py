"""Grid search: every combination of the hyperparameters' values, in a fixed order."""

from collections.abc import Iterator, Sequence

import keras_tuner

from textbook.search.oracles.base import Mended, check_whole
from textbook.search.space import steps, value_at


class GridOracle(Mended, keras_tuner.oracles.GridSearchOracle):
    """All combinations in the order of nested loops: the last hyperparameter fastest, values in their own order.

    A hyperparameter inside a conditional scope takes part only where it is active. A `Float` without step, or an `Int`
    on a log scale without one, has `points` values in the middle of equal cells of its scale; its ends are not tried
    (give it a step, or a `Choice`, to try them).

    keras-tuner's own grid starts from the defaults, which makes an eleventh value where the default is none of the
    ten, and cannot be resumed. This one takes the first combination that no trial had yet, so it needs no state.

    Args:
        space, objective, seed, options: as for `RandomOracle`; the seed does not matter here.
        trials: at most; None for the whole grid.
        points: values of a hyperparameter without step.

    >>> space = keras_tuner.HyperParameters()
    >>> _ = space.Choice("optimizer", ["sgd", "adam"]), space.Float("rate", 0.01, 1.0, sampling="log")
    >>> oracle = GridOracle(space, "val_loss", points=2)
    >>> for slot in "abcd":
    ...     values = oracle.create_trial(slot).hyperparameters
    ...     print(values["optimizer"], round(values["rate"], 4))
    sgd 0.0316
    sgd 0.3162
    adam 0.0316
    adam 0.3162
    >>> grid_size(space.space, points=2)
    4
    """

    def __init__(
        self, space=None, objective="val_loss", *, trials: int | None = None, points: int = 10, seed: int = 0, **options
    ):
        check_whole(points, "points", least=1)
        super().__init__(space, objective, max_trials=trials, seed=seed, **options)
        self.points = points
        # what is left of the enumeration of a space of that many hyperparameters
        self._left, self._enumerated = iter(()), -1

    def arguments(self) -> dict:
        return {**super().arguments(), "points": self.points}

    def populate_space(self, trial_id: str) -> dict:
        """keras-tuner's hook: the first combination that no trial had yet."""
        space = self.hyperparameters.space
        if self._enumerated != len(space):
            self._left, self._enumerated = combinations(space, points=self.points), len(space)
        for values in self._left:
            if not self._duplicate(values):
                return {"status": "RUNNING", "values": values}
        # a running trial may yet declare a hyperparameter
        waits = self.ongoing_trials and self.allow_new_entries and self.tune_new_entries
        return {"status": "IDLE" if waits else "STOPPED", "values": None}

    def set_state(self, state: dict) -> None:
        super().set_state(state)
        self._enumerated = -1


def grid_values(parameter, *, points: int = 10) -> list:
    """The values of one hyperparameter in a grid, in ascending order or the order of a `Choice`."""
    if not hasattr(parameter, "sampling"):
        values = list(dict.fromkeys(parameter.values))
        return sorted(values) if isinstance(parameter, keras_tuner.engine.hyperparameters.Boolean) else values
    return steps(parameter) or sorted({value_at(parameter, (i + 0.5) / points) for i in range(points)})


def combinations(space: Sequence, *, points: int = 10, chosen: dict | None = None) -> Iterator[dict]:
    """All combinations of active values, as nested loops over `keras_tuner.HyperParameters().space` give them."""
    chosen = chosen or {}
    if not space:
        yield chosen
        return
    first, rest = space[0], space[1:]
    if not _active(first, chosen):
        yield from combinations(rest, points=points, chosen=chosen)
        return
    for value in grid_values(first, points=points):
        yield from combinations(rest, points=points, chosen={**chosen, first.name: value})


def grid_size(space: Sequence, *, points: int = 10, chosen: dict | None = None) -> int:
    """How many combinations there are, without going through them all."""
    chosen = chosen or {}
    if not space:
        return 1
    first, rest = space[0], space[1:]
    if not _active(first, chosen):
        return grid_size(rest, points=points, chosen=chosen)
    values = grid_values(first, points=points)
    if not any(condition.name == first.name for later in rest for condition in later.conditions):
        return len(values) * grid_size(rest, points=points, chosen=chosen)
    return sum(grid_size(rest, points=points, chosen={**chosen, first.name: value}) for value in values)


def _active(parameter, chosen: dict) -> bool:
    return all(condition.is_active(chosen) for condition in parameter.conditions)
