"""Train (conditions × seeds) copies of a Keras model at once, and put what happened into one tidy table."""

import hashlib

import keras
import numpy as np
import pandas as pd

from textbook.replicas import checkpoint, fit_engine, sessions, stack_engine
from textbook.replicas.condition import Condition, check_count
from textbook.replicas.plan import Group, Planner
from textbook.replicas.table import tidy

ENGINES = {"replicas": stack_engine.train, "fit": fit_engine.train}


class ReplicaTrainer:
    """Trains one model per condition and seed, all at once where they share a graph.

    Args:
        build: `build()`, or `build(input_shape, outputs)`, returning an uncompiled Keras model that ends in logits (or
            in values, for a regression).
        splits: a `Split` for all seeds, a list of them aligned with `seeds`, or a callable such as a `Splitter` that
            makes the split of a seed.
        conditions: name → `Condition`; None is one condition called "default".
        seeds: numbers, each standing for a split, initial weights, a data order and masks of its own; or `Seeds`.
        epochs, batch_size: for the conditions that do not say otherwise. A smaller last batch is kept, as in Keras.
        metrics: names of functions in `keras.metrics` or functions (y, outputs) → (batch,); None is accuracy for
            classes and nothing for a regression.
        engine: "replicas", or "fit" for plain `model.fit` one by one; None asks the surrounding `session`.
        test_every_epoch: measure the test part after every epoch, for studies of stopping itself. Otherwise only the
            last epoch sees it, so that it cannot be used to choose.

    Raises: ValueError where an argument does not fit; the message says what was expected.
    """

    def __init__(
        self,
        build,
        splits,
        *,
        seeds,
        epochs: int,
        conditions: dict[str, Condition] | None = None,
        batch_size: int = 32,
        metrics=None,
        engine: str | None = None,
        test_every_epoch: bool = False,
    ):
        check_count(epochs, "epochs")
        check_count(batch_size, "batch_size", also=("all",))
        self._session = sessions.current()
        self._engine = engine or self._session.engine
        if self._engine not in ENGINES:
            raise ValueError(f"expected engine as one of {', '.join(ENGINES)}, got {self._engine!r}")
        if conditions is not None and not conditions:
            raise ValueError("expected at least one condition, got an empty dict; pass None for the defaults")
        for name, condition in (conditions or {}).items():
            if not isinstance(condition, Condition):
                raise ValueError(
                    f"expected every condition to be a Condition, got {name!r}: {type(condition).__name__}; "
                    "write for instance Condition(learning_rate=0.1)"
                )
        if isinstance(build, keras.Model) or not callable(build):
            raise ValueError(
                f"expected build as a function that returns a new model, got {type(build).__name__}; "
                "wrap what makes the model in a function"
            )
        self._conditions = conditions or {"default": Condition()}
        self._seeds = seeds
        self._test_every_epoch = test_every_epoch
        self._planner = Planner(build, splits, batch_size=batch_size, epochs=epochs, metrics=metrics)

    def run(self) -> "ReplicaResult":
        """Train everything and return the result; a session with a checkpoint folder resumes finished groups."""
        groups = self._planner.groups(self._conditions, self._seeds)
        total = sum(len(g.replicas) * g.epochs * g.updates_per_epoch for g in groups)
        report = _Progress(total, self._session.progress)
        store = checkpoint.Store(self._session.checkpoint, next(self._session.calls))
        outcomes = []
        for number, group in enumerate(groups):
            digest = _digest(group, self._engine, self._test_every_epoch)
            outcome = store.load(number, digest)
            if outcome is None:
                outcome = ENGINES[self._engine](group, test_every_epoch=self._test_every_epoch, progress=report)
                store.save(number, digest, outcome)
            else:
                report(len(group.replicas) * group.epochs * group.updates_per_epoch)
            outcomes.append(outcome)
        return ReplicaResult(groups, outcomes, list(self._conditions), self._engine)


class ReplicaResult:
    """The table of a training, and its models.

    Attributes:
        table: a row per condition, seed and epoch; `train_replicas` lists the columns.
    """

    def __init__(self, groups: list[Group], outcomes, conditions: list[str], engine: str):
        self._groups, self._outcomes = groups, outcomes
        self.table: pd.DataFrame = tidy(groups, outcomes, conditions, engine)

    def trained(self, condition: str, seed: int):
        """The trained network of one replica: an ordinary, uncompiled `keras.Model` of its own."""
        for group, outcome in zip(self._groups, self._outcomes, strict=True):
            for index, replica in enumerate(group.replicas):
                if (replica.condition, replica.seed) == (condition, seed):
                    model = keras.models.clone_model(group.blueprint.model)
                    variables = model.trainable_variables + model.non_trainable_variables
                    for variable, values in zip(variables, outcome.weights, strict=True):
                        variable.assign(values[index])
                    return model
        have = sorted({(r.condition, r.seed) for g in self._groups for r in g.replicas})
        raise ValueError(f"expected a condition and seed that were trained, such as {have[0]}, got {(condition, seed)}")


class _Progress:
    """Counts updates and tells the session."""

    def __init__(self, total: int, callback):
        self._done, self._total, self._callback = 0, total, callback

    def __call__(self, updates: int) -> None:
        self._done += updates
        if self._callback:
            self._callback(self._done, self._total)


def _digest(group: Group, engine: str, test_every_epoch: bool) -> str:
    """A checkpoint fits only the very same work: same graph, data rows, seeds and rates."""
    found = hashlib.sha256(repr((engine, test_every_epoch, group.graph[1:], group.batch_size, group.epochs)).encode())
    for replica in group.replicas:
        found.update(repr((replica.condition, replica.seeds, replica.momentum, replica.weight_decay)).encode())
        found.update(replica.rates.tobytes())
        for part in (replica.split.train, replica.split.validation, replica.split.test):
            found.update(np.ascontiguousarray(part.indices).tobytes())
            found.update(np.ascontiguousarray(part.y).tobytes())
    return found.hexdigest()
